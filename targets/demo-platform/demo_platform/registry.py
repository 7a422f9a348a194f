"""Who is registered with a discovery server, and until when. Pure: the clock is an argument.

An instance holds a lease that it renews each second; one that is not renewed in time is forgotten.
A server that hears from nobody at all has most likely lost its own network, not the whole
platform: it keeps what it knows (`keep_all`) and does not forget everybody.
"""

from __future__ import annotations

import msgspec

LEASE_S = 3.0


class Registered(msgspec.Struct, frozen=True):
    """An instance as discovery hands it out."""

    id: str
    service: str
    region: str
    zone: str
    address: str
    port: int
    status: str


class Registry:
    """Leases by instance id. `version` grows whenever the list of instances changes."""

    def __init__(self, *, lease_s: float = LEASE_S) -> None:
        self._lease_s = lease_s
        self._instances: dict[str, Registered] = {}
        self._expires_at: dict[str, float] = {}
        self.version = 0

    def __len__(self) -> int:
        return len(self._instances)

    def renew(self, instance: Registered, now: float) -> None:
        """Register an instance, or renew its lease."""
        if self._instances.get(instance.id) != instance:
            self._instances[instance.id] = instance
            self.version += 1
        self._expires_at[instance.id] = now + self._lease_s

    def cancel(self, instance_id: str) -> None:
        """Forget an instance at once; forgetting a stranger is no error."""
        if self._instances.pop(instance_id, None) is not None:
            del self._expires_at[instance_id]
            self.version += 1

    def expire(self, now: float) -> tuple[str, ...]:
        """Forget those whose lease ran out; returns their ids."""
        gone = tuple(key for key, expires_at in self._expires_at.items() if expires_at <= now)
        for instance_id in gone:
            self.cancel(instance_id)
        return gone

    def keep_all(self, now: float) -> None:
        """Give everybody a whole lease from now on."""
        for instance_id in self._expires_at:
            self._expires_at[instance_id] = now + self._lease_s

    def instances(self) -> list[Registered]:
        """Everybody, in the order of their ids."""
        return [self._instances[key] for key in sorted(self._instances)]
