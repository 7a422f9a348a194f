"""The fabric for machines without namespaces: every registered address is a fault proxy's.

An instance listens where nobody looks for it, at 127.<100 + region>.<zone>.<n>; what it registers,
127.<region>.<zone>.<n>, belongs to a server with Toxiproxy's API, ours or the original. So every
byte between two instances passes a proxy, and latency, cuts and resets are a matter of toxics.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import suppress

import aiohttp

from demo_platform.errors import DemoError
from demo_platform.fabric import Wire
from demo_platform.topology import InstanceSpec

ASK_WITHIN_S = 5.0
STARTS_WITHIN_S = 15.0
ENDS_WITHIN_S = 2.0
RESTART_PAUSE_S = 0.2
WHERE = "fabric proxy"

Document = dict[str, str]

_log = logging.getLogger(__name__)


class ProxyFabric:
    """A proxy for each port of each instance. server: HOST:PORT of a Toxiproxy; empty: our own."""

    name = "proxy"
    bridge = ""
    probe_address = "127.0.0.1"

    def __init__(self, server: str = "") -> None:
        self._is_own = not server
        self._server = server or "127.0.0.1:0"
        self._session: aiohttp.ClientSession | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._proxies: dict[str, Document] = {}

    @property
    def faults_api(self) -> str:
        """Where the proxies are steered."""
        return f"http://{self._server}"

    async def open(self) -> None:
        """Start our own server, or find the one that was named."""
        timeout = aiohttp.ClientTimeout(total=ASK_WITHIN_S)
        self._session = aiohttp.ClientSession(timeout=timeout)
        if self._is_own:
            await self._start()
            self._watching = asyncio.create_task(self._keep_up())
        try:
            await self._ask("GET", "/version")
        except OSError as error:
            await self.close()
            raise DemoError(
                f"no fault proxy answers: {error}",
                where=f"{WHERE} {self._server}",
                fix="start Toxiproxy there, or leave --toxiproxy out and have our own",
            ) from error

    async def wire(self, spec: InstanceSpec, pid: int) -> Wire:
        """Have the instance's registered address forwarded to where it listens."""
        del pid
        wanted = {}
        for port in spec.ports:
            address, bound_port = spec.bound(port)
            name = proxy_name(spec.id, port, spec.port)
            wanted[name] = {
                "name": name,
                "listen": f"{spec.address}:{port}",
                "upstream": f"{address}:{bound_port}",
            }
        await self._ask("POST", "/populate", list(wanted.values()))
        self._proxies |= wanted
        return Wire("", -1, tuple(wanted))

    async def unwire(self, wire: Wire) -> None:
        """End the instance's proxies."""
        for name in wire.proxies:
            self._proxies.pop(name, None)
            with suppress(FileNotFoundError):
                await self._ask("DELETE", f"/proxies/{name}")

    async def close(self) -> None:
        """End every proxy of ours, and our server."""
        if self._watching is not None:
            self._watching.cancel()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), ENDS_WITHIN_S)
        elif not self._is_own:
            with suppress(OSError):
                await self.unwire(Wire("", -1, tuple(self._proxies)))
        if self._session is not None:
            await self._session.close()

    async def _start(self) -> None:
        host, _, port = self._server.rpartition(":")
        argv = ["-m", "demo_platform.toxiproxy", "--host", host, "--port", port, "--with-parent"]
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable, *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
        said = b""
        if process.stdout is not None:
            with suppress(TimeoutError):
                said = await asyncio.wait_for(process.stdout.readline(), STARTS_WITHIN_S)
        _, is_said, address = said.decode().strip().partition("API on http://")
        if not is_said:
            raise DemoError(
                "the fault proxy does not start", where=WHERE, fix="report it", has_details=True
            )
        self._server = address

    async def _keep_up(self) -> None:
        """Start our server anew when it dies; its toxics are gone, its proxies are not."""
        while self._process is not None:
            code = await self._process.wait()
            _log.warning("the fault proxy ended with %s; starting it anew", code)
            await asyncio.sleep(RESTART_PAUSE_S)
            try:
                await self._start()
                await self._ask("POST", "/populate", list(self._proxies.values()))
            except (DemoError, OSError) as error:
                _log.warning("the fault proxy: %s", error)

    async def _ask(self, method: str, path: str, body: object = None) -> None:
        """One request. Raises FileNotFoundError for 404, else OSError for what is no success."""
        if self._session is None:
            raise ValueError("fabric is not open")
        try:
            async with self._session.request(method, self.faults_api + path, json=body) as reply:
                said = await reply.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ConnectionError(f"{method} {path}: {error or type(error).__name__}") from error
        if reply.status == 404:
            raise FileNotFoundError(said)
        if reply.status >= 400:
            raise ConnectionError(f"{method} {path}: {said.strip()}")


def proxy_name(instance_id: str, port: int, first_port: int) -> str:
    """What an instance's proxy is called: its id, and the port where it has several.

    >>> proxy_name("i-1", 8080, 8080), proxy_name("i-1", 11211, 8080)
    ('i-1', 'i-1:11211')
    """
    return instance_id if port == first_port else f"{instance_id}:{port}"
