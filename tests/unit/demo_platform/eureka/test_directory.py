"""What a process keeps of what discovery says."""

from demo_platform.eureka.directory import Directory
from demo_platform.eureka.listing import Registered


def instance(name: str, service: str = "api", *, status: str = "UP") -> Registered:
    return Registered(name, service, "r", "a", "127.0.0.1", 1, status)


def known(directory: Directory, service: str) -> list[str]:
    return [peer.id for peer in directory.peers(service)]


def test_replaces_the_copy() -> None:
    directory = Directory()
    directory.learn([instance("i-1"), instance("i-2"), instance("i-3", "recs")])
    directory.learn([instance("i-2"), instance("i-3", "recs")])
    assert known(directory, "api") == ["i-2"]
    assert directory.ids() == {"i-2", "i-3"}


def test_keeps_the_last_instances_of_a_service_that_has_none_left() -> None:
    directory = Directory()
    directory.learn([instance("i-1"), instance("i-3", "recs")])
    directory.learn([instance("i-3", "recs")])
    assert known(directory, "api") == ["i-1"]


def test_forgets_everybody_until_it_learns_again() -> None:
    directory = Directory()
    directory.learn([instance("i-1")])
    directory.forget()
    assert known(directory, "api") == []
    directory.learn([instance("i-1")])
    assert known(directory, "api") == ["i-1"]


def test_remembers_the_calls_under_way() -> None:
    directory = Directory()
    directory.learn([instance("i-1")])
    directory.peers("api")[0].in_flight = 3
    directory.learn([instance("i-1"), instance("i-2")])
    assert directory.peers("api")[0].in_flight == 3


def test_leaves_out_who_is_not_up() -> None:
    directory = Directory()
    directory.learn([instance("i-1", status="STARTING"), instance("i-2")])
    assert known(directory, "api") == ["i-2"]
