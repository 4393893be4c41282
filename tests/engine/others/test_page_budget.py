"""The budget of pages: every honest stream is within it, and nothing without end is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest

from potluck.core import limits
from potluck.core.wire.catalogue import DeletedPath, Folder, Head, ManifestPage
from potluck.engine.others.page_budget import PageBudget, PageVerdict
from tests.engine.index.builders import ANNA, head, record

ROOT = b"r" * 32


def page_of(*seqs: int, ended: tuple[int, ...] = (), name: str = "f") -> ManifestPage:
    """A page with records and ended paths of these numbers."""
    records = [record(f"{name}{seq:07}", seq) for seq in seqs]
    deleted = [DeletedPath(f"{name}{seq:07}".encode(), seq) for seq in ended]
    return ManifestPage(ANNA, Folder.OWN, records, deleted, max((*seqs, *ended)), 0, None)


def goal(seq: int, count: int, generation: int = 1) -> Head:
    return head(ROOT, seq, count, generation=generation)


# -- honest ----------------------------------------------------------------------------------------
@dataclass
class Owner:
    """An owner that goes on working while its pages are read."""

    random: Random
    seq: int = 0
    live: dict[int, int] = field(default_factory=dict)  # path -> number
    log: dict[int, int] = field(default_factory=dict)

    def work(self, changes: int) -> None:
        for _ in range(changes):
            self.seq += 1
            path = self.random.randrange(60)
            if path in self.live and self.random.random() < 0.5:
                del self.live[path]
                self.log[path] = self.seq
            else:
                self.live[path] = self.seq
                self.log.pop(path, None)

    def head(self) -> Head:
        return goal(self.seq, len(self.live))

    def page(self, since: int, limit: int) -> tuple[ManifestPage, bool]:
        every = sorted(
            (seq, path) for table in (self.live, self.log) for path, seq in table.items()
        )
        new = [each for each in every if each[0] > since]
        some = new[:limit]
        records = [record(str(path), seq) for seq, path in some if self.live.get(path) == seq]
        ended = [
            DeletedPath(str(path).encode(), seq) for seq, path in some if self.log.get(path) == seq
        ]
        upto = some[-1][0] if some else since
        return ManifestPage(ANNA, Folder.OWN, records, ended, upto, 0, None), len(new) <= limit


@pytest.mark.parametrize("seed", range(300))
def test_no_honest_stream_is_refused_however_its_head_moves(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heads are heard late and not all of them; so much is made meanwhile as may be, no more."""
    random = Random(seed)
    monkeypatch.setattr(limits, "AHEAD_CHANGES", 20)
    monkeypatch.setattr(limits, "AHEAD_GONE", 20)
    owner = Owner(random)
    owner.work(random.randrange(1, 200))
    since = random.choice([0, random.randrange(owner.seq)])
    budget = PageBudget(owner.head(), since)
    heard = owner.seq
    late: list[Head] = []
    for _ in range(200):
        page, last = owner.page(since, random.randrange(1, 30))
        assert budget.take(page) is PageVerdict.WITHIN
        since = page.upto
        if last:
            break
        owner.work(min(random.randrange(8), 20 - (owner.seq - heard)))
        late.append(owner.head())
        if random.random() < 0.5 or owner.seq - heard >= 20:
            newest = late[-1] if owner.seq - heard >= 20 else late[random.randrange(len(late))]
            if newest.seq > heard:
                budget.on_goal(newest)
                heard, late = newest.seq, []
    else:
        raise AssertionError("never read to its end")


def test_a_large_home_is_within_it() -> None:
    budget = PageBudget(goal(150_000, 150_000), 0)
    for first in range(1, 150_001, 1000):
        assert budget.take(page_of(*range(first, first + 1000))) is PageVerdict.WITHIN
    assert budget.take(page_of(150_001)) is PageVerdict.WITHIN, "made since"


def test_where_an_owner_began_anew_the_stream_does_too() -> None:
    budget = PageBudget(goal(4, 2), 0)
    assert budget.take(page_of(1, 2)) is PageVerdict.WITHIN
    budget.on_goal(goal(2, 2, generation=2))
    budget.on_goal(goal(4, 2, generation=2))
    assert budget.take(page_of(3)) is PageVerdict.MOVED


def test_what_came_ahead_counts_as_signed_once_its_head_is_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "AHEAD_CHANGES", 3)
    budget = PageBudget(goal(1, 1), 0)
    assert budget.take(page_of(1, 2, 3, ended=(4,))) is PageVerdict.WITHIN
    assert repr(budget) == "<PageBudget 0 signed, 3 ahead>"
    budget.on_goal(goal(3, 3))
    assert repr(budget) == "<PageBudget 0 signed, 1 ahead>"
    assert budget.take(page_of(5, 6)) is PageVerdict.WITHIN
    assert budget.take(page_of(7)) is PageVerdict.BEYOND


# -- not honest ------------------------------------------------------------------------------------
def test_more_records_than_the_head_counts_are_beyond_it_however_far_it_counts() -> None:
    budget = PageBudget(goal(2**52, 3), 0)
    assert budget.take(page_of(5, 6, 7)) is PageVerdict.WITHIN
    assert budget.take(page_of(8)) is PageVerdict.BEYOND


def test_more_records_than_numbers_are_beyond_it_however_many_it_counts() -> None:
    assert PageBudget(goal(9, 2_000_000), 7).take(page_of(8, 9, 8)) is PageVerdict.BEYOND
    assert PageBudget(goal(9, 2_000_000), 12).take(page_of(8)) is PageVerdict.BEYOND


def test_only_so_much_is_ahead_in_number_and_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "AHEAD_CHANGES", 5)
    budget = PageBudget(goal(1, 1), 0)
    assert budget.take(page_of(1, 2, 3, ended=(4, 5, 6))) is PageVerdict.WITHIN
    assert budget.take(page_of(ended=(7,))) is PageVerdict.BEYOND
    monkeypatch.setattr(limits, "AHEAD_PATH_BYTES", 16)
    budget = PageBudget(goal(1, 1), 0)
    assert budget.take(page_of(1, 2, 3)) is PageVerdict.WITHIN, "eight bytes each"
    assert budget.take(page_of(4)) is PageVerdict.BEYOND


def test_heads_signed_one_after_the_other_allow_no_more_than_they_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "AHEAD_GONE", 3)
    budget = PageBudget(goal(1, 1), 0)
    assert budget.take(page_of(1)) is PageVerdict.WITHIN
    budget.on_goal(goal(2**52, 1))
    assert budget.take(page_of(2, 3, 4, 5)) is PageVerdict.WITHIN
    assert budget.take(page_of(6)) is PageVerdict.BEYOND


def taken(budget: PageBudget, heads: Callable[[int], Head]) -> tuple[int, PageVerdict]:
    """How many records come, with a head before each, and what ends them."""
    for number in range(1, 10_000):
        budget.on_goal(heads(number))
        verdict = budget.take(page_of(number))
        if verdict is not PageVerdict.WITHIN:
            return number, verdict
    raise AssertionError("they never end")


def test_however_many_heads_are_signed_a_stream_brings_everything_twice_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "AHEAD_GONE", 3)
    start = goal(100_000, 10)
    end = taken(PageBudget(start, 0), lambda number: goal(100_000 * (1 + number), 10))
    assert end == (2 * 10 + 3 + 1, PageVerdict.MOVED)
    end = taken(PageBudget(start, 0), lambda number: goal(100_000, 10, generation=1 + number))
    assert end == (1, PageVerdict.MOVED)
    monkeypatch.setattr(limits, "OWNER_RECORDS", 12)
    monkeypatch.setattr(limits, "AHEAD_CHANGES", 2)
    end = taken(PageBudget(start, 0), lambda number: goal(100_000 * (1 + number), 12))
    assert end == (12 + 2 + 1, PageVerdict.MOVED)


# -- quotas of one owner ---------------------------------------------------------------------------
def test_one_owner_has_so_many_bytes_of_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "OWNER_PATH_BYTES", 16)
    budget = PageBudget(goal(9, 9), 0)
    assert budget.take(page_of(1, 2, ended=(3,))) is PageVerdict.WITHIN
    assert budget.path_bytes == 16
    assert budget.take(page_of(4)) is PageVerdict.TOO_LARGE
    assert PageBudget(goal(9, 9), 3, 8).take(page_of(4)) is PageVerdict.WITHIN
    budget = PageBudget(goal(9, 9), 3, 9)
    assert budget.take(page_of(4)) is PageVerdict.ANEW, "counted from above: only all is exact"


@pytest.mark.parametrize("quota", ["OWNER_DELETED", "OWNER_DELETED_BYTES"])
def test_beyond_so_many_deletes_the_whole_manifest_is_asked_for(
    quota: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, quota, 2 if quota == "OWNER_DELETED" else 16)
    budget = PageBudget(goal(9, 1), 3)
    assert budget.take(page_of(ended=(4, 5))) is PageVerdict.WITHIN
    assert (budget.ended, budget.ended_bytes) == (2, 16)
    assert budget.take(page_of(ended=(6,))) is PageVerdict.ANEW
    assert PageBudget(goal(9, 1), 0).take(page_of(ended=(4, 5, 6))) is PageVerdict.WITHIN


def test_beside_a_whole_manifest_deletes_come_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "OWNER_DELETED_READ", 2)
    budget = PageBudget(goal(9, 1), 0)
    assert budget.take(page_of(ended=(4, 5))) is PageVerdict.WITHIN
    assert budget.take(page_of(ended=(6,))) is PageVerdict.BEYOND


def test_the_quotas_hold_what_a_home_can_have() -> None:
    assert limits.OWNER_RECORDS >= 2_000_000
    assert limits.OWNER_PATH_BYTES >= 200 * 2_000_000
    assert limits.OWNER_DELETED >= 3 * 150_000
    assert limits.AHEAD_CHANGES * 160 <= limits.AHEAD_PATH_BYTES
