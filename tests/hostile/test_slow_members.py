"""Members that answer as slowly as they like, lie about what they could bring, or list too much.

Strategy: the first of the pair shares, the second fetches; a rogue tells the second that it holds
all of that (KEPT), or shares files of its own, and then drips. The oracle is the honest file, whole
and in time, and the CPU time of the daemon. Each behaviour is played again against a daemon whose
one guard is off (tests/hostile/unguarded.py), where it succeeds.

Guarantees: every wait has a deadline. Limits: the guard is off in the processes of a pair of its
own, so each proof costs a start.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from potluck.core import limits
from potluck.core.content.pieces import file_root, piece_hash
from potluck.core.wire.catalogue import (
    FileAsk,
    FileRecord,
    FilesAsk,
    FilesHeader,
    Folder,
    Gone,
    Head,
    Heads,
    Holding,
    Kept,
    Kind,
    ManifestAsk,
    ManifestPage,
    PieceHeader,
    PiecesAsk,
    PiecesPage,
)
from potluck.core.wire.framing import encode_frame
from potluck.shells.links.stream import Stream
from tests.devices import until
from tests.fair_time import FairTime
from tests.hostile import daemons
from tests.hostile.daemons import Daemon, Pair, within
from tests.hostile.rogue import Control, Rogue, heads_of

MIB = limits.MIB
DRIP_S = 0.2  # between two bytes: no silence ends such a link
FILE_BYTES = 60 * MIB
IN_TIME_S = 25.0  # it takes one alone; an order is late after 3 to 10
CROWD = 16
SMALL_FILES = 300  # of each
FILES = 10  # one after the other
DRIPPED_S = 15.0  # more than what any test takes for too long
PAGE_S = 2.5  # of a page: before it is slow
LONG_PAGE = 200  # records with long names: 60 KiB in that time
AT_ONCE_S = 5.0  # 0.1 to 1.3 s on a machine that is not busy
CPU_S = 8.0  # of a daemon that starts nothing; the list alone took five times as much
pytestmark = pytest.mark.full


def drip(stream: Stream, first: object | None = None) -> None:
    """Say what is to come, and then a byte now and then, until the other side has enough."""
    with suppress(OSError):
        if first is not None:
            stream.send(first)
        while True:
            stream.sock.sendall(b"\0")
            time.sleep(DRIP_S)


def drips(request: Any, stream: Stream) -> None:
    """Drip whatever is asked: frames, pages, piece lists, packs, pieces."""
    match request:
        case FileAsk():
            drip(stream, PieceHeader(request.pieces[0], limits.PIECE_MIN_BYTES))
        case FilesAsk():
            drip(stream, FilesHeader([1024] * len(request.roots)))
        case _:
            with suppress(OSError):
                stream.sock.sendall((limits.PAGE_FRAME_BYTES - 1).to_bytes(4, "big"))
            drip(stream)


class Dripper:
    """A member that says it holds what the first device shares, shares more, and drips."""

    def __init__(self, pair: Pair, number: int, answers: Callable[[Any, Stream], None]) -> None:
        self.rogue = Rogue(f"drip-{number}-{os.urandom(2).hex()}", pair)
        self.rogue.answers = answers
        self.links: list[Control] = [self.rogue.control(one) for one in (pair.a, pair.b)]
        self.rogue.listen(pair.b)
        holding = Holding(self.rogue.device_of(pair.a), Folder.OWN, 1, 100, 0, 0)
        self.links[1].say(Kept([holding]))

    def share(self, records: list[FileRecord]) -> None:
        """Announce files; the page that names them is served, what they hold is dripped."""
        head, dripped = heads_of(self.rogue.key, records, len(records)), self.rogue.answers

        def answer(request: Any, stream: Stream) -> None:
            if isinstance(request, ManifestAsk) and request.owner == self.rogue.key.device:
                upto = len(records)
                name = self.rogue.key.device, Folder.OWN
                stream.send(ManifestPage(*name, records, [], upto, 0, head))
            else:
                dripped(request, stream)

        self.rogue.answers = answer
        self.links[1].say(Heads([head]))

    def close(self) -> None:
        """Gone."""
        for link in self.links:
            link.close()
        self.rogue.close()


@contextmanager
def drippers(
    pair: Pair, count: int, answers: Callable[[Any, Stream], None] = drips
) -> Iterator[list[Dripper]]:
    """So many identities of one mind."""
    with ExitStack() as held:
        found = [Dripper(pair, number, answers) for number in range(count)]
        for one in found:
            held.callback(one.close)
        yield found


def large_record(number: int, size_bytes: int = 8 * MIB) -> FileRecord:
    """A file that needs a piece list, of a content that nobody has."""
    name, piece_size = b"big %d" % number, limits.PIECE_MIN_BYTES
    root = os.urandom(32)
    return FileRecord(name, Kind.FILE, size_bytes, 0, False, piece_size, root, number)


def small_record(number: int) -> FileRecord:
    """A small file of which nobody has the content."""
    name, piece_size = b"small %d" % number, limits.PIECE_MIN_BYTES
    return FileRecord(name, Kind.FILE, 1024, 0, False, piece_size, os.urandom(32), number)


def comes(pair: Pair, seconds: float, size_bytes: int = FILE_BYTES) -> bool:
    """Say whether a fresh file of the first device is whole at the second in time."""
    name, data = f"honest {os.urandom(4).hex()}", os.urandom(size_bytes)
    pair.a.write(name, data)
    copy = pair.b.copy_of(pair.a) / name
    try:
        within(seconds, copy.exists, pair.said)
    except AssertionError:
        return False
    return copy.read_bytes() == data


def cpu_s(daemon: Daemon) -> float:
    """How much CPU time a daemon has used."""
    stat = Path(f"/proc/{daemon.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def unguarded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    """A pair of which a guard is off, or several."""
    with daemons.pair(tmp_path, *filter(None, request.param.split("+"))) as devices:
        yield devices


without = partial(pytest.mark.parametrize, "unguarded", indirect=True)


# -- one that lies about what it holds -------------------------------------------------------------
def test_a_member_that_drips_pieces_holds_up_no_file_of_another(attacked: Pair) -> None:
    with drippers(attacked, 1) as (one,):
        for _ in range(5):  # it is asked for what the owner has no slot for, if it was fast enough
            assert comes(attacked, IN_TIME_S), attacked.said()
            if [asked for asked in one.rogue.asked if isinstance(asked, FileAsk)]:
                return
    pytest.fail("it was asked for nothing")


@without(argvalues=["paces"])
@pytest.mark.proof
def test_without_the_guard_it_does(unguarded: Pair) -> None:
    with drippers(unguarded, 1):
        assert not comes(unguarded, IN_TIME_S)


# -- four that share files of their own ------------------------------------------------------------
def share_and_drip(each: list[Dripper]) -> None:
    """All of them share large and small files; wait until some were asked for."""
    for one in each:
        one.share([*map(large_record, range(1, 7)), *map(small_record, range(7, 12))])
    for one in each:
        until(partial(lists_asked, one))


def test_four_identities_that_drip_lists_and_packs_hold_up_nobody(attacked: Pair) -> None:
    with drippers(attacked, 4) as each:
        share_and_drip(each)
        assert comes(attacked, 2 * IN_TIME_S), attacked.said()


@without(argvalues=["paces"])
@pytest.mark.proof
def test_without_the_guard_four_stop_everybody(unguarded: Pair) -> None:
    with drippers(unguarded, 4) as each:
        share_and_drip(each)
        assert not comes(unguarded, IN_TIME_S)


# -- many that share small files, or lists of files ------------------------------------------------
def share_small_files(each: list[Dripper]) -> None:
    """All of them share so many small files, and drip them; wait until all slots were taken."""
    for one in each:
        one.share([*map(small_record, range(1, SMALL_FILES))])
    until(lambda: sum(len(packs_asked(one)) for one in each) >= limits.SMALL_WORKERS)


def packs_asked(one: Dripper) -> list[Any]:
    """The packs that were asked of a rogue."""
    return [asked for asked in one.rogue.asked if isinstance(asked, FilesAsk)]


def announce(each: list[Dripper], number: int) -> None:
    """All of them say that each has a new list of files; all lists drip."""
    heads = [heads_of(one.rogue.key, [large_record(1)], number) for one in each]
    for one in each:
        one.links[1].say(Heads(heads))


def slowest_s(pair: Pair, files: int, before_each: Callable[[int], None] | None = None) -> float:
    """The longest that one of so many small files of the honest owner takes, a file after another.

    The first that is not there at once is the last.
    """
    longest = 0.0
    for number in range(files):
        if before_each is not None:
            before_each(number + 1)
        with FairTime() as clock:
            comes(pair, DRIPPED_S, 1024)
            longest = max(longest, clock.spent())
        if longest >= AT_ONCE_S:
            break
    return longest


def test_a_crowd_that_drips_small_files_holds_up_no_small_file(attacked: Pair) -> None:
    """It was 28 s."""
    assert comes(attacked, IN_TIME_S, 1024)
    with drippers(attacked, CROWD) as each:
        share_small_files(each)
        assert slowest_s(attacked, FILES) < AT_ONCE_S, attacked.said()


def test_a_crowd_that_drips_lists_of_files_holds_up_no_small_file(attacked: Pair) -> None:
    """It was 10 s, each time."""
    assert comes(attacked, IN_TIME_S, 1024)
    with drippers(attacked, CROWD) as each:
        assert slowest_s(attacked, FILES, partial(announce, each)) < AT_ONCE_S, attacked.said()


def share_page_by_page(
    each: list[Dripper], record: Callable[[int], FileRecord], a_page: int = 1
) -> None:
    """All of them prove quick, then bring long lists of files, so many a page, each late."""
    records = [record(number) for number in range(1, a_page * SMALL_FILES)]
    for one in each:
        name, longest = (one.rogue.key.device, Folder.OWN), len(records)
        first = heads_of(one.rogue.key, records[:1], 1)
        head = heads_of(one.rogue.key, records, longest)

        def answer(
            request: Any, stream: Stream, name: Any = name, first: Head = first, head: Head = head
        ) -> None:
            if not isinstance(request, ManifestAsk):
                stream.send(Gone())
                return
            since = request.since
            upto = min(since + a_page, head.count) if since else 1
            at_end = head if upto == head.count else None
            page, page_head = records[since:upto], at_end if since else first
            with suppress(OSError):
                send_evenly(
                    stream,
                    ManifestPage(name[0], name[1], page, [], upto, 0, page_head),
                    PAGE_S if since else 0.0,
                )

        one.rogue.answers = answer
        one.links[1].say(Heads([first]))
    until(lambda: all(pages_asked(one) for one in each))
    for one in each:
        one.links[1].say(Heads([heads_of(one.rogue.key, records, len(records))]))
    until(lambda: sum(len(pages_asked(one)) > 1 for one in each) >= limits.MANIFESTS)


def send_evenly(stream: Stream, message: object, seconds: float) -> None:
    """Send a message in so long a time."""
    data = encode_frame(message)
    slices = 1 if len(data) < limits.KIB else 10
    for number in range(slices):
        time.sleep(seconds / slices)
        stream.send_bytes(data[number * len(data) // slices : (number + 1) * len(data) // slices])


def long_record(number: int) -> FileRecord:
    """A small file of which nobody has the content, with a long name."""
    name = b"%0240d" % number
    return msgspec.structs.replace(small_record(number), path=name)


def pages_asked(one: Dripper) -> list[Any]:
    """The pages of manifests that were asked of a rogue."""
    return [asked for asked in one.rogue.asked if isinstance(asked, ManifestAsk)]


def test_a_crowd_that_brings_a_record_a_page_holds_up_no_small_file(attacked: Pair) -> None:
    """It was not there after a minute: each page came before it was slow, for hours."""
    assert comes(attacked, IN_TIME_S, 1024)
    with drippers(attacked, limits.MANIFESTS) as each:
        share_page_by_page(each, small_record)
        assert slowest_s(attacked, FILES, lambda _: time.sleep(0.5)) < 2 * AT_ONCE_S


@without(argvalues=["quick+page_turns"])
@pytest.mark.proof
def test_without_slots_for_the_quick_a_record_a_page_stops_it(unguarded: Pair) -> None:
    assert comes(unguarded, IN_TIME_S, 1024)
    with drippers(unguarded, limits.MANIFESTS) as each:
        share_page_by_page(each, small_record)
        assert slowest_s(unguarded, FILES) >= AT_ONCE_S


def test_a_crowd_that_brings_pages_on_and_on_holds_up_no_small_file(attacked: Pair) -> None:
    """No page was ever slow: at 24 KiB a second they had all slots for as long as they liked."""
    assert comes(attacked, IN_TIME_S, 1024)
    with drippers(attacked, limits.MANIFESTS) as each:
        share_page_by_page(each, long_record, LONG_PAGE)
        assert slowest_s(attacked, FILES, lambda _: time.sleep(0.5)) < 2 * AT_ONCE_S


@without(argvalues=["page_turns"])
@pytest.mark.proof
def test_without_turns_of_pages_they_stop_it(unguarded: Pair) -> None:
    assert comes(unguarded, IN_TIME_S, 1024)
    with drippers(unguarded, limits.MANIFESTS) as each:
        share_page_by_page(each, long_record, LONG_PAGE)
        assert slowest_s(unguarded, FILES) >= 2 * AT_ONCE_S


@without(argvalues=["quick"])
@pytest.mark.proof
def test_without_slots_for_the_quick_small_files_wait(unguarded: Pair) -> None:
    assert comes(unguarded, IN_TIME_S, 1024)
    with drippers(unguarded, CROWD) as each:
        share_small_files(each)
        assert slowest_s(unguarded, FILES) >= AT_ONCE_S


@without(argvalues=["quick"])
@pytest.mark.proof
def test_without_slots_for_the_quick_lists_wait(unguarded: Pair) -> None:
    assert comes(unguarded, IN_TIME_S, 1024)
    with drippers(unguarded, CROWD) as each:
        assert slowest_s(unguarded, FILES, partial(announce, each)) >= AT_ONCE_S


# -- a record larger than the disk -----------------------------------------------------------------
@contextmanager
def giant(pair: Pair) -> Iterator[Dripper]:
    """A member that shares 64 TiB and would send the whole list of it."""
    hashes = os.urandom(32 * 2**22)
    size_bytes, piece_size = 2**46, limits.PIECE_MAX_BYTES
    root = file_root(size_bytes, piece_size, hashes)

    def answer(request: Any, stream: Stream) -> None:
        if isinstance(request, PiecesAsk):
            part = hashes[request.first * 32 : (request.first + 32000) * 32]
            stream.send(PiecesPage(root, size_bytes, piece_size, request.first, part))
        else:
            stream.send(Gone())

    with drippers(pair, 1, answer) as (one,):
        one.share([FileRecord(b"giant", Kind.FILE, size_bytes, 0, False, piece_size, root, 1)])
        yield one


def lists_asked(one: Dripper) -> list[Any]:
    """The piece lists that were asked of a rogue."""
    return [asked for asked in one.rogue.asked if isinstance(asked, PiecesAsk)]


def test_a_record_larger_than_the_disk_costs_no_list_and_no_time(attacked: Pair) -> None:
    before = cpu_s(attacked.b)
    with giant(attacked) as one:
        until(lambda: "no_room" in attacked.b.codes(), attacked.said)
        for _ in range(5):
            attacked.delivers(attacked.a, attacked.b)
        assert not lists_asked(one)
    assert cpu_s(attacked.b) - before < CPU_S


@without(argvalues=["room"])
@pytest.mark.proof
def test_without_the_guard_its_list_is_asked_and_still_costs_little(unguarded: Pair) -> None:
    """What it cost was 44 s: looking for what is lacking is linear, guard or not."""
    with giant(unguarded) as one:
        until(lambda: lists_asked(one), unguarded.said)
        until(lambda: "no_room" in unguarded.b.codes(), unguarded.said)
        before = cpu_s(unguarded.b)
        for _ in range(5):
            unguarded.delivers(unguarded.a, unguarded.b)
        assert cpu_s(unguarded.b) - before < 2 * CPU_S


# -- one wrong item --------------------------------------------------------------------------------
def pack_beside_a_lie(pair: Pair) -> tuple[list[Path], int]:
    """A record of a rogue says another length of a content that the honest owner shares.

    Returns where the honest files are to be, and how often somebody was called a liar.
    """
    batch = os.urandom(4).hex()
    contents = {f"pack {batch} {number}": os.urandom(200) for number in range(100)}
    named = piece_hash(contents[f"pack {batch} 50"])
    root = file_root(200, limits.PIECE_MIN_BYTES, named)
    before = pair.b.codes().count("wrong_content")
    with drippers(pair, 1, lambda _request, stream: stream.send(Gone())) as (one,):
        one.share([FileRecord(b"lie", Kind.FILE, 77, 0, False, limits.PIECE_MIN_BYTES, root, 1)])
        until(lambda: [asked for asked in one.rogue.asked if isinstance(asked, FilesAsk)])
        for name, data in contents.items():
            pair.a.write(name, data)
        places = [pair.b.copy_of(pair.a) / name for name in contents]
        with suppress(AssertionError):
            within(IN_TIME_S, lambda: all(place.exists() for place in places))
    return places, pair.b.codes().count("wrong_content") - before


def test_one_wrong_item_of_a_pack_strikes_itself_only(attacked: Pair) -> None:
    places, liars = pack_beside_a_lie(attacked)
    assert [place for place in places if not place.exists()] == []
    assert liars == 0, "the owner sent what it has, and the record was wrong"


@without(argvalues=["items"])
@pytest.mark.proof
def test_without_the_guard_the_honest_owner_is_called_a_liar(unguarded: Pair) -> None:
    _, liars = pack_beside_a_lie(unguarded)
    assert liars > 0
