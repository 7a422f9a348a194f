"""What a world is told when it is made; crosses every fork unchanged."""

from dataclasses import dataclass
from pathlib import Path

from demo_platform.topology import Size


@dataclass(frozen=True, slots=True)
class Settings:
    """One world to be made.

    fabric: "auto", "netns" or "loopback".
    companions: programs with their arguments, started beside the world and ended with it.
    publish_socket: the metrics store's unix socket; empty when nobody listens.
    instances: the module whose run_instance() each instance's process becomes.
    """

    folder: Path
    size: Size
    seed: int
    fabric: str
    port: int
    starts_per_second: float
    switches: tuple[tuple[str, bool], ...]
    companions: tuple[tuple[str, ...], ...]
    publish_socket: str
    instances: str = "demo_platform.instance"
