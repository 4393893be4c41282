"""Why something is not shared: links, what .potluckignore leaves out, what others do not share."""

from __future__ import annotations

import pytest

from potluck.engine.events import PathsTouched
from potluck.engine.index.manifests import Manifests
from potluck.engine.own.ignore_file import IgnoreFile
from potluck.engine.views.asked_path import asked_path
from potluck.engine.views.unshared import unshared_words
from tests.engine.views.faces import parts_of, shared, why
from tests.engine.wire import Box
from tests.fakes.disk import path_of

RULES = b"*.tmp\n/private/\nbuild/\n"


def words(box: Box, path: str) -> str:
    parts = parts_of(box)
    return unshared_words(parts, asked_path(parts.node, path))


@pytest.mark.parametrize("kind", ["symbolic link", "socket", "device"])
def test_what_a_look_met_is_named(kind: str) -> None:
    _, ann, _ = shared()
    parts_of(ann).own_folder._findings.refused.reasons.update(
        {"d1/lnk": kind, "d1/d/ff": "named pipe", "d1/bad": "a line break in its name"}
    )
    link = f"it is a {kind}: only files and folders are shared"
    assert words(ann, "d1/lnk") == link
    assert words(ann, "d1/lnk/in/it") == f"d1/lnk{link.removeprefix('it')}"
    assert words(ann, "d1/d/ff") == "it is a named pipe: only files and folders are shared"
    assert words(ann, "d1/bad") == "it cannot be shared (a line break in its name)"
    assert words(ann, "d1/other") == words(ann, "d1") == words(ann, "") == ""
    assert words(ann, "nobody/lnk") == ""
    assert (why(ann, "d1/lnk").known, why(ann, "d1/lnk").unshared) == (False, link)
    assert ann.engine.info("d1/lnk", ann.wire.now).unshared == link
    assert why(ann, "d1/0").unshared == "", "it is shared"


def test_the_line_that_leaves_something_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    _, ann, _ = shared()
    monkeypatch.setattr(IgnoreFile, "rules", (b"[\n*.new", RULES))
    assert words(ann, "d1/a.new") == "it is left out by .potluckignore, line 2: “*.new”"
    before = "left out by “{}”, as .potluckignore said before the fault"
    assert words(ann, "d1/d/a.tmp") == f"it is {before.format('*.tmp')}"
    assert words(ann, "d1/private/x/y") == f"the folder private is {before.format('/private/')}"
    assert words(ann, "d1/d/build") == f"as a folder it is {before.format('build/')}"
    assert words(ann, "d1/d/x") == ""


def test_what_stands_in_somebody_elses_folder_is_none_of_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, _, ben = shared()
    ben.disk[path_of("d1/renamed")] = b"00000"
    ben.hear(PathsTouched((path_of("d1/renamed"),), overflow=False))
    ben.wire.run(5.0)
    it = "it stands in the folder of d1, and d1 does not share it"
    assert words(ben, "d1/renamed") == it
    assert (why(ben, "d1/renamed").known, why(ben, "d1/renamed").unshared) == (False, it)
    monkeypatch.setattr(Manifests, "head", lambda *_: None)
    assert words(ben, "d1/renamed") == "", "no list of it is here: anything may be shared there"
