"""Why something is not shared: links, what .potluckignore leaves out, what others do not share."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ManifestName, Spot
from potluck.engine.events import NameRefused, PathsTouched, TopEntry, TopKind, TopSeen
from potluck.engine.index.manifests import Manifests
from potluck.engine.own.ignore_file import IgnoreFile
from potluck.engine.views.asked_path import asked_path
from potluck.engine.views.unshared import EDITORS, OTHER_NAME, Unshared, why_unshared
from tests.engine.views.faces import parts_of, shared, why
from tests.engine.wire import Box
from tests.fakes.disk import path_of

RULES = b"*.tmp\n/private/\nbuild/\n"


def asked(box: Box, path: str) -> Unshared:
    parts = parts_of(box)
    return why_unshared(parts, asked_path(parts.node, path))


def words(box: Box, path: str) -> str:
    return asked(box, path).text


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


@pytest.mark.parametrize("typed", ["d1/bad\udcff", "d1/bad\\xff"])
def test_a_name_that_cannot_be_shared_is_found_as_it_is_and_as_it_is_read(typed: str) -> None:
    _, ann, _ = shared()
    refused = parts_of(ann).own_folder._findings.refused
    refused.note([NameRefused(path_of("d1"), "bad\\xff", "not valid UTF-8")])
    said = why(ann, typed)
    assert (said.path, said.known, said.state) == ("d1/bad\\xff", True, "trouble")
    assert [one.path for one in said.reasons if "not valid UTF-8" in one.text] == ["d1/bad\\xff"]
    told = ann.engine.info(typed, ann.wire.now)
    assert told.unshared == "it cannot be shared (not valid UTF-8)"
    assert told.unshared_command == "mv -iT /Shared/d1/bad* /Shared/d1/bad_"
    assert words(ann, f"{typed}/in/it") == "d1/bad\\xff cannot be shared (not valid UTF-8)"


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
    moving = asked(ben, "d1/renamed").command
    assert moving == "mv -n /Shared/d1/renamed /Shared/d2/"
    assert why(ben, "d1/renamed").unshared_command == moving
    assert ben.engine.info("d1/renamed", ben.wire.now).unshared_command == moving
    assert asked(ben, "d1/other") == Unshared(it), "no look found it, so what it is is not known"
    monkeypatch.setattr(Manifests, "head", lambda *_: None)
    assert words(ben, "d1/renamed") == "", "no list of it is here: anything may be shared there"


@pytest.mark.parametrize("name", ["x~", ".x.swp", ".~lock.a.odt#"])
def test_names_of_editors_files_are_told_wherever_they_stand(name: str) -> None:
    _, ann, ben = shared()
    bens = ManifestName.own(ben.me)
    ben.write("0", b"0")
    ann.wire.run(5.0)
    assert asked(ann, f"d1/d/{name}") == Unshared(EDITORS + OTHER_NAME)
    assert words(ann, f"d2/{name}") == words(ann, name) == EDITORS, "no other name shares it there"
    assert words(ann, f"d1/{name}/x") == "", "a folder may have any name"
    ann.engine.wiring.replica_check.changes.on_added(Spot(bens, name.encode()), None)
    assert words(ann, f"d2/{name}").startswith("it stands in the folder of d2"), "a folder"


def test_what_belongs_to_no_device_says_so_and_how_it_is_shared() -> None:
    _, ann, _ = shared()
    kinds = {"top.txt": TopKind.FILE, "photos": TopKind.FOLDER, "lnk": TopKind.LINK}
    entries = tuple(TopEntry(name, plain=True, kind=kind) for name, kind in kinds.items())
    ann.hear(TopSeen(entries, complete=True))
    nobodys = "belongs to no device of this group: it is not shared"
    assert asked(ann, "top.txt") == Unshared(f"it {nobodys}", "mv -n /Shared/top.txt /Shared/d1/")
    inside = Unshared(f"Shared/photos {nobodys}", "mv -n /Shared/photos /Shared/d1/")
    assert asked(ann, "photos/in/it") == inside
    assert words(ann, "lnk") == "it is a symbolic link, which is never shared"
    assert words(ann, "other") == ""
    assert not why(ann, "top.txt").known
    assert why(ann, "top.txt").unshared == f"it {nobodys}"
