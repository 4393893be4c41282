"""Skipping: what patterns mean, what they are about, and that nothing of it comes or is claimed."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import NOTHING, ManifestName, Spot
from potluck.core.errors import NotFound, PotluckError, Refused, UsageError
from potluck.core.wire.catalogue import ManifestAsk
from potluck.engine.effects import Fetch, Reply, Tell
from potluck.engine.events import PathsTouched
from potluck.engine.node import Node
from potluck.engine.others import skipping
from potluck.engine.others.skipping import (
    Skipping,
    is_skipped,
    shown_pattern,
    skipped_by,
    unwanted_words,
)
from potluck.engine.person_acts import GetAsked, SkipAsked
from tests.engine.builders import group, key, node
from tests.engine.index.builders import folder, place, receive, record
from tests.engine.listeners import Heard
from tests.engine.test_wiring import has, shared
from tests.fakes.disk import path_of

OTHER = key(2).device
OTHERS = ManifestName.own(OTHER)
EVERY = [record("a.iso", text="123"), folder("v"), record("v/x", text="12345"), record("w/y")]


def device() -> tuple[Node, Skipping, Heard]:
    """Device 1 of three, where nothing is of what device 2 shares."""
    here, heard = node(1), Heard()
    here.roster = group(1, 2, 3)
    receive(here.index, EVERY, 4, OTHER)
    return here, Skipping(here, heard), heard


def reason(here: Node, path: str) -> str | None:
    found = here.index.manifests.get(OTHERS, path.encode())
    assert found is not None
    return skipped_by(here, Spot(OTHERS, found.path), found)


@pytest.mark.parametrize(
    ("typed", "shown", "paths"),
    [
        ("d2/v/", "d2/v/", {"v", "v/x"}),
        ("d2/v", "d2/v", {"v", "v/x"}),
        ("./d2/v/x", "d2/v/x", {"v/x"}),
        ("/d2/", "d2/", {"a.iso", "v", "v/x", "w/y"}),
        ("d2", "d2/", {"a.iso", "v", "v/x", "w/y"}),
        ("d3/v/", "d3/v/", set()),
        ("*.iso", "*.iso", {"a.iso"}),
        ("v/", "v/", {"v", "v/x"}),
        ("*/v/", "*/v/", {"v", "v/x"}),
        ("**/x", "**/x", {"v/x"}),
    ],
)
def test_a_pattern_is_about_one_device_or_all(typed: str, shown: str, paths: set[str]) -> None:
    here, part, heard = device()
    text = part.skip([typed])
    assert text.startswith(f"Not fetched from now on: {shown}.")
    found = {one.path.decode(): reason(here, one.path.decode()) for one in EVERY}
    assert {path for path, why in found.items() if why is not None} == paths
    assert {found[path] for path in paths} <= {shown}
    assert sum(here.index.needs.skipped(OTHERS)[:2]) == len(paths)
    assert here.index.needs.missing(OTHERS) == (3, 1, 11)
    assert heard.of("on_skips_changed") == [()]
    assert part.skip([]).splitlines()[0] == f"skipped: {shown}"
    assert part.get([typed]).startswith("Fetched again, as far as it is not here: ")
    assert here.index.needs.skipped(OTHERS) == NOTHING
    assert part.skip([]) == "Nothing that others share is skipped here."


def test_the_own_folder_is_never_skipped() -> None:
    here, part, _ = device()
    mine = record("b.iso")
    here.index.manifests.put(here.own_manifest, [mine])
    part.skip(["*.iso"])
    assert skipped_by(here, Spot(here.own_manifest, mine.path), mine) is None
    assert is_skipped(here, Spot(OTHERS, b"a.iso"))
    assert not is_skipped(here, Spot(OTHERS, b"nothing.iso"))


def test_a_path_can_be_wanted_all_the_same_until_it_is_skipped_again() -> None:
    here, part, _ = device()
    part.skip(["d2/v/", "*.iso"])
    assert part.get(["d2/v/x"]) == (
        "Fetched again, as far as it is not here: d2/v/x. "
        "Skipped, and so not here: 1 file (3 B) of what is shared now."
    )
    assert part.skip([]).splitlines() == [
        "skipped: d2/v/",
        "skipped: *.iso",
        "wanted all the same: d2/v/x",
        "Skipped, and so not here: 1 file (3 B) of what is shared now.",
    ]
    part.skip(["d3/v/"])
    assert reason(here, "v/x") is None
    part.skip(["*.iso", "x"])
    assert reason(here, "v/x") == "d2/v/"
    assert "wanted" not in part.skip([])
    assert repr(part) == "<Skipping: 4 patterns>"


def test_what_is_wanted_is_forgotten_with_the_last_pattern() -> None:
    here, part, _ = device()
    part.skip(["d2/v/"])
    part.get(["d2/v"])
    part.get(["d2/v/"])
    part.skip(["d2/v/"])
    assert reason(here, "v/x") == "d2/v/"


@pytest.mark.parametrize(
    ("typed", "kind", "what"),
    [
        ("nobody/x", NotFound, "No device is called nobody."),
        ("d1/x", Refused, "d1 is the folder of this device."),
        ("[a", UsageError, "“[a” is no pattern."),
        ("", UsageError, "“” is no pattern."),
        ("x" * 1001, UsageError, None),
    ],
)
def test_what_is_no_pattern_is_refused(
    typed: str, kind: type[PotluckError], what: str | None
) -> None:
    _, part, heard = device()
    with pytest.raises(kind) as error:
        part.skip(["*.iso", typed])
    assert what is None or error.value.what == what
    assert error.value.cause
    assert error.value.fix
    assert heard.notes == []
    assert part.skip([]) == "Nothing that others share is skipped here."


@pytest.mark.parametrize("typed", ["d2/w/y", "*.txt", "d3/x", "d2/a.iso/b", ".."])
def test_only_what_is_skipped_can_be_had_again(typed: str) -> None:
    _, part, _ = device()
    part.skip(["*.iso"])
    with pytest.raises(NotFound) as error:
        part.get([typed])
    assert error.value.what.startswith("Nothing is skipped as ")


def test_what_is_wanted_already_is_said_to_be_that_and_when_it_may_have_gone() -> None:
    """What was removed a moment ago counts as removed only when a second look misses it."""
    _, part, _ = device()
    shared = next(iter(part._node.index.manifests.listing(part._others()[0], b"", 1)))
    with pytest.raises(NotFound) as error:
        part.get([f"d2/{shared.path.decode()}"])
    assert "it is wanted here already; what was removed counts as that after ten seconds" in (
        error.value.cause
    )
    part.skip(["d2/*.iso"])
    assert "no pattern is called so" in part._not_skipped("d2/a.iso").cause, "it stands here yet"
    with pytest.raises(NotFound) as error:
        part.get(["d2/never"])
    assert "no pattern is called so" in error.value.cause


def test_there_are_only_so_many_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skipping, "SKIPS_MAX", 2)
    _, part, _ = device()
    part.skip(["d2/v/", "*.iso"])
    for many in (part.skip, part.get):
        with pytest.raises(Refused, match="more than 2 patterns"):
            many(["d2/v/x"])


def test_a_pattern_goes_on_counting_under_another_name() -> None:
    here, _, _ = device()
    assert shown_pattern(here, OTHER, "/v/") == "d2/v/"
    assert shown_pattern(here, b"", "/v/") == "*/v/"


# -- whole devices ---------------------------------------------------------------------------------
def test_what_is_skipped_is_not_fetched_nor_claimed_and_comes_when_it_is_wanted() -> None:
    wire, ann, ben = shared()
    ben.hear(SkipAsked(1, ("*.iso",)))
    ann.write("x.iso", b"large")
    ann.write("y", b"small")
    assert wire.run(5.0, lambda: has(ben, b"small"))
    wire.run(5.0)
    assert not has(ben, b"large")
    state = ben.engine.wiring.viewer.state()
    assert (state.synced, state.need_files, state.skipped_files) == (True, 0, 1)
    said = ann.engine.node.peers[ben.me].kept[ManifestName.own(ann.me)]
    assert (said.missing_files, said.skipped_files) == (1, 1)
    assert (said.missing_bytes, said.skipped_bytes) == (5, 5)
    ben.crash()
    again = wire.again(ben)
    wire.run(8.0)
    assert not has(again, b"large")
    again.hear(GetAsked(2, ("d1/x.iso",)))
    assert wire.run(5.0, lambda: has(again, b"large"))
    assert [reply.ok for reply in again.asked_for(Reply)] == [True]
    wire.run(3.0)
    said = ann.engine.node.peers[again.me].kept[ManifestName.own(ann.me)]
    assert (said.missing_files, said.skipped_files) == (0, 0)


def test_what_stands_stays_and_what_is_deleted_here_does_not_come_back() -> None:
    wire, ann, ben = shared()
    ben.hear(SkipAsked(1, ("d1/a",)))
    wire.run(3.0)
    assert has(ben, b"hello")
    at = wire.now
    ann.write("a", b"newer")
    wire.run(5.0)
    assert has(ben, b"hello")
    assert not has(ben, b"newer")
    del ben.disk[path_of("d1/a")]
    ben.hear(PathsTouched((path_of("d1/a"),), overflow=False))
    wire.run(15.0)
    assert path_of("d1/a") not in ben.disk
    assert ben.index.places.get(ManifestName.own(ann.me), b"a") is None
    codes = [tell.code for tell in ben.asked_for(Tell, at)]
    assert not {"deleted_here", "files_missing"}.intersection(codes)
    fetched = [one.ask for one in ben.asked_for(Fetch, at)]
    assert [ask for ask in fetched if not isinstance(ask, ManifestAsk)] == []


# -- kept, and removed -----------------------------------------------------------------------------
def test_what_is_kept_comes_though_a_pattern_before_skips_it() -> None:
    here, part, heard = device()
    part.skip(["d2/*"])
    text = part.keep(["d2/v/"])
    assert text.startswith("Kept, though a pattern before skips it: d2/v/. Skipped, and so not")
    assert [reason(here, one) for one in ("a.iso", "v", "v/x", "w/y")] == [
        "d2/*",
        None,
        None,
        "d2/*",
    ]
    assert here.index.needs.skipped(OTHERS)[:2] == (2, 0)
    assert part.keep([]).splitlines()[:2] == ["skipped: d2/*", "kept all the same: d2/v/"]
    assert len(heard.of("on_skips_changed")) == 2
    part.skip(["d2/v/"])
    assert part.skip([]).splitlines()[:2] == ["skipped: d2/*", "skipped: d2/v/"]
    part.keep(["d2/v/"])
    part.skip(["d2/*"])
    assert reason(here, "v/x") == "d2/*", "the last word counts"
    part.keep(["d2/*"])
    assert part.skip([]) == "Nothing that others share is skipped here."


def test_what_is_kept_in_a_skipped_folder_comes_with_its_folder() -> None:
    here, part, _ = device()
    part.skip(["d2/"])
    part.keep(["x"])
    marks = {one.path: here.index.needs.is_skipped(OTHERS, one.path) for one in EVERY}
    assert marks == {b"a.iso": True, b"v": False, b"v/x": False, b"w/y": True}
    folder_of = here.index.manifests.get(OTHERS, b"v")
    assert folder_of is not None
    assert unwanted_words(here, Spot(OTHERS, b"v"), folder_of) is None


def test_without_anything_skipped_all_is_kept_already() -> None:
    _, part, heard = device()
    assert part.keep(["d2/v/"]) == (
        "No pattern is skipped here, so all is kept already. "
        "Skipped, and so not here: nothing of what is shared now."
    )
    assert heard.of("on_skips_changed") == []
    assert part.keep([]) == "Nothing that others share is skipped here."


def test_what_was_removed_here_is_listed_and_wanted_again_by_its_path() -> None:
    here, part, heard = device()
    odd = [record(f"[{number:02}", text="1") for number in range(22)]
    receive(here.index, [*EVERY, *odd], 30, OTHER)
    here.index.unwanted.add(OTHERS, [b"v/x", *(one.path for one in odd)])
    here.index.needs.judge_skips(OTHERS)
    lines = part.skip([]).splitlines()
    assert (lines[0], len(lines)) == ("removed here: “d2/[00”", 22)
    assert lines[-2] == "removed here: 3 more"
    assert part.get(["d2/[00"]).startswith("Fetched again, as far as it is not here: “d2/[00”.")
    with pytest.raises(UsageError):
        part.get(["d2/[00"])
    assert not here.index.unwanted.has(OTHERS, b"[00")
    part.skip(["d2/v/"])
    part.get(["d2/v/x"])
    assert here.index.needs.is_skipped(OTHERS, b"v/x") is False
    assert "wanted all the same: d2/v/x" in part.skip([])
    part.get(["d2"])
    assert here.index.unwanted.first(OTHERS, 9) == []
    assert len(heard.of("on_skips_changed")) == 5
    with pytest.raises(NotFound):
        part.get(["d2"])


def test_what_a_pattern_skips_is_called_by_it() -> None:
    here, part, _ = device()
    part.skip(["*.iso"])
    iso = here.index.manifests.get(OTHERS, b"a.iso")
    assert iso is not None
    said = "it is not here as it is shared: *.iso is skipped here"
    assert unwanted_words(here, Spot(OTHERS, iso.path), iso) == said


def test_what_was_removed_here_and_what_stands_is_told_apart() -> None:
    here, part, _ = device()
    part.skip(["*.iso"])
    here.index.unwanted.add(OTHERS, [b"w/y"])
    here.index.needs.judge_skips(OTHERS)
    removed = here.index.manifests.get(OTHERS, b"w/y")
    assert removed is not None
    gone = Spot(OTHERS, removed.path)
    assert unwanted_words(here, gone, removed) == "it was removed here, and is not fetched again"
    assert is_skipped(here, gone)
    here.index.places.put(OTHERS, [place(EVERY[0]), place(EVERY[2])])
    assert is_skipped(here, Spot(OTHERS, b"a.iso")), "a pattern fits what stands as well"
    assert not is_skipped(here, Spot(OTHERS, b"v/x"))
