"""A hostile member on bulk links: as the one who is asked, it lies; as the one who asks, it never
ends.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from potluck.core import limits
from potluck.core.content.pieces import file_root, piece_hash
from potluck.core.wire.catalogue import (
    Busy,
    DeletedPath,
    Done,
    FileAsk,
    FileRecord,
    FilesAsk,
    FilesHeader,
    Folder,
    Gone,
    Head,
    Heads,
    Kind,
    LinkKind,
    ManifestAsk,
    ManifestPage,
    PieceHeader,
    PiecesAsk,
    PiecesPage,
)
from potluck.shells.links.stream import Stream
from tests.devices import until
from tests.hostile.daemons import Pair
from tests.hostile.rogue import WAIT_S, Rogue, heads_of

MIB = limits.MIB
UNSAFE = [
    b"../x", b"/etc/x", b"a/../../x", b"./x", b"a//b", b"..", b".", b"CON/../..",
    b"new\nline", b"bidi\xe2\x80\xaename", b"esc\x1b[2J", b"nul\0", b"\xff\xfe",
    b".potluck/marker", b"a" * 300, b"x/" * 200 + b"y",
]  # fmt: skip
_labels = itertools.count(1)


class Liar:
    """A fresh member with one manifest, and lies about what is in it."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.rogue = Rogue(f"liar-{next(_labels)}", pair)
        self.link = self.rogue.control(pair.a)
        self.rogue.listen(pair.a)
        self.served = threading.Event()

    def publish(
        self, records: list[FileRecord], content: Callable[[Any, Stream], None], **lies: Any
    ) -> Head:
        """Sign and announce a manifest; `content` answers whatever is asked about its files."""
        head = heads_of(self.rogue.key, records, len(records), **lies)

        def answer(request: Any, stream: Stream) -> None:
            if isinstance(request, ManifestAsk):
                self.served.set()
                stream.send(page(self.rogue, records, head))
            else:
                content(request, stream)

        self.rogue.answers = answer
        self.link.say(Heads([head]))
        return head

    def was_asked(self, kind: type) -> None:
        """Wait until the victim asked for something of that kind."""
        until(lambda: [one for one in self.rogue.asked if isinstance(one, kind)], self.pair.said)

    def close(self) -> None:
        """Gone."""
        self.link.close()
        self.rogue.close()


@pytest.fixture
def liar(attacked: Pair) -> Iterator[Liar]:
    """A fresh liar, so that what one told does not hide what the next one tells."""
    liar = Liar(attacked)
    yield liar
    liar.close()


def page(
    rogue: Rogue, records: list[FileRecord], head: Head | None, deleted: tuple[bytes, ...] = ()
) -> ManifestPage:
    """A page of a rogue's manifest."""
    gone = [DeletedPath(path, seq) for seq, path in enumerate(deleted, 1)]
    upto = max([one.seq for one in records], default=0)
    return ManifestPage(rogue.key.device, Folder.OWN, records, gone, upto, 0, head)


def record_of(path: bytes, data_size: int, root: bytes, seq: int = 1) -> FileRecord:
    """A record of a file of the smallest piece size."""
    return FileRecord(
        path,
        Kind.FILE,
        data_size,
        0,
        executable=False,
        piece_size=limits.PIECE_MIN_BYTES,
        root=root,
        seq=seq,
    )


def content_of(data: bytes) -> tuple[bytes, bytes]:
    """Return root and piece hashes of some content."""
    size = limits.PIECE_MIN_BYTES
    hashes = b"".join(piece_hash(data[at : at + size]) for at in range(0, len(data), size))
    return file_root(len(data), size, hashes), hashes


def nothing(_request: Any, stream: Stream) -> None:
    """Have no content."""
    stream.send(Gone())


# -- manifests -------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", UNSAFE, ids=ascii)
def test_unsafe_paths_reach_no_disk(liar: Liar, path: bytes) -> None:
    data = b"evil"
    liar.publish(
        [record_of(path, 4, content_of(data)[0])],
        lambda request, stream: serve(request, stream, data),
    )
    assert liar.served.wait(WAIT_S)
    liar.pair.unharmed()
    assert not [name for name in liar.pair.a.shared() if name.startswith(f"'{liar.rogue.label}/")]


def test_folders_and_files_that_are_each_other(liar: Liar) -> None:
    data = b"evil"
    root = content_of(data)[0]
    names = [b"a", b"a/b", b"A", b"a/b/c", b"caf\xc3\xa9", b"cafe\xcc\x81"]
    records = [record_of(name, 4, root, seq) for seq, name in enumerate(names, 1)]
    liar.publish(records, lambda request, stream: serve(request, stream, data))
    assert liar.served.wait(WAIT_S)


def test_a_manifest_of_ten_million_records_is_not_even_asked_for(liar: Liar) -> None:
    count = 10_000_000
    liar.link.say(Heads([heads_of(liar.rogue.key, [], count, count=count)]))
    until(lambda: "folder_too_large" in liar.pair.a.codes(), liar.pair.said)
    assert liar.link.answers()
    assert not liar.rogue.asked


def test_as_many_records_as_one_device_may_have_hold_up_nobody(liar: Liar) -> None:
    """Pages come as fast as they are asked for, without end."""
    head = heads_of(liar.rogue.key, [], limits.OWNER_RECORDS, count=limits.OWNER_RECORDS)
    root = content_of(b"evil")[0]
    numbers = itertools.count(1)

    def answer(request: Any, stream: Stream) -> None:
        if not isinstance(request, ManifestAsk):
            stream.send(Gone())
            return
        seqs = [next(numbers) for _ in range(limits.PAGE_RECORDS)]
        records = [record_of(b"%d" % seq, 4, root, seq) for seq in seqs]
        stream.send(page(liar.rogue, records, None))

    liar.rogue.answers = answer
    liar.link.say(Heads([head]))
    liar.was_asked(ManifestAsk)
    for _ in range(5):
        liar.pair.unharmed()


def test_sizes_at_the_end_of_the_numbers(liar: Liar) -> None:
    records = [
        record_of(b"huge %d" % seq, limits.FILE_MAX_BYTES, os.urandom(32), seq)
        for seq in range(1, 50)
    ]
    liar.publish(records, nothing)
    assert liar.served.wait(WAIT_S)


def test_pages_that_say_nothing_for_ever(liar: Liar) -> None:
    head = heads_of(liar.rogue.key, [], 5)
    liar.rogue.answers = lambda _request, stream: stream.send(page(liar.rogue, [], None))
    liar.link.say(Heads([head]))
    liar.was_asked(ManifestAsk)
    time.sleep(0.5)  # an endless loop would show in this time
    assert len(liar.rogue.asked) < 50


def test_answers_that_are_none(liar: Liar) -> None:
    said = itertools.cycle(
        [
            b"\xff\xff\xff\xff",
            b"\0\0\0\0",
            b"\0\0\0\1\xc1",
            b"GET / HTTP/1.1\r\n\r\n",
            b"\0\x10\0\0" + b"\x91" * MIB,
        ]
    )
    liar.rogue.answers = lambda _request, stream: stream.send_bytes(next(said))
    for number in range(1, 6):
        liar.link.say(
            Heads([heads_of(liar.rogue.key, [record_of(b"%d" % number, 0, bytes(32))], number)])
        )
    liar.was_asked(ManifestAsk)


# -- content ---------------------------------------------------------------------------------------
def serve(request: Any, stream: Stream, data: bytes) -> None:
    """Serve a content of one piece as it should be."""
    match request:
        case FilesAsk():
            stream.send(FilesHeader([len(data)] * len(request.roots)))
            stream.send_bytes(data * len(request.roots))
        case FileAsk():
            stream.send(PieceHeader(0, len(data)))
            stream.send_bytes(data)
            stream.send(Done())
        case _:
            stream.send(Gone())


def lie_with(*frames: object) -> Callable[[Any, Stream], None]:
    """Answer everything with the same frames and bytes."""

    def answer(_request: Any, stream: Stream) -> None:
        for frame in frames:
            if isinstance(frame, bytes):
                stream.send_bytes(frame)
            else:
                stream.send(frame)

    return answer


def without_end(_request: Any, stream: Stream) -> None:
    """Send pieces for ever."""
    with suppress(OSError):
        for _ in range(2000):
            stream.send(PieceHeader(0, limits.PIECE_MIN_BYTES))
            stream.send_bytes(bytes(limits.PIECE_MIN_BYTES))


SMALL = {
    "wrong bytes": lie_with(FilesHeader([4]), b"liar"),
    "too few": lie_with(FilesHeader([3]), b"lia"),
    "too many": lie_with(FilesHeader([5]), b"liars"),
    "more bytes than said": lie_with(FilesHeader([4]), b"liar" * 5000),
    "too many files": lie_with(FilesHeader([4] * 256), bytes(1024)),
    "no file": lie_with(FilesHeader([])),
    "giant": lie_with(FilesHeader([limits.PIECE_MAX_BYTES]), bytes(MIB)),
    "a piece instead": lie_with(PieceHeader(0, 4), b"liar", Done()),
    "done": lie_with(Done()),
    "busy": lie_with(Busy()),
    "not here": lie_with(FilesHeader([-1])),
}


@pytest.mark.parametrize("lie", SMALL.values(), ids=SMALL.keys())
def test_lies_about_a_small_file(liar: Liar, lie: Callable[[Any, Stream], None]) -> None:
    liar.publish([record_of(b"small", 4, content_of(b"good")[0])], lie)
    until(
        lambda: [one for one in liar.rogue.asked if isinstance(one, FilesAsk | FileAsk)],
        liar.pair.said,
    )
    liar.pair.unharmed()
    assert f"'{liar.rogue.label}/small'" not in liar.pair.a.shared()


BIG = bytes(range(1, 251)) * (9 * MIB // 250)
BIG_ROOT, BIG_HASHES = content_of(BIG)
PIECE = limits.PIECE_MIN_BYTES
LARGE = {
    "wrong bytes": lie_with(PieceHeader(0, PIECE), bytes(PIECE), Done()),
    "short piece": lie_with(PieceHeader(0, 5), bytes(5), Done()),
    "long piece": lie_with(PieceHeader(0, limits.PIECE_MAX_BYTES), bytes(MIB)),
    "a piece nobody asked for": lie_with(PieceHeader(2**26, PIECE), bytes(PIECE)),
    "one piece for ever": without_end,
    "done": lie_with(Done()),
}


@pytest.mark.full
@pytest.mark.parametrize("lie", LARGE.values(), ids=LARGE.keys())
def test_lies_about_pieces(liar: Liar, lie: Callable[[Any, Stream], None]) -> None:
    def answer(request: Any, stream: Stream) -> None:
        if isinstance(request, PiecesAsk):
            stream.send(PiecesPage(BIG_ROOT, len(BIG), PIECE, 0, BIG_HASHES))
        else:
            lie(request, stream)

    liar.publish([record_of(b"big", len(BIG), BIG_ROOT)], answer)
    liar.was_asked(FileAsk)
    liar.pair.unharmed()
    assert f"'{liar.rogue.label}/big'" not in liar.pair.a.shared()


LISTED = BIG[::-1]  # a content whose piece list nobody has told yet
LISTED_ROOT, LISTED_HASHES = content_of(LISTED)
LISTS = {
    "another root": PiecesPage(bytes(32), len(LISTED), PIECE, 0, LISTED_HASHES),
    "wrong hashes": PiecesPage(LISTED_ROOT, len(LISTED), PIECE, 0, bytes(len(LISTED_HASHES))),
    "another size": PiecesPage(
        LISTED_ROOT, limits.FILE_MAX_BYTES, limits.PIECE_MAX_BYTES, 0, LISTED_HASHES
    ),
    "endless": PiecesPage(LISTED_ROOT, 2**49, PIECE, 0, b""),
    "half a hash": PiecesPage(LISTED_ROOT, len(LISTED), PIECE, 0, LISTED_HASHES[:-1]),
    "not from the start": PiecesPage(LISTED_ROOT, len(LISTED), PIECE, 3, LISTED_HASHES),
}


@pytest.mark.parametrize("lie", LISTS.values(), ids=LISTS.keys())
def test_lies_about_piece_lists(liar: Liar, lie: PiecesPage) -> None:
    liar.publish([record_of(b"big", len(LISTED), LISTED_ROOT)], lie_with(lie))
    liar.was_asked(PiecesAsk)


# -- asking ----------------------------------------------------------------------------------------
def test_what_is_not_shared_is_not_served(attacked: Pair, rogue: Rogue) -> None:
    stream = rogue.open(attacked.a, LinkKind.BULK)
    secret = content_of((attacked.base / "bystander").read_bytes())[0]
    for root in (secret, bytes(32), os.urandom(32)):
        assert rogue.ask(stream, FileAsk(root, [0])) == Gone()
        assert rogue.ask(stream, PiecesAsk(root)) == Gone()
        answer = rogue.ask(stream, FilesAsk([root]))
        assert answer in (Gone(), FilesHeader([-1]))
    assert rogue.ask(stream, ManifestAsk(os.urandom(32), Folder.OWN, 0, 0)) == Gone()
    assert rogue.ask(stream, FileAsk(os.urandom(32), [2**26] * limits.LIST_ITEMS)) == Gone()
    stream.close()


def test_requests_as_fast_as_possible(attacked: Pair, rogue: Rogue) -> None:
    """All links that a member may have ask without a pause for three seconds, and the honest are
    still served in time.
    """
    kinds = [LinkKind.BULK] * limits.FETCHES_PER_PEER + [LinkKind.NEWS] * limits.NEWS_PER_PEER
    with ExitStack() as held:
        streams = [rogue.open(attacked.a, kind) for kind in kinds]
        end = time.monotonic() + 3

        def flood(stream: Stream) -> None:
            with suppress(OSError, EOFError):
                while time.monotonic() < end:
                    rogue.ask(stream, ManifestAsk(rogue.device_of(attacked.a), Folder.OWN, 0, 0))

        threads = [threading.Thread(target=flood, args=(stream,)) for stream in streams]
        for thread, stream in zip(threads, streams, strict=True):
            thread.start()
            held.callback(stream.close)
            held.callback(thread.join)
        while time.monotonic() < end:
            attacked.delivers(attacked.a, attacked.b)


def test_a_slow_reader_costs_one_worker(attacked: Pair, rogue: Rogue) -> None:
    attacked.a.write("large", BIG)
    until((attacked.b.copy_of(attacked.a) / "large").exists, attacked.said)
    with ExitStack() as held:
        for _ in range(limits.FETCHES_PER_PEER):
            stream = rogue.open(attacked.a, LinkKind.BULK)
            held.callback(stream.close)
            for _ in range(20):
                stream.send(FileAsk(BIG_ROOT, list(range(36))))
        attacked.delivers(attacked.a, attacked.b)


def test_a_request_that_is_none_ends_the_link(attacked: Pair, rogue: Rogue) -> None:
    for said in (b"\xff\xff\xff\xff", bytes(4), b"\0\0\0\1\xc1", b"\0\x10\0\0" + b"\x91" * MIB):
        stream = rogue.open(attacked.a, LinkKind.BULK)
        with suppress(OSError):
            stream.send_bytes(said)
        with pytest.raises((EOFError, OSError)) as ended:
            stream.receive_into(memoryview(bytearray(1)), WAIT_S)
        assert not isinstance(ended.value, TimeoutError)
        stream.close()
