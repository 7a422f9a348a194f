"""The demo platform's control API: HTTP and JSON on a unix socket. Standard library only.

Each call opens its own connection and is bounded in time, so it may be used from any thread.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from monkeys.errors import TargetFailed

TIMEOUT_S = 5.0
_WHERE = "demo platform"


class NotUp(TargetFailed):
    """Nobody listens: the platform is not up."""


class Control:
    """Asks the platform's supervisor."""

    def __init__(self, path: Path, *, timeout_s: float = TIMEOUT_S) -> None:
        self.path = path
        self._timeout_s = timeout_s

    def platform(self) -> dict[str, Any]:
        """The platform as it is now. Raises NotUp, or TargetFailed."""
        return self._ask("GET", "/v1/platform")

    def set_switches(self, switches: Mapping[str, bool]) -> dict[str, Any]:
        """Turn fragility switches; all of them as they are then."""
        return self._ask("PUT", "/v1/switches", dict(switches))

    def set_traffic(self, starts_per_second: float, *, over_s: float = 0.0) -> dict[str, Any]:
        """Set how many stream starts a second are offered, at once or evenly within a time."""
        wanted = {"starts_per_second": starts_per_second, "over_s": over_s}
        return self._ask("PUT", "/v1/traffic", wanted)

    def set_dials(self, dials: Mapping[str, float]) -> dict[str, Any]:
        """Turn dials of the traffic; all of them as they are then."""
        return self._ask("PUT", "/v1/dials", dict(dials))

    def set_group(self, group: str, sizes: Mapping[str, int]) -> dict[str, Any]:
        """Change a scaling group's min, desired or max; the group as it is then."""
        return self._ask("PUT", f"/v1/groups/{quote(group, safe='')}", dict(sizes))

    def groups(self) -> dict[str, Any]:
        """Every scaling group by name."""
        return self._ask("GET", "/v1/groups")

    def evacuate(self, region: str, *, is_back: bool) -> dict[str, Any]:
        """Begin to evacuate a region, or to come back; how far that is."""
        direction = "back" if is_back else "away"
        return self._ask("PUT", "/v1/evacuation", {"region": region, "direction": direction})

    def evacuate_for(self, region: str, *, token: str, for_s: float) -> dict[str, Any]:
        """Begin to evacuate a region until `end_evacuation` of the same token, or so long."""
        wanted = {"region": region, "direction": "away", "token": token, "for_s": for_s}
        return self._ask("PUT", "/v1/evacuation", wanted)

    def end_evacuation(self, token: str) -> None:
        """Have all as it was at once; nothing happens if there is no evacuation of this token."""
        self._ask("DELETE", f"/v1/evacuation/{quote(token, safe='')}")

    def evacuation(self) -> dict[str, Any]:
        """The evacuation under way, or the last one; empty when there was none."""
        return self._ask("GET", "/v1/evacuation")

    def deploy(self, token: str, order: Mapping[str, Any]) -> None:
        """Have a build brought out beside a group, until `end_deployment` of the same token.

        order: group, build, instances, replaces (ids), and for_s: so long at most.
        """
        self._ask("PUT", f"/v1/deployments/{quote(token, safe='')}", dict(order))

    def end_deployment(self, token: str) -> None:
        """Have it taken back, which takes a while; nothing happens if there is none."""
        self._ask("DELETE", f"/v1/deployments/{quote(token, safe='')}")

    def deployments(self) -> dict[str, Any]:
        """Every deployment that has not been taken back yet, by token."""
        return self._ask("GET", "/v1/deployments")

    def suspend(self, token: str, groups: list[dict[str, str]]) -> None:
        """No replacement in these groups and zones until `release` of the same token."""
        self._ask("PUT", f"/v1/suspensions/{token}", {"groups": groups})

    def release(self, token: str) -> None:
        """End a suspension; nothing happens if there is none of this token."""
        self._ask("DELETE", f"/v1/suspensions/{token}")

    def service_links(self, *, end_ms: int, lookback_ms: int) -> list[dict[str, Any]]:
        """Which service called which, by the spans that are kept: Zipkin's dependencies."""
        links = self._request("GET", f"/api/v2/dependencies?endTs={end_ms}&lookback={lookback_ms}")
        return list(links)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer: dict[str, Any] = self._request(method, path, body)
        return answer

    def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        connection = _UnixConnection(self.path, self._timeout_s)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            document = json.loads(response.read())
        except (FileNotFoundError, ConnectionRefusedError):
            raise NotUp(
                "the demo platform is not up", where=str(self.path), fix="chaosctl demo up"
            ) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise TargetFailed(
                f"the control API does not answer: {error or type(error).__name__}",
                where=str(self.path),
                fix="`chaosctl demo down`, then `chaosctl demo up`",
            ) from error
        finally:
            connection.close()
        if response.status >= 400:
            raise _refused(document)
        return document


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """Connect to the path instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _refused(document: Mapping[str, Any]) -> TargetFailed:
    error = document.get("error", {})
    return TargetFailed(
        error.get("what", "the control API refused"),
        where=error.get("where", _WHERE),
        fix=error.get("fix", ""),
    )
