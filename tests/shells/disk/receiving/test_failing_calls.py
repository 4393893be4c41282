"""The N-th file call of a group commit fails: nothing is lost, and the next try ends it.

Strategy: one batch that does everything (test_batches.py) is placed while a single call of `os`, or
a rename of ours, raises an error of a disk. The batch must come to its end with an outcome for each
item, or raise the OSError itself, which shells/disk/pool.py tells; then everything old must still
be somewhere, and settling and placing again without the fault must end as if nothing had happened.
Limits: file calls only, one fault at a time; calls of the index are not part of it. An fsync does
nothing here, for a thousand batches of them would take minutes.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import threading
from contextlib import contextmanager

import pytest

from potluck.engine.effects import Place, Settle
from potluck.engine.events import BatchId, Placement
from potluck.shells.disk import renaming
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.receiving.batches import Batches
from potluck.shells.disk.receiving.part_files import PartFiles
from tests.figures import record
from tests.shells.disk.receiving.test_batches import (
    AFTER,
    NOON,
    check_nothing_is_lost,
    fetch,
    plan_again,
    set_up,
)
from tests.shells.files import shared, temporary

ERRORS = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.ESTALE, errno.EINTR)
CALLS = (
    "open", "stat", "fstat", "link", "rename", "mkdir", "rmdir", "unlink", "fsync", "pread",
    "fchmod", "utime", "listdir", "dup", "ftruncate", "lseek", "copy_file_range",
)  # fmt: skip
FAULTS = 1_020
SEED = 20261127


class Calls:
    """Counts the calls, and lets one of them fail."""

    def __init__(self, fails: int = 0, number: int = 0) -> None:
        self.count, self.fails, self.number = 0, fails, number
        self.lock = threading.Lock()

    def wrapped(self, real):
        def call(*args, **options):
            with self.lock:
                self.count += 1
                mine = self.count == self.fails
            if mine:
                raise OSError(self.number, os.strerror(self.number))
            return real(*args, **options)

        return call


@contextmanager
def counted(calls: Calls):
    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, calls.wrapped(getattr(os, name)))
        patch.setattr(renaming, "_call", calls.wrapped(renaming._call))
        yield


def placed_with(folder: str, calls: Calls) -> str:
    """Place everything with one fault, then once more without; return what was wrong, or ""."""
    items = set_up(folder)
    with Share(folder) as share:
        parts = PartFiles(share)
        fetch(parts, items)
        batches = Batches(share, parts, lambda: NOON)
        try:
            with counted(calls):
                batches.place(Place(BatchId(1), items, "me"))
        except OSError as error:
            if error.errno != calls.number:
                raise
        check_nothing_is_lost(share, f"call {calls.fails}")
        again = plan_again(share, batches.settle(Settle(BatchId(1), items)).items, items)
        fetch(parts, again)
        placed = batches.place(Place(BatchId(2), again, "me")).items
        check_nothing_is_lost(share, f"call {calls.fails}, placed again")
        if not {each.placement for each in placed} <= {Placement.PLACED, Placement.REMOVED}:
            return f"call {calls.fails}, error {calls.number}: {placed}"
        if shared(share) != AFTER:
            return f"call {calls.fails}, error {calls.number}: another tree"
        if any(name.endswith(".held") for name in temporary(share)):
            return f"call {calls.fails}, error {calls.number}: something is held"
    return ""


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_whichever_call_fails_nothing_is_lost_and_the_next_try_ends_it(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    whole = Calls()
    assert placed_with(str(tmp_path / "whole"), whole) == ""
    cases = [(fails, number) for fails in range(1, whole.count + 1) for number in ERRORS]
    random.Random(SEED).shuffle(cases)
    wrong = list[str]()
    for fails, number in cases[:FAULTS]:
        folder = tmp_path / f"{fails}.{number}"
        wrong += filter(None, [placed_with(str(folder), Calls(fails, number))])
        shutil.rmtree(folder)
    done = min(FAULTS, len(cases))
    text = f"{done:,} faults in {whole.count} file calls of a group commit: 0 lost"
    record("R3 (files)", f"{text}, {len(wrong)} that the next try did not end", held=not wrong)
    assert done >= 1_000
    assert not wrong, "\n".join(wrong)
