"""All proxies of a server by name, and what may be asked of them, in Toxiproxy's words.

Beyond the original a toxic, and a proxy that is disabled, may carry a lease (`lease_ms`): when it
has run out the toxic is taken off, or the proxy listens again, whatever became of whoever asked.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any

from demo_platform.toxiproxy.link import Toxic
from demo_platform.toxiproxy.proxy import DOWNSTREAM, UPSTREAM, Proxy
from demo_platform.toxiproxy.toxics import KINDS, attributes_of, kind_with

LEASE_MS_MAX = 24 * 3_600_000
PROXIES_MAX = 4096
TOXICS_MAX = 64

Document = Mapping[str, Any]


class Refused(Exception):
    """What the API answers to a request that cannot be met."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status, self.what = status, what


class Collection:
    """The proxies."""

    def __init__(self) -> None:
        self._proxies: dict[str, Proxy] = {}
        self._leases: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def shown(self) -> dict[str, Any]:
        """Every proxy by name."""
        return {name: shown(proxy) for name, proxy in sorted(self._proxies.items())}

    def proxy(self, name: str) -> Proxy:
        """The proxy of that name."""
        if name not in self._proxies:
            raise Refused(404, "proxy not found")
        return self._proxies[name]

    async def create(self, wanted: Document) -> Proxy:
        """A new proxy."""
        name, upstream = _required(wanted, "name"), _required(wanted, "upstream")
        if name in self._proxies:
            raise Refused(409, "proxy already exists")
        if len(self._proxies) >= PROXIES_MAX:
            raise Refused(400, f"there are {PROXIES_MAX} proxies already")
        proxy = Proxy(name, _text(wanted, "listen", "") or "0.0.0.0:0", upstream)
        if _flag(wanted, "enabled", True):
            await _open(proxy)
        self._proxies[name] = proxy
        return proxy

    async def populate(self, wanted: list[Document]) -> list[Proxy]:
        """Each as it is wanted; one that is so already is left alone. Stops at the first mistake,
        with what was made so far in the error's `made`."""
        for number, each in enumerate(wanted, 1):
            for field in ("name", "upstream"):
                if not each.get(field):
                    raise Refused(400, f"missing required field: {field} at proxy {number}")
        made: list[Proxy] = []
        for each in wanted:
            try:
                made.append(await self._make_so(each))
            except Refused as refused:
                raise PartlyRefused(refused, made) from refused
        return made

    async def _make_so(self, wanted: Document) -> Proxy:
        there = self._proxies.get(str(wanted["name"]))
        if there is not None:
            same = (there.listen, there.upstream) == (wanted.get("listen"), wanted["upstream"])
            if same and there.is_enabled is _flag(wanted, "enabled", True):
                return there
            await self.delete(there.name)
        return await self.create(wanted)

    async def update(self, name: str, wanted: Document) -> Proxy:
        """Another address, another upstream, on or off."""
        proxy = self.proxy(name)
        listen = _text(wanted, "listen", proxy.listen) or proxy.listen
        upstream = _text(wanted, "upstream", proxy.upstream) or proxy.upstream
        is_enabled = _flag(wanted, "enabled", proxy.is_enabled)
        if (listen, upstream) != (proxy.listen, proxy.upstream):
            await proxy.close()
            proxy.listen, proxy.upstream = listen, upstream
        lease_ms = _lease(wanted)
        self._end_lease(name, "")
        if is_enabled:
            await _open(proxy)
        else:
            await proxy.close()
            self._lease(name, "", lease_ms)
        return proxy

    async def delete(self, name: str) -> None:
        """End a proxy."""
        proxy = self.proxy(name)
        for toxic in proxy.toxics:
            self._end_lease(name, toxic.name)
        self._end_lease(name, "")
        await proxy.close()
        del self._proxies[name]

    async def reset(self) -> None:
        """Every proxy listens, and has no toxic."""
        for proxy in self._proxies.values():
            for toxic in proxy.toxics:
                self._end_lease(proxy.name, toxic.name)
            self._end_lease(proxy.name, "")
            proxy.set_toxics([])
            await _open(proxy)

    async def close(self) -> None:
        """End them all."""
        for name in tuple(self._proxies):
            await self.delete(name)

    def add_toxic(self, name: str, wanted: Document) -> Toxic:
        """A new toxic of a proxy."""
        proxy = self.proxy(name)
        kind = KINDS.get(_text(wanted, "type", ""))
        if kind is None:
            raise Refused(400, "invalid toxic type")
        stream = _text(wanted, "stream", "") or DOWNSTREAM
        if stream not in {UPSTREAM, DOWNSTREAM}:
            raise Refused(400, "stream was invalid, can be either upstream or downstream")
        toxic = Toxic(
            _text(wanted, "name", "") or f"{wanted['type']}_{stream}",
            wanted["type"],
            stream,
            _toxicity(wanted, 1.0),
            _kind(kind, wanted, {}),
            _lease(wanted),
        )
        if proxy.toxic(toxic.name) is not None:
            raise Refused(409, "toxic already exists")
        if len(proxy.toxics) >= TOXICS_MAX:
            raise Refused(400, f"the proxy has {TOXICS_MAX} toxics already")
        proxy.set_toxics([*proxy.toxics, toxic])
        self._lease(name, toxic.name, toxic.lease_ms)
        return toxic

    def toxic(self, name: str, toxic_name: str) -> Toxic:
        """A toxic of a proxy."""
        toxic = self.proxy(name).toxic(toxic_name)
        if toxic is None:
            raise Refused(404, "toxic not found")
        return toxic

    def update_toxic(self, name: str, toxic_name: str, wanted: Document) -> Toxic:
        """Other attributes, another toxicity, a longer lease."""
        old, proxy = self.toxic(name, toxic_name), self.proxy(name)
        lease_ms = _lease(wanted) if "lease_ms" in wanted else old.lease_ms
        new = Toxic(
            old.name,
            old.type,
            old.stream,
            _toxicity(wanted, old.toxicity),
            _kind(type(old.kind), wanted, attributes_of(old.kind)),
            lease_ms,
        )
        proxy.set_toxics([new if each is old else each for each in proxy.toxics])
        self._lease(name, toxic_name, lease_ms)
        return new

    def remove_toxic(self, name: str, toxic_name: str) -> None:
        """Take a toxic off."""
        toxic, proxy = self.toxic(name, toxic_name), self.proxy(name)
        self._end_lease(name, toxic_name)
        proxy.set_toxics([each for each in proxy.toxics if each is not toxic])

    def _lease(self, name: str, toxic_name: str, lease_ms: int) -> None:
        self._end_lease(name, toxic_name)
        if lease_ms:
            loop = asyncio.get_running_loop()
            self._leases[name, toxic_name] = loop.call_later(
                lease_ms / 1000, self._ran_out, name, toxic_name
            )

    def _end_lease(self, name: str, toxic_name: str) -> None:
        lease = self._leases.pop((name, toxic_name), None)
        if lease is not None:
            lease.cancel()

    def _ran_out(self, name: str, toxic_name: str) -> None:
        del self._leases[name, toxic_name]
        if toxic_name:
            self.remove_toxic(name, toxic_name)
            return
        task = asyncio.get_running_loop().create_task(_open(self._proxies[name]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class PartlyRefused(Refused):
    """Some of what was asked for was made before the mistake was met."""

    def __init__(self, refused: Refused, made: list[Proxy]) -> None:
        super().__init__(refused.status, refused.what)
        self.made = made


def shown(proxy: Proxy) -> dict[str, Any]:
    """A proxy as it stands in the API."""
    return {
        "name": proxy.name,
        "listen": proxy.listen,
        "upstream": proxy.upstream,
        "enabled": proxy.is_enabled,
        "toxics": [shown_toxic(toxic) for toxic in proxy.toxics],
    }


def shown_toxic(toxic: Toxic) -> dict[str, Any]:
    """A toxic as it stands in the API."""
    lease = {"lease_ms": toxic.lease_ms} if toxic.lease_ms else {}
    return {
        "attributes": attributes_of(toxic.kind),
        "name": toxic.name,
        "type": toxic.type,
        "stream": toxic.stream,
        "toxicity": toxic.toxicity,
        **lease,
    }


async def _open(proxy: Proxy) -> None:
    try:
        await proxy.open()
    except ValueError as error:
        raise Refused(400, str(error)) from error
    except OSError as error:
        why = os.strerror(error.errno).lower() if error.errno else str(error)
        raise Refused(500, f"listen tcp {proxy.listen}: bind: {why}") from error


def _required(wanted: Document, field: str) -> str:
    value = _text(wanted, field, "")
    if not value:
        raise Refused(400, f"missing required field: {field}")
    return value


def _text(wanted: Document, field: str, default: str) -> str:
    value = wanted.get(field, default)
    if not isinstance(value, str):
        raise Refused(400, f"bad request body: {field} is no text: {value!r}")
    return value


def _flag(wanted: Document, field: str, default: bool) -> bool:
    value = wanted.get(field, default)
    if not isinstance(value, bool):
        raise Refused(400, f"bad request body: {field} is neither true nor false: {value!r}")
    return value


def _lease(wanted: Document) -> int:
    value = wanted.get("lease_ms", 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LEASE_MS_MAX:
        raise Refused(400, f"bad request body: lease_ms is not 0 to {LEASE_MS_MAX}: {value!r}")
    return value


def _toxicity(wanted: Document, default: float) -> float:
    value = wanted.get("toxicity", default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(400, f"bad request body: toxicity is no number: {value!r}")
    return float(value)


def _kind(kind: Any, wanted: Document, before: Mapping[str, int]) -> Any:
    attributes = wanted.get("attributes") or {}
    if not isinstance(attributes, dict):
        raise Refused(400, f"bad request body: attributes is no object: {attributes!r}")
    try:
        return kind_with(kind, {**before, **attributes})
    except ValueError as error:
        raise Refused(400, f"bad request body: {error}") from error
