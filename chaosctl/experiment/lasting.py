"""How long a method takes as it is written: what is planned, without the time to look. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chaosctl.experiment.model import Branch, Item, Load, Manual, Parallel, Serial, Step, Wait


def lasts_ms(item: Item) -> int:
    """From an item's beginning to its end, the longest way; a person is taken to answer at once."""
    match item:
        case Step():
            pauses_ms = (item.times - 1) * item.pause_ms
            lasts = item.after_ms + item.times * item.for_ms + pauses_ms
        case Load():
            lasts = item.after_ms + item.for_ms
        case Wait():
            lasts = item.for_ms
        case Manual():
            lasts = 0
        case Parallel():
            lasts = max(map(lasts_ms, item.items))
        case Serial():
            lasts = all_last_ms(item.items)
        case Branch():
            lasts = max(all_last_ms(item.then), all_last_ms(item.otherwise))
    return lasts


def all_last_ms(items: Iterable[Item]) -> int:
    """Of items that follow each other."""
    return sum(map(lasts_ms, items))


def in_force_ms(items: Iterable[Item]) -> int:
    """From the first injection to the last removal, the longest way."""
    left = list(items)
    while left and not any(_injects(item) for item in walk(left[:1])):
        del left[0]
    while left and not any(_injects(item) for item in walk(left[-1:])):
        del left[-1]
    return all_last_ms(left) - _lead_ms(left[0]) if left else 0


def walk(items: Iterable[Item]) -> Iterator[Item]:
    """Every item, groups and branches before what they hold, in the order of the document."""
    for item in items:
        yield item
        match item:
            case Parallel() | Serial():
                yield from walk(item.items)
            case Branch():
                yield from walk((*item.then, *item.otherwise))


def lanes_of(item: Item) -> tuple[Item, ...]:
    """What runs at once inside of an item; nothing if it is no parallel."""
    return item.items if isinstance(item, Parallel) else ()


def _injects(item: Item) -> bool:
    return isinstance(item, Step | Load)


def _lead_ms(item: Item) -> int:
    """How long an item waits before it injects anything."""
    match item:
        case Step() | Load():
            return item.after_ms
        case Wait():
            return item.for_ms
        case Parallel():
            leads = (_lead_ms(one) for one in item.items if any(map(_injects, walk([one]))))
            return min(leads, default=0)
        case Serial():
            return _lead_ms(item.items[0])
        case _:
            return 0
