"""Control messages: first words, the ring, the roster, newcomers, and which manifests there are.

Strategy: one control link joins each pair of nodes, for both directions, so everything here is
short; what is long is asked for on a bulk link (core/wire/bulk.py). HELLO, HELLO_OK and BYE begin
and end every link, whatever it is for. Whoever can dial dials: DIAL_ME asks the other side to. PING
and its kin also travel as sealed datagrams. Limits: form only. Who may send what and when stands in
the message catalogue of docs/protocol.md §10.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, field

from potluck.core import limits
from potluck.core.wire.records import (
    Address,
    Capabilities,
    Counter,
    Digest,
    Head,
    HeldBack,
    Holding,
    HostText,
    Id,
    Instance,
    Key,
    Label,
    LossConfirm,
    MemberRecord,
    RequestName,
    RosterRecord,
    Seconds,
    Text,
    Versions,
    Wire,
    Word,
)

_Records = Annotated[list[MemberRecord], Meta(max_length=limits.LIST_ITEMS)]
_ProbeRecords = Annotated[list[MemberRecord], Meta(max_length=limits.PROBE_RECORDS)]


# -- first words on every link ---------------------------------------------------------------------
class LinkKind(StrEnum):
    """What a connection is for."""

    CONTROL = "control"
    BULK = "bulk"  # pieces; whoever serves keeps room for so many of a pair, and
    NEWS = "news"  # room of its own for manifests, piece lists, small files: so pieces take none
    PAIRING = "pairing"


class Hello(Wire, frozen=True, tag="hello"):
    """First frame of the side that dialled: what I speak, which run of me, what the link is for.

    `capabilities` are names of what a later version can do besides; nothing in this version reads
    them, and none are sent. `serves`: this is a bulk link that the other side asked for with
    DIAL_ME, so the side that was dialled asks on it and this one answers.
    """

    versions: Versions
    capabilities: Capabilities
    instance: Instance
    link: LinkKind
    serves: bool = False


class HelloOk(Wire, frozen=True, tag="hello_ok"):
    """First frame of the side that accepted: the version both will speak.

    `capabilities` as in HELLO: sent empty, read by nobody yet.
    """

    version: Counter
    capabilities: Capabilities
    instance: Instance


class Bye(Wire, frozen=True, tag="bye"):
    """Last frame of a link that ends on purpose; never raises suspicion."""

    reason: Text


# -- links -----------------------------------------------------------------------------------------
class DialMe(Wire, frozen=True, tag="dial_me"):
    """I need a link of that kind to you and cannot dial you: please dial me."""

    link: LinkKind


# -- ring ------------------------------------------------------------------------------------------
class Join(Wire, frozen=True, tag="join"):
    """To node 0: give me a seat."""

    record: MemberRecord


class Redirect(Wire, frozen=True, tag="redirect"):
    """I am not node 0, this one is."""

    device: Id
    addresses: Annotated[list[Address], Meta(max_length=limits.ADDRESSES_PER_DEVICE)]


class Welcome(Wire, frozen=True, tag="welcome"):
    """Your seat, and everything I know of the ring."""

    seat: Counter
    records: _Records


class Update(Wire, frozen=True, tag="update"):
    """Change your references: these records are new, and the ring's digest after them is this."""

    records: _Records
    digest: Digest


class Decrement(Wire, frozen=True, tag="decrement"):
    """That node is LEFT or DEAD: higher numbers fall by one, because every node derives them."""

    record: MemberRecord
    old_number: Counter
    digest: Digest


class Sync(Wire, frozen=True, tag="sync"):
    """Everything I know of the ring; answer in kind if `reply` asks for it."""

    records: _Records
    digest: Digest
    reply: bool


class Ping(Wire, frozen=True, tag="ping"):
    """Are you there? Carries the ring digest, the digest of all heads, and a few records."""

    sequence: Counter
    digest: Digest
    heads: Digest
    records: _ProbeRecords = field(default_factory=list)


class Pong(Wire, frozen=True, tag="pong"):
    """I am."""

    sequence: Counter
    digest: Digest
    heads: Digest
    records: _ProbeRecords = field(default_factory=list)


class ProbeFor(Wire, frozen=True, tag="probe_for"):
    """Please ask `target` whether it is there; I cannot reach it."""

    sequence: Counter
    target: Id


class ProbeResult(Wire, frozen=True, tag="probe_result"):
    """It answered me."""

    sequence: Counter
    target: Id


# -- roster ----------------------------------------------------------------------------------------
class RosterDigest(Wire, frozen=True, tag="roster_digest"):
    """The digest of every roster record I hold; if yours differs, we exchange them."""

    digest: Digest


class RosterRecords(Wire, frozen=True, tag="roster"):
    """Roster records; merging is a set union, so order and repetition do not matter."""

    records: Annotated[list[RosterRecord], Meta(max_length=limits.ROSTER_CHUNK)]


class GroupKeysAsk(Wire, frozen=True, tag="group_keys_ask"):
    """Which of these group keys do you have? They are named in the roster; I lack them."""

    ids: Annotated[list[Id], Meta(max_length=limits.GROUP_KEYS)]


class GroupKeys(Wire, frozen=True, tag="group_keys"):
    """Keys of our group: each counts if the roster names it."""

    keys: Annotated[list[Key], Meta(max_length=limits.GROUP_KEYS)]


# -- newcomers -------------------------------------------------------------------------------------
class RequestTold(Wire, frozen=True, tag="request"):
    """Somebody asks me to be let in; you may answer. Told again whenever something of it changed.

    `label` is what the newcomer wants to be called, `name` what it would be called here. `open`: my
    door is, and nobody is asked. `wanted`: the newcomer's side has said yes; `allowed`: ours has.
    `device`: the newcomer's id, by which it keeps its name when it asks again.
    """

    request: RequestName
    label: Label
    name: Label
    host: HostText
    words: Annotated[list[Word], Meta(max_length=limits.REQUEST_WORDS)]
    left_s: Seconds
    open: bool = False
    wanted: bool = False
    allowed: bool = False
    device: Digest = b""


class RequestAnswer(Wire, frozen=True, tag="request_answer"):
    """A person here says yes or no to what you told."""

    request: RequestName
    yes: bool


class RequestOver(Wire, frozen=True, tag="request_over"):
    """That request is over, and why."""

    request: RequestName
    why: Text
    done: bool = False  # the newcomer is in: its record in the roster tells that


# -- what manifests there are ----------------------------------------------------------------------
class Heads(Wire, frozen=True, tag="heads"):
    """Signed heads of manifests that I hold completely and can hand on."""

    heads: Annotated[list[Head], Meta(max_length=limits.HEADS_CHUNK)]


class HeadsAsk(Wire, frozen=True, tag="heads_ask"):
    """Tell me the heads you hold; sent when digests differ, and to `last` now and then."""

    digest: Digest


class FlushAsk(Wire, frozen=True, tag="flush_ask"):
    """Tell me your head as soon as it holds everything that is in your folder now."""

    number: Counter


class Flushed(Wire, frozen=True, tag="flushed"):
    """It does; none if I never shared anything."""

    number: Counter
    head: Head | None


class Kept(Wire, frozen=True, tag="kept"):
    """What I hold of each manifest, for receipts and sources.

    `held`: of which of them I keep something that its owner took away, until a person confirms
    that; an earlier version does not tell it.
    """

    holdings: Annotated[list[Holding], Meta(max_length=limits.HEADS_CHUNK)]
    held: Annotated[list[HeldBack], Meta(max_length=limits.HEADS_CHUNK)] = field(
        default_factory=list
    )


class LossConfirms(Wire, frozen=True, tag="loss_confirms"):
    """What people confirmed of others' deletes, on whatever device; handed on by anybody."""

    confirms: Annotated[list[LossConfirm], Meta(max_length=limits.CONFIRMS_CHUNK)]
