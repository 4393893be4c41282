"""The skip list: what counts for whom, in later runs, and after a rollback."""

from __future__ import annotations

from potluck.engine.index.skip_list import SkipEntry
from tests.engine.index.builders import ANNA, ANNAS, BERTS, index

VIDEOS, ISOS = SkipEntry(ANNA, "/videos/"), SkipEntry(b"", "*.iso")
BEST = SkipEntry(ANNA, "videos/best")


def test_a_pattern_counts_for_one_owner_or_for_all() -> None:
    kept = index().skip_list
    assert (kept.patterns, kept.wanted) == ([], [])
    assert not kept.rules_of(ANNAS)
    kept.set([VIDEOS, ISOS], [BEST])
    assert (kept.patterns, kept.wanted) == ([VIDEOS, ISOS], [BEST])
    assert kept.rules_of(ANNAS).skipped_by(b"videos/a", is_folder=False) == "/videos/"
    assert kept.rules_of(ANNAS).skipped_by(b"videos/best", is_folder=False) is None
    assert kept.rules_of(BERTS).skipped_by(b"videos/a", is_folder=False) is None
    assert kept.rules_of(BERTS).skipped_by(b"a.iso", is_folder=False) == "*.iso"
    assert kept.rules_of(BERTS) is kept.rules_of(BERTS)
    assert repr(kept) == "<SkipList: rules of 2 manifests>"


def test_it_is_kept_with_the_transaction_and_not_without_it() -> None:
    kept = index()
    kept.skip_list.set([ISOS], [])
    kept.commit()
    kept.begin()
    kept.skip_list.set([], [])
    assert not kept.skip_list.rules_of(ANNAS)
    kept.rollback()
    kept.begin()
    assert kept.skip_list.rules_of(ANNAS)
    assert kept.skip_list.patterns == [ISOS]
