"""The program without the guards that stand between one member and the others.

Strategy: as in unguarded.py, which takes off what is named here; each function puts what stood
there before (or nothing) in the place of one guard. Guarantee: a guard that is no longer there ends
the process. Limits: a guard that is one line of a function is taken off by a copy of that function
without the line, so who changes the function changes the copy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from potluck import daemon
from potluck.core import limits
from potluck.core.content.facts import ManifestName
from potluck.core.content.manifest import newer
from potluck.core.group import statements
from potluck.core.group.roster import Roster
from potluck.core.keys.identity import DeviceId
from potluck.core.reading_shares import ReadingShares
from potluck.core.wire.catalogue import HeldBack, Holding
from potluck.engine.clones import Clones
from potluck.engine.effects import Member
from potluck.engine.others import (
    following,
    forked_heads,
    frozen_heads,
    loss_breaker,
    page_turns,
)
from potluck.engine.others.announcing import Announcing
from potluck.engine.others.doubled_owners import DoubledOwners
from potluck.engine.own import owners_breaker
from potluck.engine.own.lost_state import LostState
from potluck.shells.api import peer_credentials
from potluck.shells.bulk import asking
from potluck.shells.links import control_links
from potluck.shells.links.link_sockets import LinkSockets
from potluck.shells.links.tls import CurrentTrust, TrustBook
from potluck.shells.state.private_home import OpenedHome


def put(owner: object, name: str, harmless: object) -> None:
    """Put something in the place of a guard, which must be there."""
    assert hasattr(owner, name), f"{owner!r} has no {name} any more"
    setattr(owner, name, harmless)


def any_two_accusers() -> None:
    """Two devices are two witnesses, whoever let them in."""
    put(Roster, "are_apart", lambda _roster, one, other: one != other)


def one_life_each_time() -> None:
    """A head is followed because it is newer, whatever its owner lost; nothing is merged."""
    put(forked_heads, "follows", newer)
    put(forked_heads, "is_forked", lambda *_: False)
    put(LostState, "on_own_head", lambda *_: None)


def any_loss() -> None:
    """Nothing is too much to be deleted at once, by its owner or by who receives it."""
    put(owners_breaker, "is_mass", lambda *_: False)
    put(loss_breaker, "is_mass", lambda *_: False)


def any_count() -> None:
    """A folder has as many records as its owner likes."""
    put(limits, "OWNER_RECORDS", limits.SEQ_MAX)


def any_page() -> None:
    """A page may lead nowhere."""
    put(following, "_is_plausible", lambda *_: True)


def two_faces() -> None:
    """Of two heads of one number the first one counts."""
    put(frozen_heads, "is_disputed", lambda *_: False)


def claims_without_end() -> None:
    """All that a member says to hold is remembered."""

    def on_kept(
        announcing: Announcing, device: DeviceId, holdings: Sequence[Holding], _: Sequence[HeldBack]
    ) -> int:
        peer = announcing._node.peer(device)
        peer.kept |= {ManifestName.of(holding): holding for holding in holdings}
        return 0

    put(Announcing, "on_kept", on_kept)


def one_machine_each() -> None:
    """No device takes itself, or another one, for two machines."""
    put(Clones, "on_clone", lambda *_: None)
    put(DoubledOwners, "on_doubled", lambda *_: None)


def once_a_member() -> None:
    """Who was a member once is one for ever."""
    trust = CurrentTrust.trust

    def trusting(current: CurrentTrust, members: Iterable[Member]) -> frozenset[DeviceId]:
        return trust(current, [*current.book.members.values(), *members])

    put(CurrentTrust, "trust", trusting)


def any_knock() -> None:
    """Whoever knocks, however wrongly, is taken for some member."""
    put(TrustBook, "who_knocked", lambda book, _challenge, _heard: next(iter(book.members), None))


def patient_handshakes() -> None:
    """Whoever knocked has all the time in the world."""
    put(limits, "HANDSHAKE_S", 1e6)


def any_piece() -> None:
    """Whatever comes is the piece that was asked for."""

    def take(writer: Any, piece: int) -> None:
        data = writer._room[: writer._content.length_of(piece)]
        writer._exchange.stream.receive_into(data)
        writer._part.write(piece, data)
        writer._part.mark((piece,))
        writer._batch.append(piece)
        writer._report()

    put(asking._PieceWriter, "take", take)


def endless_turns() -> None:
    """Whoever brings pages of a manifest keeps its slot to the last one."""
    put(page_turns, "PAGE_TURN_S", math.inf)


def every_ending_for_nothing() -> None:
    """What a link brought that has ended costs nobody its share, and all of it is heard."""
    put(control_links, "LAST_MESSAGES", 10**6)
    remove = LinkSockets.remove

    def removed(sockets: Any, sock: Any) -> None:
        remove(sockets, sock)
        sockets._gone.clear()

    put(LinkSockets, "remove", removed)


def any_label() -> None:
    """A device may be called anything."""
    put(statements, "is_possible", lambda _label: True)


def open_home() -> None:
    """The home is as its owner made it."""
    put(daemon, "make_private", lambda _home: OpenedHome(home=False, names=()))


def any_caller() -> None:
    """Whoever opens the control socket is served."""
    put(peer_credentials, "may_speak", lambda _user: True)


def every_word_at_once() -> None:
    """Whatever a member says is heard at once, however much it is."""
    put(ReadingShares, "take", lambda *_: 0.0)
    put(control_links, "TURN_BYTES", 256 * limits.KIB)


GUARDS: dict[str, Callable[[], None]] = {
    "kin": any_two_accusers,
    "counts": any_count,
    "losses": any_loss,
    "forks": one_life_each_time,
    "plausible": any_page,
    "disputes": two_faces,
    "claims": claims_without_end,
    "clones": one_machine_each,
    "trust": once_a_member,
    "knocks": any_knock,
    "handshakes": patient_handshakes,
    "pieces": any_piece,
    "page_turns": endless_turns,
    "labels": any_label,
    "home": open_home,
    "callers": any_caller,
    "endings": every_ending_for_nothing,
    "reading": every_word_at_once,
}
