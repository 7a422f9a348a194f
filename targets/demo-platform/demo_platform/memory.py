"""Whether there is memory for more instances: what one takes, and what the machine has left."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from demo_platform.errors import DemoError

PSS_BYTES_USUAL = 12 * 2**20
"""What an instance takes, as long as none can be asked: measured, and rounded up."""

SHARE_MAX = 0.9
SAMPLES = 3
_MB = 2**20


def available_bytes(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """What the kernel says can be used without swapping; None where it does not say."""
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else None


def pss_bytes(pids: Iterable[int]) -> int:
    """The mean proportional share of memory of some living processes, by their host numbers."""
    sizes: list[int] = []
    for pid in pids:
        if len(sizes) == SAMPLES:
            break
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue  # it is gone
        sizes += [int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")]
    return sum(sizes) // len(sizes) if sizes else PSS_BYTES_USUAL


def shortage(count: int, each_bytes: int, available: int | None) -> str:
    """Why there is no memory for so many more instances; empty when there is."""
    if available is None or count * each_bytes <= available * SHARE_MAX:
        return ""
    return (
        f"{count} more instances take some {count * each_bytes // _MB} MB "
        f"({each_bytes / _MB:.1f} MB each), and the machine has {available // _MB} MB to give"
    )


def check_memory(count: int) -> None:
    """Refuse a world that the machine cannot hold. Raises DemoError."""
    why = shortage(count, PSS_BYTES_USUAL, available_bytes())
    if why:
        raise DemoError(
            f"not enough memory: {why}",
            where="--size",
            fix="close something, or use --size small",
        )
