"""When a file that nobody closes may be shared: with a clock of its own and real files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from potluck.core import limits
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.watching import stillness as module
from potluck.shells.disk.watching.stillness import RESTLESS_BYTES_S, RESTLESS_S, Stillness

STILL_S = limits.STILL_S


def at(name: str) -> SafePath:
    return parse_wire_path(f"me/{name}".encode())


def append(path: Path, data: bytes = b"more") -> None:
    with path.open("ab") as file:
        file.write(data)


def test_nothing_waits_for_nothing(share: Share) -> None:
    table = Stillness(share)
    assert table.wait_s(0.0) is None
    assert table.rested(0.0) == []
    assert at("file") not in table


def test_a_file_comes_out_once_it_was_still_long_enough(share: Share, own: Path) -> None:
    (own / "log").write_bytes(b"x")
    table = Stillness(share)
    table.written(at("log"), 10.0)
    assert repr(table) == "Stillness(1 files, 1 of them fresh)"
    assert table.rested(10.0) == []
    assert at("log") in table
    assert table.wait_s(10.0) == STILL_S
    assert table.rested(10.0 + STILL_S / 2) == []
    assert table.rested(10.0 + STILL_S) == [at("log")]
    assert at("log") not in table
    assert table.rested(99.0) == []


def test_every_write_starts_the_wait_again(share: Share, own: Path) -> None:
    (own / "log").write_bytes(b"x")
    table = Stillness(share)
    for now in (0.0, 0.9, 1.8):
        append(own / "log")
        table.written(at("log"), now)
        assert table.rested(now) == []
    assert table.rested(1.8 + STILL_S) == [at("log")]


def test_a_change_that_was_not_told_starts_the_wait_again(share: Share, own: Path) -> None:
    (own / "mapped").write_bytes(b"x")
    table = Stillness(share)
    table.written(at("mapped"), 0.0)
    assert table.rested(0.0) == []
    append(own / "mapped")
    assert table.rested(STILL_S) == []
    assert table.wait_s(STILL_S) == STILL_S
    assert table.rested(2 * STILL_S) == [at("mapped")]


def test_a_closed_file_is_not_waited_for(share: Share, own: Path) -> None:
    (own / "file").touch()
    table = Stillness(share)
    table.written(at("file"), 0.0)
    table.closed(at("file"))
    table.closed(at("file"))
    assert table.wait_s(0.0) is None
    assert table.rested(9.0) == []


def test_the_first_that_may_rest_is_asked_how_long(share: Share, own: Path) -> None:
    for name in ("a", "b"):
        (own / name).touch()
    table = Stillness(share)
    table.written(at("a"), 0.0)
    table.written(at("b"), 0.2)
    table.written(at("a"), 0.5)
    assert table.wait_s(0.5) == pytest.approx(STILL_S - 0.3)
    assert table.wait_s(77.0) == 0.0
    assert table.rested(0.5) == []
    assert table.rested(0.2 + STILL_S) == [at("b")]
    assert table.rested(0.5 + STILL_S) == [at("a")]


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
    assert table.rested(STILL_S) == [at("file")]


def test_the_table_is_bounded(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNCLOSED_MOST", 2)
    table = Stillness(share)
    table.written(at("a"), 0.0)
    assert not table.is_full
    table.written(at("b"), 0.0)
    assert table.is_full


# -- files that never rest -------------------------------------------------------------------------
def test_a_file_written_without_pause_comes_out_every_half_minute(share: Share, own: Path) -> None:
    (own / "log").write_bytes(b"x")
    table, out, now = Stillness(share), list[float](), 0.0
    while now <= 2 * RESTLESS_S + 1.0:
        append(own / "log")
        table.written(at("log"), now)
        out += [now for _ in table.rested(now)]
        now += 0.25
    assert out == [RESTLESS_S, 2 * RESTLESS_S + 0.25]
    assert table.restless == ()


def test_its_time_is_waited_for_even_if_no_write_comes_then(share: Share, own: Path) -> None:
    (own / "log").write_bytes(b"x")
    table = Stillness(share)
    table.written(at("log"), 0.0)
    table.written(at("log"), RESTLESS_S - 0.5)
    assert table.wait_s(RESTLESS_S - 0.5) == 0.5
    assert table.rested(RESTLESS_S) == [at("log")]
    assert table.wait_s(RESTLESS_S) is None


def test_a_large_file_waits_in_proportion_and_is_restless_meanwhile(
    share: Share, own: Path
) -> None:
    size = int(RESTLESS_BYTES_S * 2.5 * RESTLESS_S)
    with (own / "film").open("wb") as file:
        file.truncate(size)
    (own / "small").write_bytes(b"x")
    table, out, now = Stillness(share), list[tuple[float, SafePath]](), 0.0
    while now <= 3 * RESTLESS_S:
        table.written(at("film"), now)
        out += [(now, path) for path in table.rested(now)]
        if now == 2 * RESTLESS_S:
            assert table.restless == (at("film"),)
        now += 0.5
    assert out == [(3 * RESTLESS_S, at("film"))]
    assert table.restless == ()


def test_a_restless_file_that_is_closed_rests_or_goes_is_restless_no_more(
    share: Share, own: Path
) -> None:
    for name in ("closed", "resting", "gone"):
        with (own / name).open("wb") as file:
            file.truncate(int(RESTLESS_BYTES_S * 10 * RESTLESS_S))
    table = Stillness(share)
    for name in ("closed", "resting", "gone"):
        table.written(at(name), 0.0)
    table.rested(0.0)
    for name in ("closed", "resting", "gone"):
        table.written(at(name), RESTLESS_S - 0.1)
    assert table.rested(RESTLESS_S) == []
    assert list(table.restless) == [at("closed"), at("gone"), at("resting")]
    table.closed(at("closed"))
    assert list(table.restless) == [at("gone"), at("resting")]
    (own / "gone").unlink()
    assert table.rested(RESTLESS_S + STILL_S) == [at("resting"), at("gone")]
    assert list(table.restless) == []
