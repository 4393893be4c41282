"""A watcher whose queue overflows: 20,000 files written while the program was stopped (R10).

Strategy: a real pair; the first is stopped by SIGSTOP, so the kernel keeps its events and drops
what is beyond the length of the queue; the files go into folders that are watched already, so each
gives three events or more. Guarantees: that more events happen than the queue holds is checked
first. Limits: how many scans it took cannot be seen from outside: a scan that is due anyway comes
10 min after the last, which is longer than the files may take.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.devices import until
from tests.fair_time import FairTime
from tests.figures import record
from tests.hostile.daemons import TRACEBACK, Pair, pair, within
from tests.torture.trees import contents, difference

pytestmark = [pytest.mark.full, pytest.mark.slow, pytest.mark.timeout(1200)]
FILES, FOLDERS = 20_000, 50
EVENTS_OF_A_FILE = 3  # made, written, closed
SHARED_S = 120.0
QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as devices:
        yield devices


@pytest.mark.skipif(not QUEUE.exists(), reason="inotify is of Linux")
def test_what_was_written_while_the_queue_overflowed_is_all_shared(two: Pair) -> None:
    if int(QUEUE.read_text()) >= FILES * EVENTS_OF_A_FILE:
        pytest.skip(f"the queue holds {QUEUE.read_text().strip()} events: nothing overflows")
    alder, birch = two.devices
    folders = [alder.own / f"folder {number}" for number in range(FOLDERS)]
    for folder in folders:
        (folder / "before").mkdir(parents=True)
    copy = birch.copy_of(alder)
    until(lambda: all((copy / one.name / "before").exists() for one in folders), two.said)
    old = alder.write("folder 0/deleted meanwhile", b"old")
    until((copy / "folder 0" / old.name).exists, two.said)

    os.kill(alder.process.pid, signal.SIGSTOP)
    try:
        for number in range(FILES):
            (folders[number % FOLDERS] / f"{number}.txt").write_bytes(b"file %d\n" % number)
        old.unlink()
    finally:
        os.kill(alder.process.pid, signal.SIGCONT)

    def arrived() -> bool:
        return sum(len(files) for _, _, files in os.walk(copy)) == FILES

    with FairTime() as clock:
        within(SHARED_S, arrived, two.said)
        within(SHARED_S, lambda: alder.settled() and birch.settled(), two.said)
    assert not difference(contents(alder.own), contents(copy))
    for device in two.devices:
        assert device.alive()
        assert TRACEBACK not in device.said()
    words = (
        f"{FILES} files written while stopped, and one deleted: equal {clock.spent():.1f} s later"
    )
    record("R10", words, held=True)
