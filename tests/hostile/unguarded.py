"""The program without some of its guards, to show that an attack succeeds then.

Strategy: `python -m tests.hostile.unguarded GUARD… -- ARGUMENT…` takes the named guards off, each
by putting what stood there before (or nothing) in the place of one function, and then runs the
program with the arguments. Guarantee: nothing of this is in the program; what is named here and is
none of its guards ends the process. Limits: one process; workers are its threads, so they are
unguarded too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from potluck import __main__ as program
from potluck.core.content.pieces import HASH_BYTES, PieceList, Root, piece_count
from potluck.core.content.swarm.pace import Paces
from potluck.core.content.swarm.room import Room
from potluck.core.errors import Malformed, WrongContent
from potluck.core.group.lines import Allotment
from potluck.core.group.roster import Roster
from potluck.core.keys import identity
from potluck.core.keys.certificate import CertifiedKeys
from potluck.core.ring.own_networks import OwnNetworks
from potluck.core.wire.catalogue import PiecesAsk, PiecesPage
from potluck.engine.events import Outcome, PieceListHeard
from potluck.engine.notice_board import NoticeBoard
from potluck.engine.others.page_budget import PageBudget, PageVerdict
from potluck.shells.api import source
from potluck.shells.bulk import asking
from potluck.shells.links.tls import TrustBook

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
    setattr(Roster, Roster.settle.__name__, lambda _roster: None)


def endless_lines() -> None:
    """A member may sign as much as a roster holds."""
    setattr(Allotment, Allotment.take.__name__, lambda _allotment, _signer: True)


def _no(*_: object, **_named: object) -> bool:
    return False


def _wrong(*_: object) -> bool:
    raise WrongContent("a file does not match its root")


def nobody_is_slow() -> None:
    """No order is too slow."""
    setattr(Paces, Paces.on_heard.__name__, _no)


def everything_has_room() -> None:
    """Whatever the size a record says, there is room for it."""
    setattr(Room, Room.never_holds.__name__, _no)


def an_item_is_the_pack() -> None:
    """What is wrong with one item of a pack is wrong with the pack."""
    vars(asking)["_meant_piece_size"] = _wrong


def _replace(owner: object, name: str, harmless: Callable[..., object]) -> None:
    """Put something in the place of a guard, which must be there."""
    assert hasattr(owner, name), f"{owner!r} has no {name} any more"
    setattr(owner, name, harmless)


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


GUARDS: dict[str, Callable[[], None]] = {
    "canonical": any_writing,
    "anchors": untried_anchors,
    "names": nothing_in_force,
    "lines": endless_lines,
    "paces": nobody_is_slow,
    "room": everything_has_room,
    "items": an_item_is_the_pack,
    "pages": endless_pages,
    "lists": endless_lists,
    "dials": dials_anywhere,
    "notices": every_notice,
}


def main() -> None:
    """Take guards off and run the program."""
    end = sys.argv.index("--")
    for name in sys.argv[1:end]:
        GUARDS[name]()
    sys.argv[1 : end + 1] = []
    program.main()


if __name__ == "__main__":
    main()
