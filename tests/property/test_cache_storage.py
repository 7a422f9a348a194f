"""A cache node's storage against a model that keeps every item in a list and knows no shortcut."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from demo_platform.evcache.storage import ITEM_OVERHEAD_BYTES, Outcome, Storage

KEYS = st.sampled_from([b"a", b"b", b"c", b"dd", b"eee"])
VALUES = st.one_of(
    st.sampled_from([b"", b"7", b"10", b"x" * 40, b"18446744073709551615", b"9 "]),
    st.binary(max_size=60),
)
EXPTIMES = st.sampled_from([0, 0, 1, 5, 60, -1, 1_000_000_005, 1_000_000_100])
LIMIT_BYTES = 3 * ITEM_OVERHEAD_BYTES + 120
ITEM_BYTES_MAX = 59 + 48


@dataclass
class Kept:
    """An item of the model; the last in the list is the one touched last."""

    key: bytes
    value: bytes
    flags: int
    ends: float
    unique: int


class StorageMachine(RuleBasedStateMachine):
    """Each rule does the same to both, and compares what they say."""

    def __init__(self) -> None:
        super().__init__()
        self.storage = Storage(limit_bytes=LIMIT_BYTES, item_bytes_max=ITEM_BYTES_MAX)
        self.kept: list[Kept] = []
        self.now = 1e9
        self.flush_at = float("inf")
        self.uniques = 0

    def live(self, key: bytes) -> Kept | None:
        if self.now >= self.flush_at:
            self.kept, self.flush_at = [], float("inf")
        for one in self.kept:
            if one.key == key:
                self.kept.remove(one)
                if one.ends <= self.now:
                    return None
                self.kept.append(one)
                return one
        return None

    def ends(self, exptime: int) -> float:
        if exptime == 0:
            return float("inf")
        if exptime < 0:
            return 0
        return exptime if exptime > 30 * 86400 else self.now + exptime

    def write(self, key: bytes, value: bytes, flags: int, ends: float) -> Outcome:
        self.kept = [one for one in self.kept if one.key != key]
        self.uniques += 1
        self.kept.append(Kept(key, value, flags, ends, self.uniques))
        while sum(len(o.key) + len(o.value) + ITEM_OVERHEAD_BYTES for o in self.kept) > LIMIT_BYTES:
            del self.kept[0]
        return Outcome.STORED

    @staticmethod
    def fits(key: bytes, value: bytes, flags: int) -> bool:
        return 59 + len(key) + len(value) + (4 if flags else 0) <= ITEM_BYTES_MAX

    @rule(seconds=st.sampled_from([0.5, 1.0, 4.0, 60.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(key=KEYS)
    def get(self, key: bytes) -> None:
        found, expected = self.storage.get(key, self.now), self.live(key)
        if expected is None:
            assert found is None
        else:
            assert found is not None
            assert (found.value, found.flags) == (expected.value, expected.flags)
            assert (found.expires_at, found.unique) == (expected.ends, expected.unique)

    @rule(key=KEYS, value=VALUES, flags=st.sampled_from([0, 3]), exptime=EXPTIMES)
    def set(self, key: bytes, value: bytes, flags: int, exptime: int) -> None:
        said = self.storage.set(key, value, flags, exptime, self.now)
        old = self.live(key)
        if self.fits(key, value, flags):
            assert said is self.write(key, value, flags, self.ends(exptime))
        else:
            assert said is Outcome.TOO_LARGE
            if old is not None:
                self.kept.remove(old)

    @rule(
        key=KEYS,
        value=VALUES,
        flags=st.sampled_from([0, 3]),
        exptime=EXPTIMES,
        is_add=st.booleans(),
    )
    def add_or_replace(
        self, key: bytes, value: bytes, flags: int, exptime: int, is_add: bool
    ) -> None:
        act = self.storage.add if is_add else self.storage.replace
        said = act(key, value, flags, exptime, self.now)
        if not self.fits(key, value, flags):
            assert said is Outcome.TOO_LARGE
        elif (self.live(key) is None) is is_add:
            assert said is self.write(key, value, flags, self.ends(exptime))
        else:
            assert said is Outcome.NOT_STORED

    @rule(key=KEYS, value=VALUES, exptime=EXPTIMES, is_current=st.booleans())
    def cas(self, key: bytes, value: bytes, exptime: int, is_current: bool) -> None:
        old = self.live(key)
        unique = old.unique if old is not None and is_current else 0
        said = self.storage.cas(key, value, 0, exptime, unique=unique, now=self.now)
        if not self.fits(key, value, 0):
            assert said is Outcome.TOO_LARGE
        elif old is None:
            assert said is Outcome.NOT_FOUND
        elif is_current:
            assert said is self.write(key, value, 0, self.ends(exptime))
        else:
            assert said is Outcome.EXISTS

    @rule(key=KEYS, value=VALUES, is_append=st.booleans())
    def lengthen(self, key: bytes, value: bytes, is_append: bool) -> None:
        act = self.storage.append if is_append else self.storage.prepend
        said = act(key, value, self.now)
        old = self.live(key)
        if old is None:
            assert said is Outcome.NOT_STORED
            return
        whole = old.value + value if is_append else value + old.value
        if self.fits(key, whole, old.flags):
            assert said is self.write(key, whole, old.flags, old.ends)
        else:
            assert said is Outcome.NOT_STORED

    @rule(key=KEYS)
    def delete(self, key: bytes) -> None:
        said = self.storage.delete(key, self.now)
        old = self.live(key)
        assert said is (Outcome.NOT_FOUND if old is None else Outcome.DELETED)
        if old is not None:
            self.kept.remove(old)

    @rule(key=KEYS, exptime=EXPTIMES)
    def touch(self, key: bytes, exptime: int) -> None:
        found = self.storage.touch(key, exptime, self.now)
        old = self.live(key)
        assert (found is None) is (old is None)
        if old is not None:
            old.ends = self.ends(exptime)

    @rule(key=KEYS, delta=st.sampled_from([0, 1, 90, 2**64 - 1, -1, -20]))
    def count(self, key: bytes, delta: int) -> None:
        said = self.storage.count(key, delta, self.now)
        old = self.live(key)
        if old is None:
            assert said is Outcome.NOT_FOUND
            return
        words = old.value.split()
        text = words[0].removeprefix(b"+") if words else b""
        if not (text.isdigit() and len(text) <= 32 and int(text) < 2**64):
            assert said is Outcome.NON_NUMERIC
            return
        after = max(0, int(text) + delta) if delta < 0 else (int(text) + delta) % 2**64
        assert said == after
        whole = str(after).encode()
        whole += b" " * (len(old.value) - len(whole))
        if self.fits(key, whole, old.flags):
            self.write(key, whole, old.flags, old.ends)

    @rule(delay_s=st.sampled_from([0, 2, -1]))
    def flush(self, delay_s: int) -> None:
        self.storage.flush(delay_s, self.now)
        if delay_s > 0:
            self.flush_at = self.now + delay_s
        else:
            self.kept, self.flush_at = [], float("inf")

    @invariant()
    def room_is_kept(self) -> None:
        assert self.storage.size_bytes <= LIMIT_BYTES
        if not len(self.storage):
            assert self.storage.size_bytes == 0

    @rule()
    def dump(self) -> None:
        self.live(b"")
        found = [key for key, _ in self.storage.keys(self.now)]
        assert found == [one.key for one in reversed(self.kept) if one.ends > self.now]


TestStorage = StorageMachine.TestCase
TestStorage.settings = settings(stateful_step_count=40)
