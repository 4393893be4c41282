"""Every decoder of bytes that were made outside of this program, each as one function of bytes.

Strategy: a `Target` is a name, a function that hands bytes to the program's own decoder just as a
shell or the engine does, the errors by which it may refuse, and seeds: small valid examples that
mutation begins from. `check` is the oracle of all of them. Guarantees: a target either returns or
raises one of its own errors; whatever else comes out is a finding. Limits: what the program does
with what was decoded is for tests/hostile.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from potluck.config.layers import merge_layers
from potluck.core.content.facts import ManifestName
from potluck.core.content.paths import parse_wire_path, printable
from potluck.core.content.pieces import HASH_BYTES, PieceList, Root, piece_count
from potluck.core.errors import Malformed, PotluckError, ProtocolError, UnsafePath, UsageError
from potluck.core.group.roster import Roster
from potluck.core.group.statements import Admit, admit, found, group_id
from potluck.core.keys.identity import device_of
from potluck.core.keys.sealing import MAGIC, NONCE_BYTES, open_sealed, seal_datagram, seal_to
from potluck.core.wire.catalogue import (
    BULK_REPLY,
    BULK_REQUEST,
    CLEAR,
    CONTROL,
    HELLO,
    NEWS_REQUEST,
    PAIRING,
    SEALED,
    Address,
    Beacon,
    Catalogue,
    DeletedPath,
    Done,
    Envelope,
    FileAsk,
    FileRecord,
    Folder,
    FrameReader,
    Gap,
    Head,
    Heads,
    HeldBack,
    Hello,
    Holding,
    Kept,
    Kind,
    LinkKind,
    ManifestAsk,
    ManifestPage,
    Offer,
    PairCommit,
    PairNonce,
    PiecesPage,
    Ping,
    RosterRecord,
    RosterRecords,
    Solicit,
    Sync,
    Update,
    encode,
    encode_frame,
)
from potluck.engine.events import IntroductionHeard, OrderId
from potluck.engine.node import Node
from potluck.engine.ring.discovery import Discovery
from potluck.engine.ring.sealed_datagrams import SealedDatagrams
from potluck.shells.api.requests import decode_add, decode_door, decode_flush
from potluck.shells.bulk.asking import _check_follows, _is_safe
from potluck.shells.disk.receiving.part_map import read_map
from potluck.shells.links.knock import KnockReader, introduction_knock, member_knock
from tests.core.fakes import ANN, BEN, key, member_record
from tests.engine.builders import group, node
from tests.engine.builders import key as device_key
from tests.engine.listeners import Heard

CORPUS = Path(__file__).with_name("corpus")
HERE = Address("10.0.0.1", 7685)
FOUNDER, NEWCOMER = key(1), key(2)
GENESIS = found(FOUNDER, "Home", "desk", bytes(32))
GROUP = group_id(GENESIS)
HEAD = Head(ANN.device, Folder.OWN, 1, 2, 1, bytes(32), bytes(16), bytes(64))
FILE = FileRecord(b"a/b", Kind.FILE, 5, 0, False, 262144, bytes(32), 1)
Seeds = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """One decoder."""

    name: str
    read: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]  # how it may say no; empty: it never raises
    seeds: Seeds


def check(target: Target, data: bytes) -> bool:
    """Say whether it was taken; anything but a refusal of the target's own goes through."""
    try:
        target.read(data)
    except target.refusals:
        return False
    return True


# -- the wire --------------------------------------------------------------------------------------
def _messages(name: str, catalogue: Catalogue[Any], *said: object) -> list[Target]:
    frames = tuple(encode_frame(one) for one in said)
    return [
        Target(f"{name} message", catalogue.decode, (Malformed,), tuple(map(encode, said))),
        Target(
            f"{name} frame",
            lambda data: FrameReader(catalogue).feed(data),
            (ProtocolError,),
            (*frames, b"".join(frames)),
        ),
    ]


def _manifest_page(data: bytes) -> None:
    page = BULK_REPLY.decode(data)
    if isinstance(page, ManifestPage):
        [_is_safe(record) for record in page.records]
        [_is_safe(path) for path in page.deleted]
        ManifestName.of(page)


def _piece_list(data: bytes) -> None:
    page = BULK_REPLY.decode(data)
    if isinstance(page, PiecesPage):
        _check_follows(page, 0, piece_count(page.size, page.piece_size) * HASH_BYTES)
        PieceList(Root(page.root), page.size, page.piece_size, page.hashes).check()


# -- the group -------------------------------------------------------------------------------------
def _statement(data: bytes) -> None:
    """A member signed these bytes as a statement, among two honest ones."""
    home = Roster(GENESIS)
    poison = RosterRecord(data, FOUNDER.device, FOUNDER.sign(b"roster", data))
    honest = admit(FOUNDER, GROUP, NEWCOMER.certificate, NEWCOMER.sealing_public, "laptop")
    home.add([poison, honest], BEN.device)
    assert NEWCOMER.device in home.members, "one bad record stops no other"


def _certificate(data: bytes) -> None:
    home = Roster(GENESIS)
    body = encode(Admit(GROUP, data, NEWCOMER.sealing_public, "laptop"))
    home.add([RosterRecord(body, FOUNDER.device, FOUNDER.sign(b"roster", body))])
    device_of(data)


# -- datagrams -------------------------------------------------------------------------------------
def _member() -> Node:
    here = node()
    here.roster = group(1, 2)
    return here


HOME = _member()  # what is decoded is not kept


def _sealed() -> SealedDatagrams:
    return SealedDatagrams(HOME)


def _inside(data: bytes) -> None:
    """Whoever holds the group key sealed these bytes."""
    part = _sealed()
    roster = part._node.roster
    assert roster is not None
    part.open(seal_datagram(roster.group_key, bytes(NONCE_BYTES), data))


def _datagram(data: bytes) -> None:
    part = _sealed()
    for datagram in (data, MAGIC + data):
        part.open(datagram)
        part.is_foreign(datagram)


def _beacon(data: bytes) -> None:
    """A member sealed these bytes as the body of an envelope."""
    sender = device_key(2).device
    envelope = encode(Envelope(sender, b"run", 1, msgspec.Raw(b"BODY")))
    _inside(envelope.replace(b"BODY", data))


def _introduction(data: bytes) -> None:
    part = Discovery(HOME, SealedDatagrams(HOME), Heard())
    for sealed in (data, seal_to(HOME.key.sealing_public, bytes(32), b"introduction", data)):
        part.on_introduction(IntroductionHeard(OrderId(1), sealed, HERE))
    HOME.take()


def _knock(data: bytes) -> None:
    reader = KnockReader()
    at = 0
    while at < len(data) and reader.feed(data[at : at + max(reader.wanted, 1)]) is None:
        at += max(reader.wanted, 1)


# -- this machine ----------------------------------------------------------------------------------
def _config(data: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        merge_layers({}, {}, file.name)


def _environment(data: bytes) -> None:
    name, _, value = data.decode("utf-8", "surrogateescape").partition("=")
    merge_layers({}, {f"POTLUCK_{name}": value}, "/nowhere/at/all")


def _part_map(data: bytes) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        read_map(file.fileno(), Root(bytes(32)))


def _path(data: bytes) -> None:
    printable(data)
    path = parse_wire_path(data)
    assert path.wire == data
    assert not any(part in {"", ".", ".."} for part in path.parts)
    assert os.sep not in path.name


RECORD = member_record(ANN)
ENVELOPE = encode(Envelope(bytes(32), b"", 1, msgspec.Raw(b"\xc0")))
TARGETS = {
    target.name: target
    for target in [
        *_messages("hello", HELLO, Hello([1], [], bytes(16), LinkKind.CONTROL)),
        *_messages(
            "control",
            CONTROL,
            Ping(1, b"digest", b"heads", [RECORD]),
            Update([RECORD, member_record(BEN)], b"digest"),
            Sync([RECORD], b"", True),
            RosterRecords([GENESIS]),
            Heads([HEAD]),
            Kept(
                [Holding(ANN.device, Folder.OWN, 1, 2, 3, 4, 1, 1, 1, 1, 1, 1, (Gap(1, 2),))],
                [HeldBack(ANN.device, Folder.OWN, 1, 2)],
            ),
        ),
        *_messages(
            "bulk request",
            BULK_REQUEST,
            ManifestAsk(ANN.device, Folder.OWN, 0, 1),
            FileAsk(bytes(32), [0, 1]),
        ),
        *_messages("news request", NEWS_REQUEST, ManifestAsk(ANN.device, Folder.OWN, 0, 1)),
        *_messages("bulk reply", BULK_REPLY, Done(), PiecesPage(bytes(32), 0, 262144, 0, b"")),
        *_messages(
            "pairing",
            PAIRING,
            PairCommit([1], bytes(32)),
            PairNonce(bytes(16), NEWCOMER.certificate, bytes(32), bytes(32), "Home", "desk"),
        ),
        *_messages(
            "clear",
            CLEAR,
            Solicit(bytes(16), bytes(320)),
            Offer(bytes(16), bytes(32), "Home", "desk", 7685, 1, True),
        ),
        *_messages("sealed", SEALED, Beacon(7685, 1, bytes(8), 1), Ping(1, b"", b"")),
        Target(
            "manifest page",
            _manifest_page,
            (ProtocolError,),
            (
                encode(
                    ManifestPage(ANN.device, Folder.OWN, [FILE], [DeletedPath(b"x", 2)], 2, 0, HEAD)
                ),
            ),
        ),
        Target(
            "piece list",
            _piece_list,
            (ProtocolError,),
            (encode(PiecesPage(bytes(32), 300000, 262144, 0, bytes(64))),),
        ),
        Target("statement", _statement, (), (GENESIS.body,)),
        Target("certificate", _certificate, (Malformed,), (NEWCOMER.certificate,)),
        Target(
            "sealed inside",
            _inside,
            (),
            (ENVELOPE,),
        ),
        Target("datagram", _datagram, (), (bytes(60),)),
        Target("beacon", _beacon, (), (encode(Beacon(7685, 1, bytes(8), 1)),)),
        Target("introduction", _introduction, (), (encode([GENESIS]),)),
        Target(
            "sealed box",
            lambda data: open_sealed(FOUNDER, b"introduction", data),
            (),
            (bytes(60),),
        ),
        Target(
            "knock",
            _knock,
            (ProtocolError,),
            (member_knock(bytes(32), bytes(16), bytes(16)), introduction_knock(b"x" * 40), b"P"),
        ),
        Target("path", _path, (UnsafePath,), (b"a/b.txt", "é/文".encode())),
        Target(
            "config file",
            _config,
            (UsageError, PotluckError),
            (b'[network]\nport = 7685\n[node]\nname = "x"\n',),
        ),
        Target("environment", _environment, (UsageError,), (b"NETWORK_PORT=7685",)),
        Target("add request", decode_add, (Malformed,), (b'{"paths": ["/a"], "mode": "copy"}',)),
        Target("door request", decode_door, (Malformed,), (b'{"open": true, "minutes": 60}',)),
        Target("flush request", decode_flush, (Malformed,), (b'{"patience_s": 5}',)),
        Target("part map", _part_map, (), (b"potluck map 1\n\0\0" + bytes(16),)),
    ]
}


def crashes(name: str) -> list[Path]:
    """The inputs that once made this target raise what it must not."""
    return sorted((CORPUS / name.replace(" ", "-")).glob("*"))
