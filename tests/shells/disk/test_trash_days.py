"""The age of the trash: what was seen to pass counts, and nothing else does."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from potluck.shells.disk import trash_days as module
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.trash_days import AGE_STEP_S, TrashDays, day_now

DAY_S = 86_400


class Clock:
    """A monotonic clock."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Share]:
    with Share(str(tmp_path / "Potluck")) as share:
        yield share


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(share: Share) -> Path:
    return Path(share.folder, ".potluck", "trash.days")


def tops(share: Share) -> list[str]:
    return sorted(os.listdir(share.trash_fd))


def make(share: Share, text: str) -> None:
    path = Path(share.folder, ".potluck", "trash", text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def test_days_pass_as_the_program_runs_and_go_on(share: Share, clock: Clock, ledger: Path) -> None:
    days = TrashDays(share, clock)
    days.count()
    for _ in range(DAY_S // int(AGE_STEP_S)):
        clock.now += AGE_STEP_S
        days.count()
    assert day_now(share) == 1
    assert ledger.stat().st_mode & 0o777 == 0o600
    clock.now += 400 * DAY_S  # switched off, or another boot with another clock
    TrashDays(share, clock).count()
    clock.now = 5.0
    TrashDays(share, clock).count()
    assert (day_now(share), ledger.read_text()) == (1, f"{DAY_S}\n")
    assert "counted until 1000" in repr(TrashDays(share, lambda: 1000.0))


def test_a_step_counts_for_twice_its_length_at_most_and_never_back(
    share: Share, clock: Clock, ledger: Path
) -> None:
    days = TrashDays(share, clock)
    days.count()
    clock.now += 40 * DAY_S  # it was stopped, or the clock is none
    days.count()
    assert ledger.read_text() == f"{2 * int(AGE_STEP_S)}\n"
    clock.now = 0.0
    days.count()
    assert ledger.read_text() == f"{2 * int(AGE_STEP_S)}\n"


def test_the_trash_of_an_earlier_potluck_counts_as_come_today(share: Share, clock: Clock) -> None:
    make(share, "20250131/ann/a")
    make(share, "20250201/ann/a")
    make(share, "stray")
    TrashDays(share, clock).count()
    assert tops(share) == ["day-000000 was 20250131", "day-000000 was 20250201",
                           "day-000000 was stray"]  # fmt: skip


@pytest.mark.parametrize("lost", ["", "later", "-5", "1e9", "９", "9" * 30, None])
def test_without_a_count_that_is_ours_everything_came_today(
    share: Share, clock: Clock, ledger: Path, lost: str | None
) -> None:
    for top in ("day-000057-deleted", "day-000050-deleted", "day-000000-deleted",
                "day-000050 was x", "day-000000 was x"):  # fmt: skip
        make(share, f"{top}/ann/a")
    if lost is not None:
        ledger.write_text(lost)
    assert day_now(share) == 0
    days = TrashDays(share, clock)
    days.count()
    days.count()
    assert tops(share) == ["day-000000 was x", "day-000000 was x~2", "day-000000-deleted",
                           "day-000000-deleted.2", "day-000000-deleted.3"]  # fmt: skip


def test_a_day_that_has_not_been_yet_is_today(share: Share, clock: Clock, ledger: Path) -> None:
    ledger.write_text(f"{12 * DAY_S}\n")
    for top in ("day-999999-replaced", "day-000011-replaced", "new", "day-000099-deleted-whole.4"):
        make(share, f"{top}/ann/a")
    TrashDays(share, clock).count()
    assert tops(share) == ["day-000011-replaced", "day-000012 was new",
                           "day-000012-deleted-whole.1", "day-000012-replaced"]  # fmt: skip


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_stands_in_place_of_the_count_is_no_count(
    share: Share, clock: Clock, ledger: Path, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "elsewhere").write_text(f"{400 * DAY_S}\n")
    if kind == "link":
        ledger.symlink_to(tmp_path / "elsewhere")
    elif kind == "pipe":
        os.mkfifo(ledger)
    else:
        ledger.mkdir()
    assert day_now(share) == 0
    if kind == "folder":
        with pytest.raises(IsADirectoryError):
            TrashDays(share, clock).count()
        return
    TrashDays(share, clock).count()
    assert ledger.read_text() == "0\n"
    assert (tmp_path / "elsewhere").read_text() == f"{400 * DAY_S}\n"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_what_cannot_be_written_is_not_counted(
    share: Share, clock: Clock, ledger: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    days = TrashDays(share, clock)
    days.count()

    def fail(*_: Any) -> None:
        raise OSError(number, "no")

    with monkeypatch.context() as broken:
        broken.setattr(module, "write_all", fail)
        clock.now += AGE_STEP_S
        if number == errno.ENOSPC:
            days.count()  # others say that the disk is full
        else:
            with pytest.raises(OSError, match="no"):
                days.count()
    assert ledger.read_text() == "0\n"
    clock.now += 60
    days.count()
    assert ledger.read_text() == "60\n"


def test_a_name_that_is_taken_at_the_last_moment_is_no_trouble(
    share: Share, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(share, "old/ann/a")
    real, raced = os.rename, list[str]()

    def rename(name: str, target: str, **folders: int) -> None:
        if name == "old" and not raced:
            raced.append(target)
            make(share, f"{target}/ann/b")
        real(name, target, **folders)

    monkeypatch.setattr(os, "rename", rename)
    TrashDays(share, clock).count()
    assert tops(share) == ["day-000000 was old", "day-000000 was old~2"]


def test_what_cannot_have_its_name_is_told(
    share: Share, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(share, "old/ann/a")

    def fail(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EPERM, "immutable")

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(PermissionError):
        TrashDays(share, clock).count()
