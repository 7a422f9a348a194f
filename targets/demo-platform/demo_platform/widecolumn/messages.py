"""What nodes say to each other, and clients to nodes, as MessagePack. Pure."""

from __future__ import annotations

import msgspec

from demo_platform.widecolumn.cells import Row
from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.membership import State
from demo_platform.widecolumn.schema import Value


class Message(msgspec.Struct, array_like=True, frozen=True, tag=True, gc=False):
    """Anything on the wire."""


class Gossip(Message, frozen=True):
    """Everything that the sender knows; answered in kind."""

    states: list[State]


class Mutate(Message, frozen=True):
    """Merge a version of a row into what the replica has. Answered by Done."""

    table: str
    partition: bytes
    clustering: bytes
    row: Row


class MutateMany(Message, frozen=True):
    """Several of these at once, all or none. Answered by Done."""

    mutations: list[Mutate]


class Scan(Message, frozen=True):
    """Rows of a partition between two clustering keys. Answered by Scanned or Digest."""

    table: str
    partition: bytes
    first: bytes
    last: bytes
    limit: int
    is_digest: bool = False


class Scanned(Message, frozen=True):
    """Rows with what is dead in them. is_whole: whether there were no more than the limit."""

    rows: list[tuple[bytes, Row]]
    is_whole: bool


class Digest(Message, frozen=True):
    """What would have been scanned, as a hash."""

    digest: bytes


class Stream(Message, frozen=True):
    """The next rows after a place in the whole store, for a node that joins."""

    table: str = ""
    partition: bytes = b""
    clustering: bytes = b""


class Streamed(Message, frozen=True):
    """Rows of any table; none when there are no more."""

    rows: list[Mutate]


class Done(Message, frozen=True):
    """It is written."""


class Failed(Message, frozen=True):
    """The replica cannot. why: "overloaded", "disk full", … ."""

    why: str


class Put(Message, frozen=True):
    """A client's write. columns: the key's and others."""

    table: str
    columns: dict[str, Value]
    level: Consistency
    at_us: int
    ttl_s: float | None = None


class PutMany(Message, frozen=True):
    """Several of a client's writes, which may succeed one without the other."""

    puts: list[Put]
    level: Consistency


class Remove(Message, frozen=True):
    """A client's deletion."""

    table: str
    key: dict[str, Value]
    level: Consistency
    at_us: int


class Get(Message, frozen=True):
    """A client's read of one row. Answered by Found, with one row or none."""

    table: str
    key: dict[str, Value]
    level: Consistency


class GetRange(Message, frozen=True):
    """A client's read of several rows. Answered by Found."""

    table: str
    partition: dict[str, Value]
    level: Consistency
    limit: int
    first: Value | None = None
    last: Value | None = None


class Found(Message, frozen=True):
    """Rows for a client."""

    rows: list[dict[str, Value]]


class Refused(Message, frozen=True):
    """The coordinator has no answer; see refusals."""

    kind: str
    why: str
    required: int
    received: int


Request = Gossip | Mutate | MutateMany | Scan | Stream | Put | PutMany | Remove | Get | GetRange
Reply = Gossip | Done | Scanned | Digest | Streamed | Failed | Found | Refused
ClientRequest = Put | PutMany | Remove | Get | GetRange

encode = msgspec.msgpack.Encoder().encode
decode_request = msgspec.msgpack.Decoder(Request).decode
decode_reply = msgspec.msgpack.Decoder(Reply).decode
