"""The program without some of its guards, to show that an attack succeeds then.

Strategy: `python -m tests.hostile.unguarded GUARD… -- ARGUMENT…` takes the named guards off, each
by putting what stood there before (or nothing) in the place of one function, and then runs the
program with the arguments. Guarantee: nothing of this is in the program; what is named here and is
none of its guards ends the process. Limits: one process; workers are its threads, so they are
unguarded too. The guards between members stand in unguarded_members.py.
"""

from __future__ import annotations

import math
import ssl
import sys
from collections.abc import Callable
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from potluck import __main__ as program
from potluck import daemon
from potluck.core import limits
from potluck.core.chance import Chance
from potluck.core.content import paths
from potluck.core.content.pieces import HASH_BYTES, PieceList, Root, piece_count
from potluck.core.content.swarm.pace import Paces
from potluck.core.content.swarm.room import Room
from potluck.core.content.swarm.slowness import Slowness
from potluck.core.errors import Malformed, WrongContent
from potluck.core.group.asking_turns import AskingTurns
from potluck.core.group.code_proofs import CodeProof
from potluck.core.group.codes import Code, Invite
from potluck.core.group.lines import Allotment
from potluck.core.group.plain_steps import PlainSteps
from potluck.core.group.removals import GroupStanding
from potluck.core.group.roster import Roster
from potluck.core.keys import identity
from potluck.core.keys.certificate import CertifiedKeys
from potluck.core.keys.identity import DeviceId
from potluck.core.keys.sealing import OVERHEAD_BYTES, ReplayWindow, is_sealed, seal_datagram
from potluck.core.ring.own_networks import OwnNetworks
from potluck.core.wire import framing
from potluck.core.wire.catalogue import PiecesAsk, PiecesPage
from potluck.engine.events import Outcome, PieceListHeard
from potluck.engine.group import code_checks, request_bounds, requests
from potluck.engine.group.invitations import Invitations
from potluck.engine.group.joining import Joining
from potluck.engine.notice_board import NoticeBoard
from potluck.engine.others.page_budget import PageBudget, PageVerdict
from potluck.engine.ring import sealed_datagrams
from potluck.shells.api import source
from potluck.shells.bulk import asking, serving
from potluck.shells.links import tls
from potluck.shells.links.strangers import Strangers
from potluck.shells.links.tls import TrustBook
from potluck.shells.state.landlock import Confinement
from tests.hostile import unguarded_members
from tests.hostile.unguarded_members import put as _replace

SEALING_KEY = x509.ObjectIdentifier("2.25.7685.1")


def any_writing() -> None:
    """Take whatever a library can read as a certificate that its owner signed."""
    vars(identity)["keys_in"] = _read


def _read(certificate: bytes) -> CertifiedKeys:
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        public = parsed.public_key()
        assert isinstance(public, Ed25519PublicKey)
        public.verify(parsed.signature, parsed.tbs_certificate_bytes)
        sealing = parsed.extensions.get_extension_for_oid(SEALING_KEY).value
        assert isinstance(sealing, x509.UnrecognizedExtension)
    except Exception as error:
        raise Malformed("that is not a certificate") from error
    return CertifiedKeys(public.public_bytes_raw(), sealing.value)


def untried_anchors() -> None:
    """Load every anchor into the one context without having tried it by itself."""
    setattr(TrustBook, TrustBook._try.__name__, lambda _book, _new: None)


def nothing_in_force() -> None:
    """Nothing known is put in force."""
    setattr(Roster, Roster._put_in_force.__name__, lambda _roster: None)
    # what is read back is put in force step by step: where no step is plain, by the same function
    setattr(PlainSteps, PlainSteps.take.__name__, lambda _steps, _record: None)


def endless_lines() -> None:
    """A member may sign as much as a roster holds."""
    setattr(Allotment, Allotment.take.__name__, lambda _allotment, _signer: True)


def whatever_a_removed_device_signs() -> None:
    """All statements of a removed device stand, also those dated back."""
    _replace(GroupStanding, "stands", lambda _standing, _known, _by: True)


def _no(*_: object, **_named: object) -> bool:
    return False


def _wrong(*_: object) -> bool:
    raise WrongContent("a file does not match its root")


def nobody_is_slow() -> None:
    """No order is too slow."""
    setattr(Paces, Paces.on_heard.__name__, _no)


def anybody_has_every_slot() -> None:
    """No order is too slow, and whoever is new or was slow may have every slot."""
    nobody_is_slow()
    _replace(Slowness, "may_ask", lambda *_args, **_named: True)


def everything_has_room() -> None:
    """Whatever the size a record says, there is room for it."""
    setattr(Room, Room.never_holds.__name__, _no)


def an_item_is_the_pack() -> None:
    """What is wrong with one item of a pack is wrong with the pack."""
    vars(asking)["_meant_piece_size"] = _wrong


def endless_pages() -> None:
    """Every page of a manifest is staged."""
    _replace(PageBudget, "take", lambda _budget, _page: PageVerdict.WITHIN)


def endless_lists() -> None:
    """A piece list is as long as its holder says."""

    def believing(exchange: asking.BulkExchange, ask: PiecesAsk) -> Outcome:
        hashes, size, piece_size = bytearray(), 1, 1
        while len(hashes) < piece_count(size, piece_size) * HASH_BYTES:
            exchange.stream.send(PiecesAsk(ask.root, len(hashes) // HASH_BYTES))
            page = exchange.reply()
            if not isinstance(page, PiecesPage):
                return Outcome.GONE
            size, piece_size = page.size, page.piece_size
            hashes += page.hashes
        content = PieceList(Root(ask.root), size, piece_size, bytes(hashes))
        exchange.inbox.post(PieceListHeard(exchange.fetch.order, content))
        return Outcome.DONE

    _replace(asking, "_piece_list", believing)


def dials_anywhere() -> None:
    """Whatever somebody says is dialled."""
    _replace(OwnNetworks, "may_dial", lambda _own, _device, _address: True)
    _replace(OwnNetworks, "is_said_well", lambda _own, _address: True)


def every_notice() -> None:
    """Everything is told at once, and the oldest goes."""
    _replace(NoticeBoard, "put", lambda board, tell, _own: board._say(tell, board._asks.now))
    _replace(source, "crowded_out", lambda _subjects: 0)


def fragile_decoders() -> None:
    """Decoders raise what they like."""
    _replace(framing, "_NOT_A_MESSAGE", (msgspec.DecodeError,))


def nothing_sealed() -> None:
    """What is said without a link can be read by whoever hears it."""

    def sealed(group_key: bytes, nonce: bytes, data: bytes) -> bytes:
        return seal_datagram(group_key, nonce, b"") + data

    def opened(_group_key: bytes, datagram: bytes) -> bytes | None:
        return datagram[OVERHEAD_BYTES:] if is_sealed(datagram) else None

    _replace(sealed_datagrams, "seal_datagram", sealed)
    _replace(sealed_datagrams, "open_datagram", opened)


def any_writer() -> None:
    """Whatever is said to be signed by a member is."""
    _replace(Roster, "verify", lambda *_: True)
    _replace(Roster, "vouches", lambda *_: True)


def endless_answers() -> None:
    """Whoever asks is answered, as often as it asks."""
    _replace(limits, "ANSWERS_PER_S", 1 << 30)


def repeated() -> None:
    """What was said once is heard as often as it comes."""
    _replace(ReplayWindow, "accept", lambda *_: True)


def any_tls() -> None:
    """The oldest TLS there is will do."""
    context = tls._context

    def lenient(protocol: int, alpn: str) -> ssl.SSLContext:
        made = context(protocol, alpn)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        return made

    _replace(tls, "_context", lenient)


def any_alpn() -> None:
    """Whoever speaks something else is heard, too."""
    _replace(tls, "_with_alpn", lambda secured, _alpn: secured)


def any_member() -> None:
    """Who knocks as one member may be another one."""
    _replace(tls, "_checked", lambda secured, *_whose: tls._with_alpn(secured, limits.ALPN))


def crowded_doorway() -> None:
    """As many strangers as like stand in the doorway."""
    _replace(Strangers, "_evict", lambda _strangers, _slots: None)


def patient_doorway() -> None:
    """Strangers have all the time in the world."""
    _replace(limits, "KNOCK_S", 1e6)


def giant_frames() -> None:
    """A frame is as long as it says."""
    _replace(framing, "frame_length", lambda prefix, _most: int.from_bytes(prefix, "big"))


def any_bytes() -> None:
    """Whatever comes is what was asked for."""

    def take(pack: Any, root: Root, promised: tuple[int, int], data: memoryview) -> None:
        content = asking.content_of(data, promised[1])
        pack._keep(PieceList(root, content.size_bytes, content.piece_size, content.hashes), data)
        pack.roots.append(root)

    _replace(asking._Pack, "take", take)


def no_landlock() -> None:
    """Nobody is confined."""
    unconfined = Confinement(on=False, reason="a test")
    _replace(daemon, "confine_writes", lambda _folders: unconfined)


def any_path() -> None:
    """A path may climb out of its folder."""
    _replace(paths, "why_unsafe", lambda _name: "")


def links_for_whoever_comes() -> None:
    """Whoever has a link that is served keeps it."""
    _replace(serving, "who_makes_room", lambda _asking, _held: [])


def same_words() -> None:
    """The words on the screens depend on nothing that was said."""
    vars(requests)["three_words"] = lambda _transcript: ("zoo", "zoo", "zoo")


def only_groups_rest() -> None:
    """After a no the next group is asked, wherever it is."""
    _replace(AskingTurns, "behind_s", lambda _turns, _host: -math.inf)
    _replace(
        AskingTurns,
        "rests_until_s",
        lambda turns, tag, _host: turns._rests_s.get((tag, ""), -math.inf),
    )


def nobody_stays() -> None:
    """Whoever comes takes the place of who was shown for longest, at once."""
    vars(request_bounds)["SHOWN_S"] = vars(request_bounds)["NEXT_S"] = 0.05


def tries_count_when_they_fail() -> None:
    """Any number of tries may begin; they count once they were wrong."""

    def begin(invite: Invite, now: float) -> bool:
        invite._under_way += 1
        return invite.running and now < invite.until_s

    _replace(Invite, "begin", begin)


def codes_without_end() -> None:
    """A code may be tried, and used, as often as somebody likes."""
    _replace(Invite, "begin", lambda _invite, _now: True)
    _replace(Invite, "on_failed", lambda _invite: [])
    _replace(Invitations, "prove", lambda _invitations, _one: True)


class UnboundProof(CodeProof):
    """A proof that says neither between whom nor in which conversation."""

    def __init__(
        self, code: Code, joiner: DeviceId, member: DeviceId, chance: Chance, *, joins: bool
    ) -> None:
        nobody = DeviceId(bytes(32))
        super().__init__(code, nobody, nobody, chance, joins=joins)

    def _mark(self, side: bytes, transcript: bytes) -> bytes:
        return super()._mark(side, b"")


def unbound_codes() -> None:
    """A code is proved, and it does not matter by whom to whom."""
    _replace(code_checks, "CodeProof", UnboundProof)


def unproved_codes() -> None:
    """Whoever says yes to a code may do so."""
    _replace(Joining, "require_proof", lambda _joining: None)


def any_proof() -> None:
    """Whatever is sent proves that its sender knows the code."""
    _replace(CodeProof, "is_proved", lambda *_: True)


GUARDS: dict[str, Callable[[], None]] = {
    "canonical": any_writing,
    "anchors": untried_anchors,
    "names": nothing_in_force,
    "lines": endless_lines,
    "removals": whatever_a_removed_device_signs,
    "paces": nobody_is_slow,
    "quick": anybody_has_every_slot,
    "room": everything_has_room,
    "items": an_item_is_the_pack,
    "pages": endless_pages,
    "lists": endless_lists,
    "dials": dials_anywhere,
    "notices": every_notice,
    "sealing": nothing_sealed,
    "signatures": any_writer,
    "answers": endless_answers,
    "windows": repeated,
    "tls": any_tls,
    "alpn": any_alpn,
    "peer": any_member,
    "doorway": crowded_doorway,
    "deadline": patient_doorway,
    "frames": giant_frames,
    "bytes": any_bytes,
    "decoders": fragile_decoders,
    "landlock": no_landlock,
    "paths": any_path,
    "shares": links_for_whoever_comes,
    "words": same_words,
    "turns": nobody_stays,
    "hosts": only_groups_rest,
    "tries": tries_count_when_they_fail,
    "uses": codes_without_end,
    "bound": unbound_codes,
    "proved": unproved_codes,
    "proofs": any_proof,
}
assert not GUARDS.keys() & unguarded_members.GUARDS, "each guard has a name of its own"
GUARDS |= unguarded_members.GUARDS


def main() -> None:
    """Take guards off and run the program."""
    end = sys.argv.index("--")
    for name in sys.argv[1:end]:
        GUARDS[name]()
    sys.argv[1 : end + 1] = []
    program.main()


if __name__ == "__main__":
    main()
