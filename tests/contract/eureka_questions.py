"""How the wire suite asks a Eureka server: through the published client, and plainly."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError

from py_eureka_client import eureka_basic as basic

JSON = {"Accept": "application/json", "Content-Type": "application/json"}
REPLICA = {**JSON, "x-netflix-discovery-replication": "true"}
SEEN_WITHIN_S = 15.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server to ask, by the URL of its base path."""

    base: str
    app: str

    def instance(self, name: str = "one", **changes: Any) -> basic.Instance:
        said = {
            "instanceId": f"{self.app}:{name}",
            "app": self.app,
            "hostName": "127.0.0.1",
            "ipAddr": "127.0.0.1",
            "status": "UP",
            "overriddenstatus": "UNKNOWN",
            "vipAddress": f"{self.app.lower()}-vip",
            "secureVipAddress": f"{self.app.lower()}-svip",
            "metadata": {"zone": "us-east-1a"},
            "lastDirtyTimestamp": 1_700_000_000_000,
        }
        return basic.Instance(**{**said, **changes})

    def register(self, name: str = "one", **changes: Any) -> basic.Instance:
        instance = self.instance(name, **changes)
        asyncio.run(basic.register(self.base, instance))
        return instance

    def listed(self) -> dict[str, basic.Instance]:
        found = asyncio.run(basic.get_applications(self.base)).get_application(self.app)
        return {one.instanceId: one for one in found.instances}

    def ask(
        self, method: str, path: str, body: object = None, headers: dict[str, str] = JSON
    ) -> tuple[int, Any]:
        """A plain request; status and JSON, or text when it is none."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.base}/{path}", data=data, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as reply:
                status, said = reply.status, reply.read().decode()
        except HTTPError as error:
            with error:
                status, said = error.code, error.read().decode()
        try:
            return status, json.loads(said)
        except json.JSONDecodeError:
            return status, said

    def path(self, name: str = "one") -> str:
        return f"apps/{self.app}/{self.app}:{name}"

    def statuses(self, path: str) -> tuple[str, str]:
        """An instance's status and override.

        In JSON: as Spring packages it, the original takes all who want one instance in XML for
        clients of its first version, to whom whatever is out of service is DOWN.
        """
        one = self.ask("GET", path)[1]["instance"]
        return one["status"], one["overriddenStatus"]

    def until(self, claim: Callable[[], object]) -> None:
        """Wait for what the read cache may hide for a while."""
        ends_s = time.monotonic() + SEEN_WITHIN_S
        while not claim():
            assert time.monotonic() < ends_s, "not seen"
            time.sleep(0.05)
