"""A question's bytes to the answer's, by dnspython. Pure, but for the counting.

We are asked for addresses of version 4: any other type of a name that there is has no data. What
is not under our own label is refused, for nobody should take us for a resolver of anything else.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.IN.A  # imported when first needed, which would be in each process by itself
import dns.rrset

from demo_platform.dns.names import TOP, Names

TTL_S = 2
PLAIN_BYTES = 512
"""As much as fits in a datagram for who says nothing else."""

TCP_BYTES = 65_535
RCODES = ("noerror", "formerr", "nxdomain", "notimp", "refused")

_HEADER = struct.Struct("!HHHHHH")
_IS_ANSWER = 0x8000


def answer(
    question: bytes, names: Names, count: Callable[[str], None], *, limit_bytes: int = 0
) -> bytes:
    """The answer's bytes; none where no answer is due: to an answer, or to less than a header.

    limit_bytes: how long it may be; 0: as long as who asks can take in a datagram.
    """
    if len(question) < _HEADER.size:
        return b""
    number, flags, *_ = _HEADER.unpack_from(question)
    if flags & _IS_ANSWER:
        return b""
    try:
        asked = dns.message.from_wire(question)
    except dns.exception.DNSException:
        count("formerr")
        return _HEADER.pack(number, _IS_ANSWER | dns.rcode.FORMERR, 0, 0, 0, 0)
    reply = dns.message.make_response(asked)
    rcode = _fill(reply, asked, names)
    reply.set_rcode(rcode)
    count(dns.rcode.to_text(rcode).lower())
    limit_bytes = limit_bytes or max(PLAIN_BYTES, asked.payload if asked.edns >= 0 else 0)
    return reply.to_wire(max_size=limit_bytes, prefer_truncation=True)


def _fill(reply: dns.message.Message, asked: dns.message.Message, names: Names) -> dns.rcode.Rcode:
    """Put into the reply what was asked for; how it went."""
    if asked.opcode() != dns.opcode.QUERY:
        return dns.rcode.NOTIMP
    if len(asked.question) != 1:
        return dns.rcode.FORMERR
    (question,) = asked.question
    labels = tuple(label.decode("latin-1").lower() for label in question.name.labels[:-1])
    if question.rdclass != dns.rdataclass.IN or not labels or labels[-1] != TOP:
        return dns.rcode.REFUSED
    reply.flags |= dns.flags.AA
    addresses = names.addresses(labels)
    if addresses is None:
        return dns.rcode.NXDOMAIN
    if addresses and question.rdtype in {dns.rdatatype.A, dns.rdatatype.ANY}:
        reply.answer.append(dns.rrset.from_text(question.name, TTL_S, "IN", "A", *addresses))
    return dns.rcode.NOERROR
