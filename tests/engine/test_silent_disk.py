"""A silent disk: named once, among the troubles until it answers, and then that is said."""

from __future__ import annotations

from potluck.core.content.paths import parse_wire_path
from potluck.engine.effects import Tell
from potluck.engine.events import DiskSilent, Mount, MountsSeen
from potluck.engine.silent_disk import SILENCE_TOLD_S, SilentDisk
from potluck.engine.troubles import TroubleKind
from tests.engine.builders import node, taken

A, B, C = (parse_wire_path(path) for path in (b"d1/a", b"d2/b", b"d2/c"))


def told(silent: SilentDisk) -> list[Tell]:
    return taken(silent._node, Tell)


def test_it_is_told_once_and_stands_among_the_troubles_until_it_answers() -> None:
    silent = SilentDisk(node(1))
    silent._node.now = 100.0
    silent.on_silent(DiskSilent((A,), 30.2))
    (tell,) = told(silent)
    assert (tell.code, tell.level, tell.subject) == ("disk_silent", "warning", "d1/a")
    assert tell.text.startswith("d1/a: one call has not been answered for long: the disk")
    (trouble,) = silent._node.troubles.all()
    assert (trouble.kind, trouble.since_s) == (TroubleKind.SILENT, 100.0 - 30.2)
    assert trouble.command == "findmnt", "a path would be asked about, and that waits as well"
    assert trouble.wrong
    assert repr(silent) == "<SilentDisk: d1/a>"
    silent.on_silent(DiskSilent((), 0.0))
    (tell,) = told(silent)
    assert (tell.code, tell.text) == ("disk_answers", "d1/a: the disk answers again")
    assert silent._node.troubles.all() == []
    assert repr(silent) == "<SilentDisk: it answers>"


def test_of_many_that_were_asked_about_at_once_the_first_is_named_and_the_others_counted() -> None:
    silent = SilentDisk(node(1))
    silent.on_silent(DiskSilent((B, C, A), 30.0))
    (trouble,) = silent._node.troubles.all()
    assert trouble.subject == "d2/b"
    assert "for long, there or at 2 other paths: the disk" in trouble.reason


def test_what_is_on_another_disk_is_named_first() -> None:
    silent = SilentDisk(node(1))
    silent._node.mounts.on_seen(MountsSeen((Mount(C, 1),)))
    silent.on_silent(DiskSilent((A, B, C), 30.0))
    (trouble,) = silent._node.troubles.all()
    assert trouble.subject == "d2/c"


def test_of_a_look_at_the_folder_itself_the_folder_is_named() -> None:
    silent = SilentDisk(node(1))
    silent.on_silent(DiskSilent((), 30.0))
    (trouble,) = silent._node.troubles.all()
    assert trouble.subject == silent._node.settings.folder


def test_another_one_takes_the_place_of_the_first() -> None:
    silent = SilentDisk(node(1))
    silent.on_silent(DiskSilent((A,), 30.0))
    silent.on_silent(DiskSilent((B,), 40.0))
    assert [one.subject for one in silent._node.troubles.all()] == ["d2/b"]


def test_one_that_is_slow_again_and_again_is_told_of_now_and_then() -> None:
    silent = SilentDisk(node(1))
    for _ in range(20):
        silent.on_silent(DiskSilent((A,), 30.0))
        assert silent._node.troubles.count(TroubleKind.SILENT) == 1
        silent.on_silent(DiskSilent((), 0.0))
        silent._node.now += SILENCE_TOLD_S / 10
    assert [tell.code for tell in told(silent)] == ["disk_silent", "disk_answers"] * 2


def test_that_it_answers_is_said_only_of_one_that_did_not() -> None:
    silent = SilentDisk(node(1))
    silent.on_silent(DiskSilent((), 0.0))
    assert told(silent) == []
