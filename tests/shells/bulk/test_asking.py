"""The four exchanges against holders that tell the truth, lie, stop, and answer something else.

Strategy: one end of a real stream is the exchange, the other a script: the replies are put on the
wire beforehand, so each test reads as a transcript. The parts are in memory.
"""

import os
import threading

import msgspec
import pytest

from potluck.core import limits
from potluck.core.content.pieces import PieceList, Root
from potluck.core.errors import DiskTrouble, Malformed, WrongContent
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import (
    BULK_REQUEST,
    Busy,
    Bye,
    DeletedPath,
    Done,
    FileAsk,
    FileRecord,
    FilesAsk,
    FilesHeader,
    Folder,
    Gone,
    Kind,
    ManifestAsk,
    ManifestPage,
    PieceHeader,
    PiecesAsk,
    PiecesPage,
    encode_frame,
)
from potluck.engine.effects import Fetch
from potluck.engine.events import (
    FilesVerified,
    ManifestHeard,
    OrderId,
    Outcome,
    PieceListHeard,
    PiecesVerified,
)
from potluck.shells.bulk.asking import BulkExchange, Cancelled, carry_out, content_of
from tests.shells.peers import Drawer, Kept, content_named, stream_pair

ORDER = OrderId(7)
OWNER, PIECE = b"o" * 32, 1 << 18
DATA = os.urandom(3 * PIECE + 5)
CONTENT = content_named(DATA)
CUT = ((len(DATA), PIECE),)


class Script:
    """An exchange whose other side has said everything already."""

    def __init__(self):
        self.near, self.far = stream_pair()
        self.drawer, self.inbox = Drawer(), Kept()
        self.facts = self.inbox.facts
        self.check = lambda: None

    def run(self, ask, *replies, content=None, sizes=()):
        said = b"".join(
            reply if isinstance(reply, bytes) else encode_frame(reply) for reply in replies
        )
        if said:
            self.far.send_bytes(said)
        fetch = Fetch(ORDER, DeviceId(OWNER), (), ask, content, sizes)
        return carry_out(BulkExchange(fetch, self.near, self.drawer, self.inbox, self))

    def asked(self):
        return self.far.receive(BULK_REQUEST)


@pytest.fixture
def script():
    made = Script()
    yield made
    made.near.close()
    made.far.close()


def piece(number, data=None):
    start = number * PIECE
    return encode_frame(PieceHeader(number, CONTENT.length_of(number))) + (
        data or DATA[start : start + PIECE]
    )


# -- manifests -------------------------------------------------------------------------------------
MANIFEST = ManifestAsk(OWNER, Folder.OWN, 0, 1)


def record(path):
    return FileRecord(path, Kind.FILE, 1, 0, False, PIECE, b"r" * 32, 1)


PAGE = ManifestPage(
    OWNER, Folder.OWN, [record(b"a"), record(b"b/c")], [DeletedPath(b"d", 2)], 2, 0, None
)


def test_a_manifest_page_is_handed_on(script):
    assert script.run(MANIFEST, PAGE) is Outcome.DONE
    assert script.asked() == MANIFEST
    assert script.facts == [ManifestHeard(ORDER, PAGE, 0)]


def test_unsafe_names_are_left_out_and_counted(script):
    bad = [record(b"../x"), record(b"a/../b"), record(b"/etc"), record(b"\xff"), record(b"a\0b")]
    page = msgspec.structs.replace(
        PAGE, records=PAGE.records + bad, deleted=[*PAGE.deleted, DeletedPath(b"..", 3)]
    )
    assert script.run(MANIFEST, page) is Outcome.DONE
    assert script.facts == [ManifestHeard(ORDER, PAGE, len(bad) + 1)]


@pytest.mark.parametrize(("field", "value"), [("owner", b"x" * 32), ("folder", Folder.EVERYONE)])
def test_a_page_of_another_manifest_is_wrong(script, field, value):
    with pytest.raises(WrongContent):
        script.run(MANIFEST, msgspec.structs.replace(PAGE, **{field: value}))
    assert not script.facts


ASKS = [MANIFEST, PiecesAsk(CONTENT.root), FileAsk(CONTENT.root, [0]), FilesAsk([b"r" * 32])]


def run_any(script, ask, *replies):
    return script.run(ask, *replies, content=CONTENT, sizes=((1, PIECE),))


@pytest.mark.parametrize("ask", ASKS, ids=lambda ask: type(ask).__name__)
@pytest.mark.parametrize(
    ("reply", "outcome"), [(Gone(), Outcome.GONE), (Busy(), Outcome.BUSY), (Done(), Outcome.GONE)]
)
def test_any_exchange_may_end_without_content(script, ask, reply, outcome):
    assert run_any(script, ask, reply) is outcome


@pytest.mark.parametrize("ask", ASKS, ids=lambda ask: type(ask).__name__)
@pytest.mark.parametrize("reply", [Bye("x"), encode_frame({"t": "later"})], ids=["bye", "unknown"])
def test_other_answers_break_the_protocol(script, ask, reply):
    with pytest.raises(Malformed):
        run_any(script, ask, reply)


@pytest.mark.parametrize("ask", ASKS, ids=lambda ask: type(ask).__name__)
def test_the_link_may_end_before_the_answer(script, ask):
    script.far.close()
    with pytest.raises((EOFError, OSError)):
        run_any(script, ask)


# -- piece lists -----------------------------------------------------------------------------------
def page(first, count, **changes):
    hashes = CONTENT.hashes[first * 32 : (first + count) * 32]
    return msgspec.structs.replace(
        PiecesPage(CONTENT.root, len(DATA), PIECE, first, hashes), **changes
    )


def test_a_piece_list_comes_in_pages_and_is_checked(script):
    assert script.run(PiecesAsk(CONTENT.root), page(0, 3), page(3, 1), sizes=CUT) is Outcome.DONE
    assert script.facts == [PieceListHeard(ORDER, CONTENT)]
    assert [script.asked().first, script.asked().first] == [0, 3]


@pytest.mark.parametrize(
    "pages",
    [
        [page(0, 4, hashes=bytes(128))],
        [page(0, 4, root=b"x" * 32)],
        [page(0, 2), page(0, 2)],
        [page(0, 0)],
        [page(0, 4, hashes=CONTENT.hashes + bytes(32))],
        [page(0, 4, hashes=CONTENT.hashes[:-1])],
    ],
    ids=["hashes", "root", "overlap", "empty", "too long", "ragged"],
)
def test_a_piece_list_that_lies_is_wrong(script, pages):
    with pytest.raises(WrongContent):
        script.run(PiecesAsk(CONTENT.root), *pages, sizes=CUT)
    assert not script.facts


@pytest.mark.parametrize(
    "pages",
    [
        [page(0, 2), page(2, 2, size=len(DATA) + 1)],
        [page(0, 2), page(2, 2, piece_size=PIECE * 2)],
        [page(0, 4, piece_size=PIECE * 2)],
        [page(0, 4, size=len(DATA) + PIECE, hashes=CONTENT.hashes + bytes(32))],
        [page(0, 4, size=2**50)],
    ],
    ids=["size", "piece size", "another piece size", "one more", "endless"],
)
def test_a_piece_list_of_another_length_is_not_there_and_nobody_is_blamed(script, pages):
    """Perhaps it is a record that lies: who follows it must not call honest holders liars."""
    assert script.run(PiecesAsk(CONTENT.root), *pages, sizes=CUT) is Outcome.GONE
    assert not script.facts


def test_a_list_is_as_long_as_our_order_says_whatever_its_holder_says(script):
    """A page of the largest size there is, again and again: the second is not even asked for."""
    most = bytes(limits.PIECE_HASHES_BYTES // 32 * 32)
    lie = PiecesPage(CONTENT.root, limits.FILE_MAX_BYTES, limits.PIECE_MAX_BYTES, 0, most)
    assert script.run(PiecesAsk(CONTENT.root), lie, lie, sizes=CUT) is Outcome.GONE
    assert script.asked() == PiecesAsk(CONTENT.root)
    assert not script.facts


@pytest.mark.parametrize(
    ("sizes", "error"),
    [
        ((), Malformed),
        (((1, PIECE), (1, PIECE)), Malformed),
        (((limits.FILE_MAX_BYTES, limits.PIECE_MIN_BYTES),), WrongContent),
    ],
)
def test_a_list_of_no_length_that_any_file_has_is_not_asked_for(script, sizes, error):
    with pytest.raises(error):
        script.run(PiecesAsk(CONTENT.root), page(0, 4), sizes=sizes)


def test_a_piece_list_can_be_called_off_between_pages(script):
    def called_off():
        raise Cancelled

    script.check = called_off
    with pytest.raises(Cancelled):
        script.run(PiecesAsk(CONTENT.root), sizes=CUT)


# -- pieces ----------------------------------------------------------------------------------------
def test_pieces_are_verified_written_marked_and_reported(script):
    assert (
        script.run(FileAsk(CONTENT.root, [3, 1]), piece(1), piece(3), Done(), content=CONTENT)
        is Outcome.DONE
    )
    assert {key[1]: value for key, value in script.drawer.pieces.items()} == {
        1: DATA[PIECE : 2 * PIECE],
        3: DATA[3 * PIECE :],
    }
    assert script.drawer.marked == [1, 3]
    assert script.drawer.opened == 0
    assert [fact.pieces for fact in script.facts] in ([(1, 3)], [(1,), (3,)])
    assert sum(fact.size_bytes for fact in script.facts) == PIECE + 5


def test_reports_come_in_batches(script):
    data = os.urandom(20 * PIECE)
    content = content_named(data)
    sent = [
        encode_frame(PieceHeader(number, PIECE)) + data[number * PIECE : (number + 1) * PIECE]
        for number in range(20)
    ]
    feeder = threading.Thread(
        target=lambda: script.far.send_bytes(b"".join(sent) + encode_frame(Done()))
    )
    feeder.start()
    script.run(FileAsk(content.root, list(range(20))), content=content)
    feeder.join()
    assert [piece for fact in script.facts for piece in fact.pieces] == list(range(20))
    assert all(isinstance(fact, PiecesVerified) and len(fact.pieces) <= 8 for fact in script.facts)


def test_what_an_earlier_run_left_is_reported_and_not_asked_for(script):
    script.drawer.left[CONTENT.root] = [0, 2]
    ask = FileAsk(CONTENT.root, [3, 2, 1, 0])
    assert script.run(ask, piece(3), piece(1), Done(), content=CONTENT) is Outcome.DONE
    assert script.facts[0] == PiecesVerified(ORDER, CONTENT.root, (2, 0), 0)
    assert script.asked() == FileAsk(CONTENT.root, [3, 1])
    assert script.drawer.marked == [3, 1]


def test_of_what_is_all_here_nothing_is_asked(script):
    script.drawer.left[CONTENT.root] = [0, 1]
    assert script.run(FileAsk(CONTENT.root, [0, 1]), content=CONTENT) is Outcome.DONE
    assert script.facts == [PiecesVerified(ORDER, CONTENT.root, (0, 1), 0)]
    assert script.drawer.opened == 0


def test_gone_after_some_pieces_keeps_them(script):
    assert (
        script.run(FileAsk(CONTENT.root, [0, 1]), piece(1), Gone(), content=CONTENT) is Outcome.GONE
    )
    assert script.facts == [PiecesVerified(ORDER, CONTENT.root, (1,), PIECE)]


def test_done_with_pieces_missing_is_gone(script):
    assert (
        script.run(FileAsk(CONTENT.root, [0, 1]), piece(1), Done(), content=CONTENT) is Outcome.GONE
    )


@pytest.mark.parametrize(
    "said",
    [
        piece(0, bytes(PIECE)),
        piece(2),
        piece(0) + piece(0),
        encode_frame(PieceHeader(0, 5)) + b"12345",
        encode_frame(PieceHeader(3, PIECE)),
    ],
    ids=["wrong bytes", "not asked for", "twice", "too short", "too long"],
)
def test_wrong_pieces_are_not_written(script, said):
    with pytest.raises(WrongContent):
        script.run(FileAsk(CONTENT.root, [0]), said, content=CONTENT)
    assert set(script.drawer.pieces) <= {(CONTENT.root, 0)}
    assert script.drawer.pieces.get((CONTENT.root, 0), DATA[:PIECE]) == DATA[:PIECE]
    assert script.drawer.opened == 0


def test_a_holder_that_closes_in_the_middle_of_a_piece(script):
    def answer():
        script.asked()
        script.far.send_bytes(piece(0) + piece(1)[:1000])
        script.far.close()

    holder = threading.Thread(target=answer)
    holder.start()
    with pytest.raises((EOFError, OSError)):
        script.run(FileAsk(CONTENT.root, [0, 1]), content=CONTENT)
    holder.join()
    assert script.drawer.marked == [0], "what came whole is kept"
    assert [fact.pieces for fact in script.facts] == [(0,)]


def test_a_full_disk_is_our_trouble(script):
    script.drawer.full = True
    with pytest.raises(DiskTrouble):
        script.run(FileAsk(CONTENT.root, [0]), piece(0), content=CONTENT)
    assert not script.facts


@pytest.mark.parametrize(("content", "pieces"), [(None, [0]), (CONTENT, [4])])
def test_an_order_that_does_not_say_enough_is_not_carried_out(script, content, pieces):
    with pytest.raises(Malformed):
        script.run(FileAsk(CONTENT.root, pieces), content=content)


# -- small files -----------------------------------------------------------------------------------
def pack(*texts):
    contents = [content_named(text) for text in texts]
    return (
        FilesAsk([one.root for one in contents]),
        tuple((len(text), PIECE) for text in texts),
        contents,
    )


def test_small_files_are_checked_kept_and_reported(script):
    ask, sizes, (one, _, three) = pack(b"one", b"two", b"three")
    outcome = script.run(ask, FilesHeader([3, -1, 5]), b"onethree", sizes=sizes)
    assert outcome is Outcome.DONE
    assert script.drawer.whole == {one.root: b"one", three.root: b"three"}
    assert script.facts == [FilesVerified(ORDER, (one.root, three.root), 8)]


def test_a_small_file_may_have_several_pieces(script):
    ask, sizes, (content,) = pack(DATA)
    feeder = threading.Thread(
        target=lambda: script.far.send_bytes(encode_frame(FilesHeader([len(DATA)])) + DATA)
    )
    feeder.start()
    assert script.run(ask, sizes=sizes) is Outcome.DONE
    feeder.join()
    assert b"".join(script.drawer.pieces[content.root, number] for number in range(4)) == DATA
    assert script.drawer.marked == [0, 1, 2, 3]


def test_a_pack_is_reported_in_batches(script):
    texts = [bytes([number, number]) for number in range(150)]
    ask, sizes, _ = pack(*texts)
    script.run(ask, FilesHeader([2] * 150), b"".join(texts), sizes=sizes)
    assert [len(fact.roots) for fact in script.facts] == [64, 64, 22]


def test_a_wrong_file_strikes_itself_and_no_other_of_its_pack(script):
    ask, sizes, (one, two, six) = pack(b"one", b"two", b"six")
    answer = b"oneTWOsix"
    assert script.run(ask, FilesHeader([3, 3, 3]), answer, sizes=sizes) is Outcome.DONE
    assert script.drawer.whole == {one.root: b"one", six.root: b"six"}
    assert script.facts == [FilesVerified(ORDER, (one.root, six.root), 6, (two.root,))]


def test_a_file_of_another_length_strikes_itself_too(script):
    ask, sizes, (one, two, six) = pack(b"one", b"two", b"six")
    assert script.run(ask, FilesHeader([3, 4, 3]), b"oneTwo.six", sizes=sizes) is Outcome.DONE
    assert script.drawer.whole == {one.root: b"one", six.root: b"six"}
    assert script.facts == [FilesVerified(ORDER, (one.root, six.root), 6, (two.root,))]


@pytest.mark.parametrize("promised", [(2, PIECE), (3, 2 * PIECE), (0, 16 * PIECE)])
def test_a_record_that_says_another_size_is_not_the_holders_fault(script, promised):
    ask, (first, _), (one, two) = pack(b"one", b"two")
    sizes = (first, promised)
    assert script.run(ask, FilesHeader([3, 3]), b"onetwo", sizes=sizes) is Outcome.DONE
    assert script.drawer.whole == {one.root: b"one"}
    assert script.facts == [FilesVerified(ORDER, (one.root,), 3, (), ((two.root, 3, PIECE),))]


def test_a_pack_of_wrong_files_only_is_told(script):
    ask, sizes, (one,) = pack(b"one")
    assert script.run(ask, FilesHeader([3]), b"ONE", sizes=sizes) is Outcome.DONE
    assert script.facts == [FilesVerified(ORDER, (), 0, (one.root,))]


@pytest.mark.parametrize("lengths", [[3], [3, 3, 3], [3, 16 << 20]], ids=["few", "many", "huge"])
def test_a_pack_is_no_other_and_no_longer_than_was_asked_for(script, lengths):
    ask, sizes, _ = pack(b"one", b"two")
    with pytest.raises(WrongContent):
        script.run(ask, FilesHeader(lengths), sizes=sizes)


def test_a_pack_without_sizes_is_not_asked_for(script):
    with pytest.raises(Malformed):
        script.run(FilesAsk([b"r" * 32]), sizes=())


def test_a_full_disk_in_the_middle_of_a_pack(script):
    ask, sizes, _ = pack(b"one")
    script.drawer.full = True
    with pytest.raises(DiskTrouble):
        script.run(ask, FilesHeader([3]), b"one", sizes=sizes)
    assert not script.facts


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1])
def test_content_in_memory_has_the_root_of_the_same_content_in_a_file(size):
    data = os.urandom(size)
    assert content_of(memoryview(data), PIECE) == content_named(data)
    assert isinstance(content_of(memoryview(data), PIECE), PieceList)
    assert Root(content_named(data).root)
