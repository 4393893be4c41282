"""Why, as far as it is about the own folder: what is open, what is untold, and who lacks it."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ManifestName
from potluck.core.content.knowledge import OwnWork
from potluck.core.content.pieces import Root
from potluck.core.wire.catalogue import Holding
from potluck.engine.events import RestlessSeen
from potluck.engine.own.own_folder import OwnFolder
from potluck.engine.own.publishing import Publishing
from potluck.engine.person_acts import ConfirmAsked, UndoAsked
from potluck.engine.troubles import TroubleKind
from potluck.engine.views.asked_path import asked_path
from potluck.engine.views.reasons import Reason, ReasonKind
from potluck.engine.views.why_own import OWN
from potluck.engine.wiring import Wiring
from tests.engine.builders import node
from tests.engine.index.builders import root_of
from tests.engine.views.faces import held, parts_of, shared
from tests.engine.wire import Box
from tests.fakes.disk import path_of


def said(box: Box, path: str = "") -> list[Reason]:
    box.engine.node.now = box.wire.now
    parts = parts_of(box)
    return [one for look in OWN for one in look(parts, asked_path(parts.node, path))]


def test_nothing_is_open_at_rest() -> None:
    _, ann, ben = shared()
    assert said(ann) == said(ann, "d1/0") == said(ben) == said(ann, "d2") == []


@pytest.mark.parametrize(
    ("work", "kinds"),
    [
        (OwnWork.UNSEEN, [ReasonKind.UNSEEN] * 2),
        (OwnWork.LOOKING, [ReasonKind.UNSEEN] * 2),
        (OwnWork.DOUBTED, [ReasonKind.UNSEEN] * 2),
        (OwnWork.READING, [ReasonKind.READING]),  # of a file it is known whether it is read
        (OwnWork.WRITTEN, []),  # of a file it is known whether it is written
        (OwnWork.PUBLISHING, []),  # told by itself
    ],
)
def test_what_is_open_is_told_of_each_path_it_may_be_about(
    work: OwnWork, kinds: list[ReasonKind], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ann, _ = shared()
    monkeypatch.setattr(OwnFolder, "work", (work,))
    assert [one.kind for path in ("d1", "d1/0") for one in said(ann, path)] == kinds
    assert said(ann, "d2") == []
    ann.engine.node.share_present = False
    assert said(ann) == []


def test_a_list_of_mine_that_others_hold_and_i_do_not_remember_is_told() -> None:
    _, ann, _ = shared()
    ann.engine.node.unmerged = True
    (one,) = said(ann, "d1/0")
    assert (one.kind, one.text) == (ReasonKind.UNSEEN, OwnWork.MERGING.value)


def test_a_file_that_is_being_written_is_not_said_to_be_in_sync() -> None:
    _, ann, _ = shared()
    log, film = path_of("d1/d/log"), path_of("d1/d/film")
    ann.hear(RestlessSeen((film,), writing=(film, log)))
    (one,) = said(ann, "d1/d/log")
    assert one.kind is ReasonKind.READING
    assert one.text == "it is still being written: it is shared as it was before, if it was"
    assert [one.text for one in said(ann, "d1/d")] == ["files in it are still being written"]
    assert said(ann, "d1/0") == said(ann, "d1") == said(ann, "d2/x") == said(ann, "d1/d/film") == []
    ann.hear(RestlessSeen(()))
    assert said(ann, "d1/d/log") == []


def test_a_file_that_is_being_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    _, ann, _ = shared()
    monkeypatch.setattr(OwnFolder, "work", ())
    reading = parts_of(ann).own_folder.reading
    reading.begin([(path_of("d1/d/a"), 1)])
    assert [one.text for one in said(ann, "d1/d/a")] == ["it is being read"]
    assert [one.text for one in said(ann, "d1/d")] == ["files in it are being read"]
    assert said(ann, "d1/0") == said(ann, "d1") == said(ann, "d2/x") == []
    assert said(ann, "d1/..") == [], "nothing is called so"
    reading._put_off(path_of("d1/d/a"))
    reading._forget(path_of("d1/d/a"))
    (one,) = said(ann, "d1/d/a")
    assert (one.text, one.next_s) == (
        "it is to be read once more",
        ann.wire.now + 1.0,
    )


def test_what_is_in_no_list_yet_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    _, ann, _ = shared()
    monkeypatch.setattr(OwnFolder, "work", ())
    monkeypatch.setattr(Publishing, "pending", 1)
    parts = parts_of(ann)
    text = "the newest changes are about to be told to the others"
    assert [one.text for one in said(ann)] == [text]
    assert said(ann, "d1/0") == said(ann, "d2/x") == []
    parts.publishing.drop([b"0"])
    assert [one.text for one in said(ann, "d1/0")] == [text]
    ann.engine.node.cloned = True
    assert "two machines" in said(ann, "d1/0")[0].text


def test_a_folder_may_have_something_untold_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    wire, ann, _ = shared()
    ann.tree.folders.add(path_of("d1/d"))
    ann.write("d/x", b"in it")
    wire.run(5.0)
    monkeypatch.setattr(OwnFolder, "work", ())
    monkeypatch.setattr(Publishing, "pending", 1)
    assert [one.kind for one in said(ann, "d1/d")] == [ReasonKind.UNTOLD]


def keep(box: Box, other: Box, *said: int) -> None:
    """The other device says of the folder of `box`: generation, number, missing files and bytes."""
    generation, seq, files, size_bytes = said
    name = ManifestName.own(box.me)
    holding = Holding(*name, generation, seq, files, size_bytes, 0)
    box.engine.node.peer(other.me).kept[name] = holding


def test_who_lacks_it_or_may_is_told() -> None:
    wire, ann, ben = shared(2)
    keep(ann, ben, 1, 1, 1, 5)
    (one,) = said(ann, "d1/0")
    assert (one.kind, one.open) == (ReasonKind.RECEIVER_SILENT, True)
    assert one.text == "d2: it lacks 1 file (5 B) of that folder, and does not say what"
    uploads = parts_of(ann).answers.uploads
    uploads.note(ben.me, Root(root_of("x")), path_of("d1/0"), 5, 5)
    ann.engine.node.now = wire.now
    assert said(ann)[0].text.endswith("; 1 file (5 B) handed over to it now")
    uploads._uploads = {ann.me: uploads._uploads[ben.me]}
    assert not said(ann)[0].text.endswith("now")
    head = ann.index.manifests.head(ManifestName.own(ann.me))
    assert head is not None
    keep(ann, ben, head.generation, head.seq, 2, 10)
    (one,) = said(ann, "d1/0")
    assert (one.kind, one.open) == (ReasonKind.RECEIVER_LACKS, True)
    assert said(ann, "d1/nothing") == []


def test_nobody_waits_for_who_is_away_or_whose_share_is() -> None:
    wire, ann, ben = shared(2)
    ben.write("own", b"of ben")
    wire.run(5.0)
    name = ManifestName.own(ben.me)
    ann.engine.node.peer(ben.me).kept[name] = Holding(*name, 1, 1, 1, 6, 0)
    keep(ann, ben, 1, 1, 2, 10)
    (one,) = said(ann, "d1/0")
    assert (one.kind, one.open) == (ReasonKind.RECEIVER_LACKS, False)
    assert one.text.startswith("d2 lacks all that it shares; perhaps its disk is away, or ")
    ben.crash()
    wire.run(7.0)
    (one,) = said(ann, "d1/0")
    assert (one.kind, one.open) == (ReasonKind.RECEIVER_AWAY, False)
    assert one.text.startswith("d2, for 7 s: away; ")
    ann.engine.node.peers[ben.me].gone_s = None
    assert said(ann, "d1/0")[0].text.startswith("d2 is away; ")


def test_who_shares_nothing_yet_has_nothing_to_deliver() -> None:
    parts = Wiring(node(1)).explaining._parts
    asked = asked_path(parts.node, "")
    assert list(OWN[3](parts, asked)) == []


def test_who_skips_some_of_it_is_a_note() -> None:
    _, ann, ben = shared(2)
    head = ann.index.manifests.head(ManifestName.own(ann.me))
    assert head is not None
    name = ManifestName.own(ann.me)
    holding = Holding(*name, head.generation, head.seq, 1, 5, 0, 1, 5)
    ann.engine.node.peer(ben.me).kept[name] = holding
    (one,) = said(ann, "d1/0")
    assert (one.kind, one.open) == (ReasonKind.RECEIVER_SKIPS, False)
    assert one.text == "d2: it skips 1 file (5 B) of that folder, and does not say what"


def test_who_has_no_room_for_some_of_it_is_waited_for_and_says_only_how_much_that_is() -> None:
    _, ann, ben = shared(2)
    name = ManifestName.own(ann.me)
    head = ann.index.manifests.head(name)
    assert head is not None
    holding = Holding(*name, head.generation, head.seq, 1, 5, 0, no_room_files=1, no_room_bytes=5)
    ann.engine.node.peer(ben.me).kept[name] = holding
    words = "d2: it lacks 1 file (5 B) of that folder, and does not say what"
    (one,) = said(ann, "d1/0")
    assert (one.kind, one.open) == (ReasonKind.RECEIVER_SILENT, True)
    assert one.text == f"{words}; it has no room for 1 file (5 B), of which this may be one"
    (one,) = said(ann)
    assert one.text == f"{words}; it has no room for 1 file (5 B)"


def test_who_keeps_what_i_changed_says_so_with_what_to_type_there_and_here() -> None:
    wire, ann, ben = held(by_owner=False)
    (one,) = said(ann)
    assert (one.kind, one.open, one.wrong) == (ReasonKind.RECEIVER_SILENT, True, False)
    keeps = "24 files (120 B) of that folder as before, since very many were deleted or replaced"
    assert f"; it keeps {keeps} at once; if that was meant, type there: confirm d1;" in one.text
    assert "if not, here type: undo" in one.text
    assert said(ben) == [], "it is none of its own files"
    ben.crash()
    wire.run(7.0)
    (one,) = said(ann)
    assert (one.kind, one.open) == (ReasonKind.RECEIVER_AWAY, False)
    assert f"; by its last word it kept {keeps} at once; nobody waits for it" in one.text


def test_where_the_change_was_taken_back_undo_is_not_advised_nor_that_anybody_is_to_be_linked() -> (
    None
):
    wire, ann, ben = held(by_owner=False)
    ben.hear(ConfirmAsked(9, "d1"))
    wire.run(10.0)
    assert said(ann) == []
    ann.hear(UndoAsked(9))
    wire.run(10.0)
    meant = "as before, since very many were deleted or replaced at once; if that was meant, type"
    (one,) = said(ann)
    assert one.text.endswith(f"{meant} there: confirm d1")
    (trouble,) = ann.engine.node.troubles.of(TroubleKind.OLDER)
    assert trouble.reason.endswith("once that is confirmed: type there: confirm d1")
    assert trouble.command == ""
    ben.hear(ConfirmAsked(9, "d1"))
    wire.run(20.0)
    assert (said(ann), ann.engine.node.troubles.count(TroubleKind.OLDER)) == ([], 0)
