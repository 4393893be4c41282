"""What is not shared: what is a fact and what is trouble, and what is told of it."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from potluck.core.content.paths import parse_wire_path, printable
from potluck.engine.effects import Tell
from potluck.engine.events import NameRefused
from potluck.engine.own.refused import REFUSED_MAX, RefusedNames
from potluck.engine.troubles import Trouble, TroubleKind
from tests.engine.builders import taken
from tests.engine.owntree import Own


@pytest.fixture
def own() -> Own:
    return Own()


def refused(folder: str, name: str, reason: str = "socket", *, no_file: bool = True) -> NameRefused:
    return NameRefused(parse_wire_path(folder.encode()), name, reason, no_file)


def told(own: Own) -> list[Tell]:
    return taken(own.node, Tell)


def bad(own: Own, name: str, reason: str = "bidi control", folder: str = "d1/d") -> Trouble:
    """Meet a name that cannot be shared; return the trouble."""
    RefusedNames(own.node).note([refused(folder, name, reason, no_file=False)])
    (trouble,) = own.node.troubles.of(TroubleKind.REFUSED)
    return trouble


def test_a_refused_name_is_told_once_for_each_reason(own: Own) -> None:
    names = RefusedNames(own.node)
    assert names.note([refused("d1", "x"), refused("d1", "x")]) == {"d1/x"}
    names.note([refused("d1", "x", "link")])
    assert dict(names.reasons) == {"d1/x": "link"}
    assert [tell.text for tell in told(own)] == [
        "not shared: d1/x (socket)",
        "not shared: d1/x (link)",
    ]


def test_what_was_asked_for_and_not_met_is_forgotten(own: Own) -> None:
    names = RefusedNames(own.node)
    names.note([refused("d1", "x"), refused("d1/d", "y"), refused("d1/d", "z")])
    names.forget([parse_wire_path(b"d1/d")], {"d1/d/z"})
    assert set(names.reasons) == {"d1/x", "d1/d/z"}
    names.clear()
    assert repr(names) == "<RefusedNames: 0>"


def test_the_list_of_refused_names_is_bounded(own: Own) -> None:
    names = RefusedNames(own.node)
    names.note(refused("d1", f"{number}") for number in range(REFUSED_MAX + 10))
    assert len(names.reasons) == REFUSED_MAX
    (tell,) = told(own)
    assert tell.text == f"not shared: d1/0, d1/1, d1/2 and {REFUSED_MAX - 3} more (socket)"
    names.note([refused("d1", "0", "link")])
    assert names.reasons["d1/0"] == "link"


def test_what_is_no_file_is_a_fact_and_no_trouble(own: Own) -> None:
    names = RefusedNames(own.node)
    names.note([refused("d1", "x"), refused("d1", "y", "named pipe"), refused("d1", "z")])
    assert own.node.troubles.all() == []
    (tell,) = told(own)
    assert (tell.level, tell.subject) == ("info", "d1/x")
    assert tell.text == "not shared: d1/x, d1/y and d1/z (socket and named pipe)"


def test_a_bad_name_is_trouble_until_it_is_gone_or_something_else(own: Own) -> None:
    names = RefusedNames(own.node)
    names.note([refused("d1", "a\\x0ab", "control character", no_file=False)])
    (trouble,), (tell,) = own.node.troubles.all(), told(own)
    assert (trouble.kind, trouble.subject) == (TroubleKind.REFUSED, "d1/a\\x0ab")
    assert tell.level == "warning"
    assert tell.text.endswith(f"(control character); try: {trouble.command}")
    names.note([refused("d1", "a\\x0ab", "named pipe")])
    assert own.node.troubles.all() == []
    names.note([refused("d1", "a\\x0ab", "control character", no_file=False)])
    names.forget([parse_wire_path(b"d1")], set())
    assert own.node.troubles.all() == []


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"a\nb", "a_b"),
        (b"-it's \xff\xfe", "-it's __"),
        ("\u202ewith $(x) *".encode(), "_with $(x) *"),
        (b"c\\d", "c_d"),
        (b".potluck", "renamed .potluck"),
    ],
)
def test_its_command_gives_it_a_name_that_can_be_shared(
    own: Own, tmp_path: Path, raw: bytes, name: str
) -> None:
    own.node.settings = type(own.node.settings)("d1", 1, None, folder=f"{tmp_path}/my files")
    folder = tmp_path / "my files/Shared/d1/d"
    folder.mkdir(parents=True)
    for other in (raw, b"z"):
        Path(os.fsdecode(bytes(folder) + b"/" + other)).touch()
    command = bad(own, printable(raw)).command
    subprocess.run(["sh", "-c", command], check=True, env={"LC_ALL": "C.UTF-8"})
    assert {path.name for path in folder.iterdir()} == {name, "z"}
    assert str(parse_wire_path(f"d1/d/{name}".encode())) == f"d1/d/{name}"


@pytest.mark.parametrize("reason", ["too deep", "too long"])
def test_what_stands_too_deep_is_brought_up(own: Own, reason: str) -> None:
    folder = f"{own.node.settings.folder}/Shared/d1"
    assert shlex.split(bad(own, "x y", reason).command) == [
        "mv", "-i", f"{folder}/d/x y", f"{folder}/",
    ]  # fmt: skip


def test_against_a_file_that_is_too_large_nothing_helps(own: Own) -> None:
    assert bad(own, "x", "larger than 1 PiB").command == ""
    (tell,) = told(own)
    assert tell.text == "not shared: d1/d/x (larger than 1 PiB)"
