"""What a world is told when it is made; crosses every fork unchanged."""

from dataclasses import dataclass
from pathlib import Path

from demo_platform.topology import Size

TIME_FACTOR = 30.0
"""How many times faster than the originals the platform lives: 30 s of Eureka's are 1 s here."""

AUTO, OFF = 0, -1


@dataclass(frozen=True, slots=True)
class Settings:
    """One world to be made.

    fabric: "auto", "netns", "proxy" or "loopback".
    toxiproxy: HOST:PORT of the server that the fabric `proxy` uses; empty: one of its own.
    companions: programs with their arguments, started beside the world and ended with it.
    publish_socket: the unix socket of a spectatord; empty when nobody listens.
    store_socket: the unix socket where the metrics store answers queries; empty when none does.
    aws_port: where EC2 and Auto Scaling listen on the host's loopback address: a port, AUTO or OFF.
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
    store_socket: str = ""
    aws_port: int = AUTO
    instances: str = "demo_platform.instance"
    toxiproxy: str = ""
