"""When a file that nobody closes may be shared: with a clock of its own and real files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.watching import stillness as module
from potluck.shells.disk.watching.growing import APPEND_QUIET_S, GrowingFiles
from potluck.shells.disk.watching.stillness import (
    BEGUN_BYTES,
    RESTLESS_BYTES_S,
    UNCLOSED_S,
    Stillness,
)


def at(name: str) -> SafePath:
    return parse_wire_path(f"me/{name}".encode())


def append(path: Path, data: bytes = b"more") -> None:
    with path.open("ab") as file:
        file.write(data)


@pytest.fixture(autouse=True)
def somebody_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is open somewhere, as far as anybody knows."""
    monkeypatch.setattr(module, "nobody_writes", lambda _share, _path: False)


@pytest.mark.parametrize("made", [False, True])
def test_what_nobody_has_open_comes_out_at_once(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch, *, made: bool
) -> None:
    for name in ("open", "closed"):
        (own / name).touch()
    monkeypatch.setattr(module, "nobody_writes", lambda _share, path: path == at("closed"))
    table = Stillness(share)
    table.written(at("closed"), 0.0, made=made)
    table.written(at("open"), 0.0, made=made)
    assert table.rested(0.0) == [at("closed")]
    assert at("open") in table


def test_nothing_waits_for_nothing(share: Share) -> None:
    table = Stillness(share)
    assert table.wait_s(0.0) is None
    assert table.rested(0.0) == []
    assert at("file") not in table


def test_a_file_that_nobody_closes_comes_out_after_half_a_minute(share: Share, own: Path) -> None:
    (own / "log").write_bytes(b"x")
    table = Stillness(share)
    table.written(at("log"), 10.0)
    assert repr(table) == f"Stillness(1 files, 1 fresh, {GrowingFiles(lambda _: None)!r})"
    assert table.rested(10.0) == []
    assert at("log") in table
    assert table.wait_s(10.0) == UNCLOSED_S
    table.written(at("log"), 12.0)
    assert table.rested(10.0 + UNCLOSED_S - 0.1) == []
    assert table.rested(10.0 + UNCLOSED_S) == [at("log")]
    assert at("log") not in table
    assert table.rested(99.0) == []


def test_a_closed_file_is_not_waited_for(share: Share, own: Path) -> None:
    (own / "file").touch()
    table = Stillness(share)
    table.written(at("file"), 0.0)
    assert table.closed(at("file"), 0.0)
    assert table.wait_s(0.0) is None
    assert table.rested(99.0) == []
    table.written(at("file"), 100.0)
    table.gone(at("file"))
    assert table.rested(199.0) == []


def test_the_first_that_was_written_is_asked_how_long(share: Share, own: Path) -> None:
    for name in ("a", "b"):
        (own / name).touch()
    table = Stillness(share)
    table.written(at("a"), 0.0)
    table.written(at("b"), 0.2)
    table.written(at("a"), 0.5)
    assert table.wait_s(0.5) == UNCLOSED_S - 0.5
    assert table.wait_s(77.0) == 0.0
    assert table.rested(0.5) == []
    assert table.rested(UNCLOSED_S) == [at("a")]
    assert table.rested(0.2 + UNCLOSED_S) == [at("b")]


# -- files that are closed again and again ---------------------------------------------------------
def test_a_file_that_grows_with_each_close_is_held_and_released(share: Share, own: Path) -> None:
    table = Stillness(share)
    told = []
    for now in range(5):
        append(own / "log")
        told.append(table.closed(at("log"), float(now)))
    assert told == [True, True, True, False, False]
    assert at("log") in table
    assert table.being_written(4.0, lambda _: True) == (at("log"),)
    assert table.being_written(4.0, lambda _: False) == ()
    assert table.wait_s(4.0) == APPEND_QUIET_S
    assert table.release() == [at("log")]
    append(own / "log")
    assert not table.closed(at("log"), 5.0)
    table.written(at("other"), 5.0)
    assert table.rested(5.0 + APPEND_QUIET_S) == [at("other"), at("log")]
    assert table.being_written(10.0, lambda _: True) == ()


def test_a_new_hard_link_comes_out_at_once(share: Share, own: Path) -> None:
    (own / "one").write_bytes(b"x")
    os.link(own / "one", own / "two")
    table = Stillness(share)
    table.written(at("two"), 0.0, made=True)
    assert table.rested(0.0) == [at("two")]
    assert table.wait_s(0.0) is None


def test_a_hard_link_that_is_being_written_does_not(share: Share, own: Path) -> None:
    (own / "one").write_bytes(b"x")
    os.link(own / "one", own / "two")
    table = Stillness(share)
    table.written(at("two"), 0.0, made=True)
    table.written(at("two"), 0.0)
    assert table.rested(0.0) == []


def test_what_is_no_file_or_gone_comes_out_at_once(share: Share, own: Path) -> None:
    os.mkfifo(own / "pipe")
    (own / "link").symlink_to("pipe")
    names = ["pipe", "link", "gone", "no folder/file"]
    table = Stillness(share)
    for name in names:
        table.written(at(name), 0.0, made=True)
    assert table.rested(0.0) == [at(name) for name in names]


def test_a_disk_that_says_no_hides_no_file(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_args: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(module, "stat_at", failing)
    table = Stillness(share)
    table.written(at("file"), 0.0)
    assert table.rested(0.0) == [at("file")]


def test_a_file_that_vanishes_while_it_is_waited_for_comes_out(share: Share, own: Path) -> None:
    (own / "file").touch()
    table = Stillness(share)
    table.written(at("file"), 0.0)
    assert table.rested(0.0) == []
    (own / "file").unlink()
    assert table.rested(UNCLOSED_S) == [at("file")]


def test_the_table_is_bounded(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNCLOSED_MOST", 2)
    table = Stillness(share)
    table.written(at("a"), 0.0)
    assert not table.is_full
    table.written(at("b"), 0.0)
    assert table.is_full


# -- files that never rest -------------------------------------------------------------------------
def test_a_log_comes_out_every_half_minute(share: Share, own: Path) -> None:
    (own / "log").write_bytes(b"x")
    table, out, now = Stillness(share), list[float](), 0.0
    while now <= 2 * UNCLOSED_S + 1.0:
        append(own / "log")
        table.written(at("log"), now)
        out += [now for _ in table.rested(now)]
        now += 0.25
    assert out == [UNCLOSED_S, 2 * UNCLOSED_S + 0.25]
    assert table.restless == ()


@pytest.mark.parametrize("stalls", [False, True])
def test_a_download_waits_until_closed_or_stalled(share: Share, own: Path, *, stalls: bool) -> None:
    table, out, now = Stillness(share), list[float](), 0.0
    for second in range(100):
        append(own / "film", bytes(100_000))
        table.written(at("film"), float(second), made=not second)
        out += [now for _ in table.rested(float(second))]
    assert (out, table.restless) == ([], (at("film"),))
    if stalls:
        assert table.rested(99.0 + UNCLOSED_S - 0.1) == []
        assert table.rested(99.0 + 2 * UNCLOSED_S) == [at("film")]
    else:
        assert table.closed(at("film"), 100.0)
    assert table.restless == ()


def test_a_log_that_was_long_before_comes_out_however_fast_it_grows(
    share: Share, own: Path
) -> None:
    (own / "log").write_bytes(bytes(BEGUN_BYTES + 1))
    table, out = Stillness(share), list[float]()
    for second in range(int(UNCLOSED_S) + 1):
        table.written(at("log"), float(second))
        out += [float(second) for _ in table.rested(float(second))]
        append(own / "log", bytes(100_000))
    assert out == [UNCLOSED_S]


def test_a_large_file_waits_in_proportion_and_is_restless_meanwhile(
    share: Share, own: Path
) -> None:
    size = int(RESTLESS_BYTES_S * 2.5 * UNCLOSED_S)
    with (own / "film").open("wb") as file:
        file.truncate(size)
    table, out, now = Stillness(share), list[tuple[float, SafePath]](), 0.0
    while now <= 3 * UNCLOSED_S:
        table.written(at("film"), now)
        out += [(now, path) for path in table.rested(now)]
        if now == 2 * UNCLOSED_S:
            assert table.restless == (at("film"),)
        now += 0.5
    assert out == [(3 * UNCLOSED_S, at("film"))]
    assert table.restless == ()


def test_a_restless_file_that_is_closed_rests_or_goes_is_restless_no_more(
    share: Share, own: Path
) -> None:
    for name in ("closed", "resting", "gone"):
        with (own / name).open("wb") as file:
            file.truncate(int(RESTLESS_BYTES_S * 10 * UNCLOSED_S))
    table = Stillness(share)
    for name in ("closed", "resting", "gone"):
        table.written(at(name), 0.0)
    table.rested(0.0)
    for name in ("closed", "resting", "gone"):
        table.written(at(name), UNCLOSED_S - 0.1)
    assert table.rested(UNCLOSED_S) == []
    assert list(table.restless) == [at("closed"), at("gone"), at("resting")]
    assert table.closed(at("closed"), UNCLOSED_S)
    assert list(table.restless) == [at("gone"), at("resting")]
    (own / "gone").unlink()
    assert table.rested(2 * UNCLOSED_S) == [at("resting"), at("gone")]
    assert list(table.restless) == []
