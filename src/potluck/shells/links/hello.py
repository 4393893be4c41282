"""HELLO: the first words on a connection, whoever dialled.

Strategy: both sides say HELLO the same way whoever dialled, so the rules stand here once: the
dialler speaks first, the other answers HELLO_OK or BYE with a reason, and nothing counts before
that (a TLS 1.3 client that was rejected has seen a successful handshake).

Guarantees: the version is one both know, and where there is none both learn it, and the dialler
which one the other side speaks; the kind of link is the one the knock asked for; a wrong
first frame raises ProtocolError. Limits: HELLO has room for capabilities (the wire
format keeps it for later versions); this one names none and reads none.
"""

from __future__ import annotations

from typing import Final

from potluck.core import limits
from potluck.core.errors import Malformed, Refused
from potluck.core.wire.catalogue import (
    PAIRING,
    Bye,
    Catalogue,
    Hello,
    HelloMessage,
    HelloOk,
    LinkKind,
)
from potluck.engine.events import NO_COMMON_VERSION
from potluck.shells.links.stream import Stream

BUSY_REASON: Final = "busy"
"""The reason in a BYE to a bulk or news link for which no worker is free."""

FIRST_WORDS: Final[Catalogue[HelloMessage]] = Catalogue(HelloMessage, PAIRING.frame_bytes)
"""HELLO and its answers, in small frames: the other side may be anybody."""


def say_hello(stream: Stream, kind: LinkKind, instance: bytes, *, serves: bool = False) -> bytes:
    """As the side that dialled: say HELLO, wait for HELLO_OK; return the other's instance.

    `serves`: the other side asked to be dialled, and asks on this link as well. Raises Refused on
    BYE.
    """
    ours = b"" if kind is LinkKind.PAIRING else instance
    stream.send(Hello([limits.PROTOCOL_VERSION], [], ours, kind, serves))
    match stream.receive(FIRST_WORDS):
        case HelloOk(version=limits.PROTOCOL_VERSION, instance=theirs):
            return theirs
        case Bye(reason=reason):
            raise Refused(cause=reason)
        case answer:
            raise Malformed("that is not an answer to HELLO", type(answer).__name__)


def hear_hello(stream: Stream, *, pairing: bool) -> Hello:
    """As the side that accepted: return the HELLO of a link that may be opened.

    Raises ProtocolError.
    """
    hello = stream.receive(FIRST_WORDS)
    if not isinstance(hello, Hello):
        raise Malformed("the first frame must be HELLO", type(hello).__name__)
    if (hello.link is LinkKind.PAIRING) != pairing:
        raise Malformed("the link is not of the kind that was knocked for", hello.link)
    if hello.serves and hello.link not in {LinkKind.BULK, LinkKind.NEWS}:
        raise Malformed("nobody serves on a link of that kind", hello.link)
    if limits.PROTOCOL_VERSION not in hello.versions:
        stream.send(Bye(f"{NO_COMMON_VERSION}: {limits.PROTOCOL_VERSION}"))
        raise Malformed(NO_COMMON_VERSION, str(hello.versions[:4]))
    return hello


def accept_hello(stream: Stream, kind: LinkKind, instance: bytes) -> None:
    """As the side that accepted: answer HELLO_OK."""
    ours = b"" if kind is LinkKind.PAIRING else instance
    stream.send(HelloOk(limits.PROTOCOL_VERSION, [], ours))
