"""Scrubbing: what is read when, and what follows from it."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ReadFault, Spot, Stat
from potluck.core.content.paths import SafePath
from potluck.core.content.pieces import PieceList, Root
from potluck.core.content.verification import Verification
from potluck.core.errors import NotFound, Refused
from potluck.engine import scrub_walk
from potluck.engine.effects import Hash, Tell
from potluck.engine.events import FilesHashed, Hashed, OrderId, Unreadable
from potluck.engine.index import Index
from potluck.engine.scrubbing import (
    FIRST_S,
    ROUND_S,
    SCRUB_BUSY_S,
    SLOWLY_BYTES_S,
    Scrub,
)
from tests.engine.builders import group, node
from tests.engine.listeners import Heard
from tests.engine.test_scrub_walk import share

WRONG = b"w" * 32


class Home:
    """A device with three files of its own and one of another; each reads as it should."""

    def __init__(self, index: Index | None = None) -> None:
        self.node = node(1, index=index)
        self.node.roster = group(1, 2)
        self.node.now = 1000.0
        if index is None:
            share(self.node, 1, "a", "d/b", "d/c")
            share(self.node, 2, "a")
        self.busy = False
        self.heard = Heard(is_busy=lambda: self.busy)
        self.part = Scrub(self.node, self.heard)
        self.part.start()
        self.bytes: dict[str, bytes] = {}  # what reads otherwise, by path
        self.orders: list[Hash] = []
        self.told: list[tuple[str, str, str]] = []

    def due(self) -> Hash | None:
        """Let time pass until something is due; what is to be read then."""
        due_s = self.part.deadline()
        if due_s is not None:
            self.node.now = max(self.node.now, due_s)
        self.part.on_tick()
        effects = self.node.take()
        tells = [each for each in effects if isinstance(each, Tell)]
        self.told += [(tell.code, tell.level, tell.text) for tell in tells]
        orders = [each for each in effects if isinstance(each, Hash)]
        self.orders += orders
        return orders[0] if orders else None

    def read(self, order: Hash) -> list[str]:
        """Answer an order as the disk does; the names of what was read."""
        files = [self._hashed(str(path)) for path, _ in order.files]
        self.part.on_hashed(FilesHashed(order.order, tuple(files), (), last=True))
        return [str(path) for path, _ in order.files]

    def all_read(self) -> list[str]:
        """Read until nothing more is due at once."""
        names = []
        while (order := self.due()) is not None:
            names += self.read(order)
        return names

    def _hashed(self, text: str) -> Hashed:
        path = next(one for one in self._paths() if str(one) == text)
        spot = self.node.layout.spot_at(path)
        assert spot is not None
        row = self.node.index.places.get(*spot)
        assert row is not None
        stat = Stat(row.size, row.mtime_ns, row.ctime_ns, row.inode, row.executable)
        root = Root(self.bytes.get(text, row.root))
        return Hashed(path, stat, PieceList(root, row.size, 262_144, b""))

    def _paths(self) -> list[SafePath]:
        return [path for order in self.orders for path, _ in order.files]

    def verification(self) -> Verification:
        assert self.node.verification is not None
        return self.node.verification


@pytest.fixture
def home() -> Home:
    return Home()


# -- the slow round --------------------------------------------------------------------------------
def test_nothing_is_read_before_the_start() -> None:
    part = Scrub(node(1), Heard())
    part.on_tick()
    assert part.deadline() is None


def test_a_round_over_few_files_takes_three_months(home: Home) -> None:
    begun_s = home.node.now
    order = home.due()
    assert order is not None
    assert home.node.now == begun_s + FIRST_S
    assert (order.afresh, order.bytes_s, len(order.files)) == (True, SLOWLY_BYTES_S, 1)
    assert home.part.deadline() is None, "one after the other"
    names = home.read(order)
    for _ in range(3):
        order = home.due()
        assert order is not None
        names += home.read(order)
    assert sorted(names) == ["d1/a", "d1/d/b", "d1/d/c", "d2/a"]
    assert home.due() is None, "the round is over"
    passed_s = home.node.now - begun_s - FIRST_S
    assert 0.99 * ROUND_S < passed_s < 1.01 * ROUND_S
    again = home.due()
    assert again is not None
    assert [str(path) for path, _ in again.files] == names[:1]
    assert home.heard.of("on_verified") == []
    assert len(home.heard.of("on_whole")) == 4


def test_it_is_never_too_early(home: Home) -> None:
    home.part.on_tick()
    assert not home.node.take()


def test_many_small_files_are_read_a_few_at_a_time() -> None:
    home = Home()
    share(home.node, 1, *(f"many/{number:05}" for number in range(20_000)))
    order = home.due()
    assert order is not None
    assert 5 < len(order.files) < 15, "an hour's share of 90 days"


def test_it_waits_while_something_else_is_to_be_done(home: Home) -> None:
    home.busy = True
    assert home.due() is None
    assert home.part.deadline() == home.node.now + SCRUB_BUSY_S
    home.busy = False
    assert home.due() is not None


@pytest.mark.parametrize("why", ["away", "moving"])
def test_nothing_is_read_while_the_share_is_not_there(home: Home, why: str) -> None:
    if why == "away":
        home.node.share_present = False
    else:
        home.node.moving = True
    home.part.on_tick()
    assert home.due() is None
    assert home.part.deadline() == home.node.now + SCRUB_BUSY_S
    home.node.share_present, home.node.moving = True, False
    assert home.due() is not None


def test_the_next_run_goes_on_where_it_was(home: Home) -> None:
    order = home.due()
    assert order is not None
    first = home.read(order)
    after = Home(home.node.index)
    order = after.due()
    assert order is not None
    assert [str(path) for path, _ in order.files] != first
    assert "reading 1" in repr(after.part)


# -- what was read ---------------------------------------------------------------------------------
def test_a_file_is_damaged_if_it_reads_wrong_twice(home: Home) -> None:
    order = home.due()
    assert order is not None
    (name,) = (str(path) for path, _ in order.files)
    home.bytes[name] = WRONG
    home.read(order)
    assert home.heard.of("on_verified") == [], "the memory may have been wrong"
    again = home.due()
    assert again is not None
    assert (again.files, again.afresh) == (order.files, True)
    home.read(again)
    ((spot, hashed),) = home.heard.of("on_verified")
    assert str(home.node.layout.path_of(spot)) == name
    assert hashed.pieces.root == WRONG
    assert home.due() != again


def test_one_wrong_reading_alone_means_nothing(home: Home) -> None:
    order = home.due()
    assert order is not None
    (name,) = (str(path) for path, _ in order.files)
    home.bytes[name] = WRONG
    home.read(order)
    home.bytes.clear()
    again = home.due()
    assert again is not None
    home.read(again)
    assert home.heard.of("on_verified") == []


def test_what_changed_meanwhile_means_nothing(home: Home) -> None:
    order = home.due()
    assert order is not None
    ((path, _),) = order.files
    home.bytes[str(path)] = WRONG
    spot = home.node.layout.spot_at(path)
    assert spot is not None
    row = home.node.index.places.get(*spot)
    assert row is not None
    hashed = home._hashed(str(path))
    home.node.index.places.remove(spot.manifest, [spot.path])
    home.part.on_hashed(FilesHashed(OrderId(1), (hashed,), (), last=True))
    assert home.part.deadline() is None, "that was not asked here"
    home.part.on_hashed(FilesHashed(order.order, (hashed, hashed), (), last=False))
    home.part.on_hashed(FilesHashed(order.order, (), (path,), last=True))
    assert home.heard.of("on_verified") == []
    assert not home.part._doubted


def test_after_trouble_with_the_index_it_is_asked_for_anew(home: Home) -> None:
    order = home.due()
    home.part.restart()
    assert home.part.deadline() is not None
    assert order is not None
    home.read(order)
    assert home.heard.of("on_whole") == []


# -- what a person wants ---------------------------------------------------------------------------
def test_all_is_read_at_once_and_that_is_told(home: Home) -> None:
    assert home.part.verify("") == "Reading again all that is here of what is shared."
    assert home.part.deadline() == home.node.now
    order = home.due()
    assert order is not None
    assert (len(order.files), order.bytes_s) == (4, 0)
    assert home.part.verify("").startswith("It is being done: 0 files")
    with pytest.raises(Refused) as refused:
        home.part.verify("d1/a")
    assert "Everything" in refused.value.what
    home.read(order)
    assert home.due() is None
    done = home.verification()
    assert (done.files, done.running, done.damaged.count) == (4, False, 0)
    assert home.told == [("verified", "info", done.words)]


def test_what_is_damaged_is_named_and_counted_once(home: Home) -> None:
    home.bytes["d1/d/b"] = WRONG
    home.part.verify("d1/d")
    with pytest.raises(Refused, match="d1/d"):
        home.part.verify("d1")
    home.all_read()
    done = home.verification()
    assert (done.files, done.damaged.names, done.running) == (2, ["d1/d/b"], False)
    ((spot, _),) = home.heard.of("on_verified")
    assert spot == Spot(home.node.own_manifest, b"d/b")
    assert home.part.verify("d1/a").endswith("of d1/a.")


def test_what_cannot_be_read_or_changed_is_said(home: Home) -> None:
    home.part.verify("d1/d")
    order = home.due()
    assert order is not None
    one, two = (path for path, _ in order.files)
    bad = Unreadable(one, ReadFault.DISK, "Input/output error")
    home.part.on_hashed(FilesHashed(order.order, (), (one, two), last=True, unreadable=(bad,)))
    home.all_read()
    done = home.verification()
    assert (done.files, done.skipped, done.unreadable.names) == (0, 1, [str(one)])


def test_a_long_walk_is_walked_in_steps(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrub_walk, "WALK_ROWS_MAX", 1)
    home.part.verify("d1/d/c")
    while home.verification().running:
        if (order := home.due()) is not None:
            home.read(order)
    assert home.verification().files == 1


@pytest.mark.parametrize("text", ["nobody/a", "d1/nothing", "d2/a/b", "d1/d/b/c"])
def test_what_is_not_here_cannot_be_read(home: Home, text: str) -> None:
    with pytest.raises(NotFound):
        home.part.verify(text)
    assert home.node.verification is None


@pytest.mark.parametrize("text", ["d1", "d2/a", "d1/d", "/d1/d/"])
def test_what_is_here_can_be_read(home: Home, text: str) -> None:
    assert home.part.verify(text)


def test_while_the_share_is_away_nothing_can_be_read(home: Home) -> None:
    home.node.share_present = False
    with pytest.raises(Refused, match="Nothing can be read"):
        home.part.verify("")
