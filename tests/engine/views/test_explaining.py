"""Explaining: the answers to `why` and `info` as a whole."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ManifestName, Spot
from potluck.core.wire.catalogue import Holding
from potluck.engine.events import OrderId, PathsTouched, ShareSeen
from potluck.engine.others import forked_heads
from potluck.engine.own.covered import Questioned
from potluck.engine.person_acts import SkipAsked
from potluck.engine.troubles import Trouble, TroubleKind
from potluck.engine.views import asked_path, explaining
from potluck.engine.views.path_values import CopyCount, CopyView, InfoView
from tests.engine.index.builders import place, record
from tests.engine.views.faces import hanging, held, parts_of, shared, shown, why
from tests.engine.wire import Box
from tests.fakes.disk import path_of


def seq_of(box: Box) -> tuple[int, int]:
    head = box.index.manifests.head(ManifestName.own(box.me))
    assert head is not None
    return head.generation, head.seq


def info(box: Box, path: str) -> InfoView:
    return box.engine.info(path, box.wire.now)


def test_everything_and_each_path_is_in_sync_at_rest() -> None:
    _, ann, ben = shared()
    for box, path, words in [
        (ann, "", "everything that the others share is here"),
        (ann, "d1", "it is shared, and on every other device that is here"),
        (ben, "d1/0", "it stands here as d1 shares it"),
    ]:
        said = why(box, path)
        assert (said.path, said.known, said.in_sync, said.state) == (path, True, True, "in_sync")
        assert said.text.startswith(words)
        assert (said.reasons, said.more) == ([], 0)
    assert repr(ann.engine.wiring.explaining) == "<Explaining d1>"


def test_what_lacks_is_busy_and_what_is_wrong_is_trouble() -> None:
    _, _, ben, _ = hanging()
    said = why(ben, "d1/more")
    assert (said.known, said.in_sync, said.state, said.text) == (True, False, "busy", "")
    assert [one.kind for one in said.reasons] == ["downloading"]
    trouble = Trouble(TroubleKind.COVERED, "d1", "hidden", "", ben.wire.now, None)
    ben.engine.node.troubles.note(trouble)
    said = why(ben, "d1/more")
    assert (said.state, [one.kind for one in said.reasons]) == (
        "trouble",
        ["trouble", "downloading"],
    )


def test_only_so_many_reasons_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    _, ann, _ = shared()
    for number in range(3):
        trouble = Trouble(TroubleKind.REFUSED, f"d1/{number}", f"no {number}", "", 0.0, None)
        ann.engine.node.troubles.note(trouble)
    monkeypatch.setattr(explaining, "REASONS_MAX", 2)
    assert (len(why(ann).reasons), why(ann).more) == (2, 1)


@pytest.mark.parametrize("path", ["d1/nothing", "nobody/x", "nobody", "d1/../x", "d1/0/x"])
def test_of_what_there_is_not_nothing_is_known(path: str) -> None:
    _, ann, ben = shared()
    for box in (ann, ben):
        assert not why(box, path).known
        assert not why(box, path).in_sync
        unshared, command = why(box, path).unshared, why(box, path).unshared_command
        unknown = InfoView(path, known=False, unshared=unshared, unshared_command=command)
        assert info(box, path) == unknown
    ann.hear(ShareSeen(present=False, reason="missing"))
    assert not why(ann, path).known, "that the share is offline says nothing of it"


def test_what_is_not_shared_and_why_is_known() -> None:
    _, ann, _ = shared()
    trouble = Trouble(TroubleKind.REFUSED, "d1/odd", "cannot be shared", "", 0.0, None)
    ann.engine.node.troubles.note(trouble)
    said = why(ann, "d1/odd")
    assert (said.known, said.state) == (True, "trouble")


def test_what_stands_and_an_empty_folder_are_known() -> None:
    wire, ann, ben = shared()
    name = ManifestName.own(ann.me)
    ben.index.places.put(name, [place(record("kept"))])
    assert why(ben, "d1/kept").known
    ann.tree.folders.add(path_of("d1/hollow"))
    ann.hear(PathsTouched((path_of("d1/hollow"),), overflow=False))
    assert wire.run(5.0, lambda: why(ben, "d1/hollow").known)
    wire.run(3.0)
    assert why(ben, "d1/hollow").in_sync
    assert (info(ann, "d1/hollow").kind, info(ann, "d1/hollow").on) == ("folder", 2)
    holding = Holding(*name, *seq_of(ann), 1, 5, 0)
    ann.engine.node.peer(ben.me).kept[name] = holding
    (copy,) = info(ann, "d1/hollow").copies
    assert copy.known == "unknown", "one file lacks: that is not this folder, or it is"


def test_a_file_on_both_is_safe_to_remove() -> None:
    _, ann, ben = shared()
    said = info(ann, "d1/0")
    assert (said.kind, said.owner, said.mine, said.size, said.files) == ("file", "d1", True, 5, 1)
    assert (said.here, said.on, said.devices, said.safe) == (True, 2, 2, True)
    assert said.copies == [CopyView("d2", "all", "", "")]
    assert said.safe_why == "d2 has it now, by what was said last"
    assert len(said.root) == 16
    other = info(ben, "d1/0")
    assert (other.mine, other.on, other.mtime_ns) == (False, 2, said.mtime_ns)


def test_a_whole_folder_is_summed_up() -> None:
    _, ann, _ = shared(3)
    said = info(ann, "d1")
    assert (said.kind, said.files, said.size, said.root, said.mtime_ns) == (
        "folder",
        3,
        15,
        "",
        None,
    )
    assert said.safe


def test_of_what_is_not_as_it_is_shared_it_is_said_whether_anything_stands() -> None:
    _, ann, ben, spot = hanging()
    assert info(ben, "d1/more").stands is False
    assert info(ben, "d1").stands is info(ben, "d1/0").stands is True
    ben.index.places.put(spot.manifest, [place(record("more"))])
    assert (info(ben, "d1/more").here, info(ben, "d1/more").stands) == (False, True), "an edit"
    ann.hear(ShareSeen(present=False, reason="missing"))
    assert info(ann, "d1/0").stands is None


def test_what_lacks_here_is_not_here_and_not_safe() -> None:
    _, ann, ben, _ = hanging()
    said = info(ben, "d1/more")
    assert (said.here, said.on, said.safe) == (False, 1, False)
    sent = info(ann, "d1/more")
    assert (sent.here, sent.on, sent.safe) == (True, 1, False)
    assert sent.copies[0].known == "unknown"
    assert sent.safe_why == "no other device is known to have it now"


def test_of_who_is_away_the_last_word_is_told_and_counts_nothing() -> None:
    wire, ann, ben = shared()
    ben.crash()
    wire.run(5.0)
    said = info(ann, "d1/0")
    (copy,) = said.copies
    assert (copy.known, copy.last_word) == ("away", "all")
    assert (said.on, said.safe) == (1, False)


def test_what_is_offline_covered_or_not_found_is_not_here() -> None:
    _, ann, ben = shared()
    parts = parts_of(ann)
    covered = parts.own_folder.covered
    covered._points[b""] = Questioned({b"d/x", b"0"}, OrderId(1), {})
    assert not info(ann, "d1/0").here
    assert not info(ann, "d1").here
    assert covered.hides_below(b"d")
    assert not covered.hides_below(b"e")
    covered._points.clear()
    parts_of(ben).replica_check.missing._put_off(
        ManifestName.own(ann.me), {Spot(ManifestName.own(ann.me), b"0"): place(record("0"))}
    )
    assert not info(ben, "d1/0").here
    ann.hear(ShareSeen(present=False, reason="missing"))
    assert not info(ann, "d1/0").here


def test_what_changed_and_is_not_told_yet_is_not_safe() -> None:
    _, ann, _ = shared()
    parts_of(ann).own_folder.reading.begin([(parts_of(ann).own_folder.top.child("0"), 1)])
    said = info(ann, "d1/0")
    assert (said.safe, said.safe_why) == (False, "something about it is still open, see why")


def test_of_who_runs_on_two_machines_nothing_is_known() -> None:
    _, ann, ben = shared()
    ben.engine.node.withheld.begin(ann.me, 1)
    (copy,) = info(ben, "d1/0").copies
    assert (copy.known, info(ben, "d1/0").safe) == ("unknown", False)
    assert "two machines" in copy.why


def test_while_others_hold_files_that_are_not_remembered_nothing_is_safe() -> None:
    _, ann, ben = shared()
    assert info(ann, "d1/0").safe
    ann.engine.node.unmerged = True
    said = info(ann, "d1/0")
    (copy,) = said.copies
    assert (copy.known, said.safe) == ("unknown", False)
    assert "does not remember" in copy.why
    assert info(ben, "d1/0").copies[0].known == "all"


def test_what_is_too_large_to_be_counted_is_not_called_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire, ann, _ = shared()
    for number in range(4):
        ann.write(f"d/{number}", b"x")
    wire.run(5.0)
    whole = info(ann, "d1/d")
    assert (whole.files, whole.counted, whole.here) == (4, True, True)
    monkeypatch.setattr(asked_path, "ROWS_MAX", 2)
    part = info(ann, "d1/d")
    assert (part.files, part.counted, part.here, part.safe) == (2, False, False, False)


def test_what_is_held_of_mine_is_not_here_and_not_in_sync() -> None:
    _, ann, _ = held(by_owner=True)
    for path in ("d1", "d1/f", "d1/f/5"):
        said = info(ann, path)
        assert (said.here, said.on, said.safe) == (False, 1, False), path
        assert said.copies[0].known == "all"
        assert not why(ann, path).in_sync
        assert [one.command for one in why(ann, path).reasons] == ["repair"]
    assert info(ann, "d1/f/50").safe
    assert why(ann, "d1/f/50").in_sync


def test_what_an_owner_replaced_and_is_held_says_what_to_type() -> None:
    _, _, ben = held(by_owner=False)
    for path in ("d1", "d1/f", "d1/f/5"):
        said = why(ben, path)
        assert (said.in_sync, said.state) == (False, "trouble"), path
        assert [(one.kind, one.command) for one in said.reasons] == [
            ("trouble", "confirm d1"),
            ("kept", "confirm d1"),
        ]
    assert why(ben, "d1/f/50").in_sync
    assert why(ben, "d2").in_sync


def test_of_an_owner_that_goes_on_from_elsewhere_nothing_is_known() -> None:
    _, ann, ben = shared()
    assert shown(ben)["synced"]
    pursuit = parts_of(ben).following.pursuits[ManifestName.own(ann.me)]
    forked_heads.tell(ben.engine.node, pursuit)
    said = info(ben, "d1/0")
    (copy,) = said.copies
    assert (copy.known, said.on, said.safe) == ("unknown", 1, False)
    assert copy.why == explaining.ANOTHER_STATE
    assert (why(ben, "d1/0").in_sync, why(ben, "d2").in_sync) == (False, True)
    assert not shown(ben)["synced"]


def test_copies_are_counted_as_info_counts_them() -> None:
    _, ann, _ = shared(2)
    explaining_it = ann.engine.wiring.explaining
    counts = explaining_it.copies(["d1/0", "d1", "d1/none", "nobody/x"])
    assert counts == [CopyCount(2, 2, ""), CopyCount(2, 2, ""), None, None]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asked_path, "ROWS_MAX", 0)
        assert explaining_it.copies(["d1/0"]) == [CopyCount(0, 0, "")]


def test_nobody_else_is_known_to_have_it_or_nobody_else_has_it() -> None:
    _, ann, ben = shared()
    name = ManifestName.own(ann.me)
    copies = ann.engine.wiring.explaining.copies
    ann.engine.node.peer(ben.me).kept[name] = Holding(*name, *seq_of(ann), 1, 0, 5)
    assert copies(["d1/0"]) == [CopyCount(1, 2, "only")]
    ben.engine.node.withheld.begin(ann.me, 1)
    assert ben.engine.wiring.explaining.copies(["d1/0"]) == [CopyCount(1, 2, "known")]


def test_what_is_skipped_is_neither_in_sync_nor_waited_for() -> None:
    wire, ann, ben = shared()
    ben.hear(SkipAsked(1, ("*.iso",)))
    ann.write("x.iso", b"large")
    wire.run(8.0)
    here, there = why(ben, "d1/x.iso"), why(ann, "d1/x.iso")
    for each in (here, there, why(ben), why(ann)):
        assert (each.in_sync, each.state, each.known) == (False, "in_sync", True)
    assert here.text == "nothing is waited for, but not all of it is here: some is skipped"
    assert there.text == (
        "nothing is waited for, but it is not on every device: some is skipped there"
    )
    assert why(ben, "d1/0").in_sync
    said = info(ben, "d1/x.iso")
    assert (said.here, said.skipped, said.safe) == (False, True, False)
    said = info(ann, "d1/x.iso")
    assert (said.on, said.skipped, said.safe) == (1, False, False)


def test_what_stands_here_and_its_owner_does_not_list_is_known_and_not_in_sync() -> None:
    _, ann, ben = shared()
    name = ManifestName.own(ann.me)
    ben.index.places.put(name, [place(record("kept"))])
    parts_of(ben).receiving.holds.hold(name, [b"kept"])
    said = why(ben, "d1/kept")
    assert (said.known, said.in_sync, said.state) == (True, False, "in_sync")
    assert said.text == "it stands here, and the list of d1 does not name it; it is kept"
    assert [one.text for one in said.reasons] == [
        "d1 went on without it: it is kept here, and d1 does not share it"
    ]
    assert info(ben, "d1/kept").known
    assert why(ben, "d1/0").in_sync


def test_an_own_path_whose_change_waits_is_not_said_to_be_here_as_it_is_shared() -> None:
    wire, ann, _ = shared(4)
    ann.engine.node.cloned = True
    ann.write("0", b"other")
    ann.write("n", b"new")
    ann.write("3", b"%05d" % 3)  # the same content, with another date
    ann.delete("1")
    wire.run(5.0)
    frozen = "not told yet: nothing is told to the others while two machines run with this identity"
    edited, ended, new = (info(ann, f"d1/{name}") for name in ("0", "1", "n"))
    assert (edited.here, edited.stands, edited.on, edited.devices) == (False, True, 1, 2)
    assert edited.untold == f"another content stands here (5 B), {frozen}"
    assert (ended.here, ended.stands, ended.on) == (False, False, 1)
    assert ended.untold == f"it was removed here, {frozen}"
    assert (new.known, new.mine, new.here, new.on, new.devices) == (True, True, True, 1, 2)
    assert (new.size, new.untold) == (3, f"it is new here, {frozen}")
    assert (info(ann, "d1/2").here, info(ann, "d1/2").untold) == (True, "")
    assert (info(ann, "d1/3").here, info(ann, "d1/3").untold[:22]) == (
        True,
        "it has another date he",
    )
    assert (info(ann, "d1").here, info(ann, "d1").on, info(ann, "d1").stands) == (False, 1, True)
    assert info(ann, "d1").untold.startswith("4 paths in it changed here, not told yet")
    assert not any(info(ann, f"d1/{name}").safe for name in ("0", "1", "3", "n"))
    count = ann.engine.wiring.explaining.copies(["d1/0", "d1/1", "d1/2", "d1/n"])
    assert count == [CopyCount(1, 2, ""), CopyCount(1, 2, ""), CopyCount(2, 2, ""), None]
    page = ann.engine.wiring.viewer.listing
    assert [(one.path, one.here) for one in page.page("d1", "").files] == [
        ("d1/0", False), ("d1/1", False), ("d1/2", True), ("d1/3", True),
    ]  # fmt: skip
    assert [one.here for one in page.folder("", "").entries if one.name == "d1"] == [2]
    mine = next(one for one in shown(ann)["devices"] if one["me"])
    assert (mine["have_files"], mine["need_files"], mine["need_bytes"]) == (2, 2, 10)
