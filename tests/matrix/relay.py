"""What a run asks for the store, so that it can be killed without the platform: `… LISTEN STORE`.

Copies bytes between connections to the one unix socket and connections to the other.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _serve(listen: str, store: str) -> None:
    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        beyond, back = await asyncio.open_unix_connection(store)
        await asyncio.gather(_copy(reader, back), _copy(beyond, writer))

    server = await asyncio.start_unix_server(relay, listen)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], sys.argv[2]))
