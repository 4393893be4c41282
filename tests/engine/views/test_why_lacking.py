"""Why a file is not here: each state on its way has its words, and only that one."""

from __future__ import annotations

import math

import pytest

from potluck.core import limits
from potluck.core.content.facts import Hindrance, ManifestName
from potluck.core.wire.catalogue import Holding
from potluck.engine import effects
from potluck.engine.events import (
    FetchEnded,
    LinkId,
    Mount,
    MountsSeen,
    Outcome,
    PiecesVerified,
    Placed,
    Placement,
    ShareSeen,
    SpaceSeen,
)
from potluck.engine.others.hidden_files import HiddenFiles
from potluck.engine.others.progress import Progress
from potluck.engine.person_acts import SkipAsked
from potluck.engine.troubles import Trouble, TroubleKind
from potluck.engine.views import why_lacking
from potluck.engine.views.asked_path import AskedPath, asked_path
from potluck.engine.views.reasons import Reason, ReasonKind
from potluck.engine.views.why_lacking import lacking_reasons
from tests.engine.builders import group, key
from tests.engine.views.faces import hanging, held, parts_of, shared
from tests.engine.wire import Box, ring
from tests.fakes.disk import path_of

BIG = bytes(range(250)) * 2400  # 600,000 bytes: three pieces


def said(box: Box, path: str = "") -> list[Reason]:
    """Why each of the files that lack does."""
    box.engine.node.now = box.wire.now
    parts = parts_of(box)
    return list(lacking_reasons(parts, asked_path(parts.node, path)))


def one(box: Box, path: str = "") -> Reason:
    (reason,) = said(box, path)
    return reason


def end(box: Box, outcome: Outcome) -> None:
    """The order under way ends so."""
    (order,) = box.engine.wiring.downloads.orders
    box.hear(FetchEnded(order, outcome, ""))


def test_nothing_lacks_at_rest() -> None:
    _, ann, ben = shared()
    assert said(ann) == said(ben) == []


def test_a_small_file_is_on_its_way() -> None:
    _, _, ben, _ = hanging()
    reason = Reason(ReasonKind.COMING, "d1/more", "it is on its way from d1")
    assert said(ben) == [reason]
    assert said(ben, "d1/more") == said(ben, "d1") == [reason]
    assert said(ben, "d1/0") == said(ben, "d2") == []


def test_of_a_large_one_it_is_said_how_much_is_here() -> None:
    _, ann, ben, _ = hanging("film", BIG)
    assert one(ben).text == "it is on its way from d1: 0 B of 600 KB are here"
    downloads = ben.engine.wiring.downloads
    (download,) = downloads.swarm.downloads.values()
    content = ann.index.contents.get(download.root)
    assert content is not None
    downloads.swarm.on_list(content)
    (order,) = downloads.orders
    ben.hear(PiecesVerified(order, content.root, (0,), content.piece_size))
    assert one(ben).text == "it is on its way from d1: 262 KB of 600 KB are here"
    ann.crash()
    end(ben, Outcome.BROKEN)
    ben.wire.run(5.0)
    assert "d1 is away" in one(ben).text
    assert one(ben).text.endswith("; 262 KB of 600 KB are here")


def test_only_what_is_at_or_below_a_path_is_told() -> None:
    _, ann, ben, _ = hanging("d/a")
    ann.write("d/b", b"1234567")
    ann.write("e", b"12345678")
    ben.wire.run(2.0)
    assert [reason.path for reason in said(ben, "d1/d")] == ["d1/d/a", "d1/d/b"]
    assert len(said(ben)) >= 3


def test_only_so_many_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    _, ann, ben, _ = hanging()
    ann.write("other", b"1234567")
    ben.wire.run(2.0)
    monkeypatch.setattr(why_lacking, "LACKING_MAX", 1)
    assert len(said(ben)) == 1


def test_an_offline_share_fetches_nothing() -> None:
    _, _, ben, _ = hanging()
    ben.hear(ShareSeen(present=False, reason="missing"))
    assert one(ben).kind is ReasonKind.OFFLINE


def test_who_is_away_is_named() -> None:
    wire, ann, ben, _ = hanging()
    ann.crash()
    end(ben, Outcome.BROKEN)
    wire.run(5.0)
    reason = one(ben)
    assert (reason.kind, reason.open) == (ReasonKind.OWNER_AWAY, True)
    assert reason.text.startswith("d1 is away (for ")


def test_a_full_disk_is_the_reason() -> None:
    wire, ann, ben = shared()
    ben.hear(SpaceSeen(0, 2**41))
    ben.engine.node.troubles._known[TroubleKind.DISK] = {
        "writing": Trouble(TroubleKind.DISK, "writing", "fails", "", 0.0, None),
        **ben.engine.node.troubles._known[TroubleKind.DISK],
    }
    ann.write("more", b"four")
    wire.run(3.0)
    reason = one(ben)
    assert (reason.kind, reason.wrong) == (ReasonKind.NO_ROOM, True)
    assert "nothing is fetched until there is room" in reason.text
    ben.engine.node.troubles.clear_kind(TroubleKind.DISK)
    assert one(ben).kind is not ReasonKind.NO_ROOM, "no reason is made up"


def test_what_finds_no_room_beside_the_others_says_how_much_it_takes() -> None:
    _, _, ben, _ = hanging("film", BIG)
    (download,) = parts_of(ben).downloads.swarm.downloads.values()
    download.orders.clear()
    parts_of(ben).downloads.swarm.room.refused[download.root] = 608_192
    reason = one(ben)
    assert (reason.kind, reason.wrong) == (ReasonKind.NO_ROOM, True)
    assert reason.text.startswith("it takes 608 KB, which the disk of ")


def test_what_is_in_the_way_is_told_until_it_is_tried() -> None:
    wire, _, ben, spot = hanging()
    setbacks = parts_of(ben).receiving.setbacks
    path = path_of("d1/more")
    setbacks.note(
        [(spot, Placed(path, None, Placement.BLOCKED, None, "", "a folder is there"), None)]
    )
    reason = one(ben)
    assert (reason.kind, reason.text) == (ReasonKind.BLOCKED, "a folder is there")
    assert (reason.since_s, reason.next_s) == (wire.now, wire.now + limits.RETRY_S)
    assert reason.command.startswith("ls -lA ")
    setbacks.clear(spot)
    setbacks.note([(spot, Placed(path, None, Placement.SOURCE_GONE, None, "", ""), None)])
    assert one(ben).text.startswith("what it was to be made from is gone")


def test_what_another_disk_hides_is_told_with_its_point_as_long_as_that_is_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire, (ann, ben) = ring(2)
    ann.write("docs/f", b"first")
    assert wire.run(10.0, lambda: path_of("d1/docs/f") in ben.disk)
    wire.run(3.0)
    kept = ben.disk.pop(path_of("d1/docs/f"))
    ben.hear(MountsSeen((Mount(path_of("d1/docs"), 1),)))
    wire.run(10.0)
    ann.write("docs/f", b"second")
    ann.write("docs/new", b"never here")
    wire.run(10.0)
    reasons = {reason.path: reason for reason in said(ben)}
    hidden = reasons["d1/docs/f"]
    assert (hidden.kind, hidden.command) == (ReasonKind.HIDDEN, "findmnt /Shared/d1/docs")
    assert hidden.wrong
    assert hidden.text == (
        "another disk is mounted at d1/docs and hides what stands here of it: "
        "nothing is put in its place while that is so"
    )
    assert reasons["d1/docs/new"].kind is ReasonKind.BLOCKED, "it stood nowhere"
    with monkeypatch.context() as patch:
        patch.setattr(Progress, "unseen", {ManifestName.own(ann.me)})
        assert "at d1/docs and may hide what" in one(ben, "d1/docs/f").text, "nobody looked yet"
        patch.setattr(HiddenFiles, "may_hide", lambda *_: True)
        assert one(ben, "d1/docs/new").kind is ReasonKind.BLOCKED
    ben.disk[path_of("d1/docs/f")] = kept
    ben.hear(MountsSeen(()))
    assert wire.run(20.0, lambda: ben.disk[path_of("d1/docs/f")] == b"second")
    wire.run(3.0)
    assert said(ben, "d1/docs/f") == []


def test_what_is_to_be_decided_about_is_told() -> None:
    _, _, ben, spot = hanging()
    receiving = parts_of(ben).receiving
    receiving.look_again(spot)
    assert one(ben).text == "it is about to be decided what to do for it"
    receiving.pending.clear()
    receiving.catching_up.append((spot.manifest, b"zzz"))
    assert one(ben).kind is ReasonKind.COMING
    receiving.catching_up.append((spot.manifest, b""))
    assert one(ben).kind is ReasonKind.PLACING


def test_what_is_here_is_being_placed() -> None:
    wire, ann, ben = shared()
    wire.ignored = (effects.Place,)
    ann.write("more", b"four")
    assert wire.run(3.0, lambda: bool(said(ben)) and one(ben).kind is ReasonKind.PLACING)
    assert one(ben).text == "all of it is here: it is put in its place"


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome.BROKEN, "d1 was asked and the connection broke"),
        (Outcome.WRONG, "d1 sent wrong bytes"),
        (Outcome.DISK, "d1 sent it and it could not be written here"),
    ],
)
def test_who_was_asked_in_vain_is_told_with_its_answer(outcome: Outcome, words: str) -> None:
    wire, _, ben, _ = hanging()
    end(ben, outcome)
    reason = one(ben)
    assert (reason.kind, reason.text) == (ReasonKind.REFUSED, words)
    assert reason.next_s == wire.now + limits.RETRY_S


def test_what_could_not_be_written_says_why_as_the_disk_said_it() -> None:
    _, _, ben, _ = hanging()
    (order,) = ben.engine.wiring.downloads.orders
    ben.hear(FetchEnded(order, Outcome.DISK, Hindrance.READ_ONLY))
    words = "d1 sent it and it could not be written here: the file system is read-only"
    assert one(ben).text == words


NOBODY = "nobody who is here has this version: it waits until somebody who has it comes"


def test_who_did_not_bring_all_of_a_large_one_may_have_it() -> None:
    _, _, ben, _ = hanging(data=bytes(600_000))
    end(ben, Outcome.DONE)
    assert one(ben).text == "d1 did not bring all of it"


@pytest.mark.parametrize("outcome", [Outcome.GONE, Outcome.DONE])
def test_what_nobody_has_waits_until_somebody_comes_who_has_it(outcome: Outcome) -> None:
    _, _, ben, _ = hanging()
    end(ben, outcome)
    reason = one(ben)
    assert (reason.kind, reason.text, reason.next_s) == (ReasonKind.REFUSED, NOBODY, None)
    ben.engine.node.roster = group(1, 2, 3)
    assert one(ben).text == f"{NOBODY} (d3 is away)"
    ben.engine.node.roster = group(1, 2, 3, 4)
    assert one(ben).text == f"{NOBODY} (d3 and d4 are away)"


def test_who_lacks_it_is_told_beside_who_did_not_bring_it() -> None:
    _, ann, ben, _ = hanging()
    end(ben, Outcome.GONE)
    parts = parts_of(ben)
    (download,) = parts.downloads.swarm.downloads.values()
    other = key(3).device
    parts.node.roster = group(1, 2, 3)
    peer = ben.engine.node.peer(other)
    peer.link, peer.kept = LinkId(77), dict(parts.node.peers[ann.me].kept)
    name = ManifestName.own(ann.me)
    peer.kept[name] = Holding(*name, 1, 99, 0, 0, 0)
    parts.downloads.answers.note([download.root], other, Outcome.BROKEN)
    download.retry_s[other] = math.inf
    assert one(ben).text == (
        "d1 does not have it (any more); d3 was asked and the connection broke"
    )


def test_who_was_busy_is_asked_again_soon() -> None:
    _, _, ben, _ = hanging()
    end(ben, Outcome.BUSY)
    assert one(ben).text == "d1 has no room for the question just now: asked again soon"


def test_who_sent_wrong_bytes_again_and_again_is_not_asked_any_more() -> None:
    _, ann, ben, _ = hanging()
    end(ben, Outcome.WRONG)
    (download,) = parts_of(ben).downloads.swarm.downloads.values()
    download.strikes[ann.me] = limits.STRIKES
    reason = one(ben)
    assert "not asked for it any more" in reason.text
    assert reason.next_s is None


def test_an_answer_that_is_forgotten_is_not_made_up() -> None:
    _, _, ben, _ = hanging()
    end(ben, Outcome.GONE)
    parts_of(ben).downloads.answers._answers.clear()
    assert one(ben).text == "d1 could not bring it"


def test_what_nobody_was_asked_for_yet_waits_for_its_turn() -> None:
    _, _, ben, _ = hanging()
    (download,) = parts_of(ben).downloads.swarm.downloads.values()
    download.orders.clear()
    reason = one(ben)
    assert (reason.kind, reason.text) == (
        ReasonKind.QUEUED,
        "it waits for its turn: d1 can be asked for it",
    )


def test_where_nothing_is_known_that_is_said() -> None:
    _, _, ben, spot = hanging()
    parts_of(ben).downloads.release(spot)
    assert one(ben).kind is ReasonKind.NOT_KNOWN


def test_everybody_elses_folder_is_looked_at_for_everything() -> None:
    _, _, ben, _ = hanging()
    assert list(lacking_reasons(parts_of(ben), AskedPath("", None, b""))) == said(ben)


def test_what_is_held_is_told_with_what_to_type() -> None:
    _, _, ben = held(by_owner=False)
    reason = one(ben, "d1/f/5")
    assert (reason.kind, reason.command, reason.wrong) == (ReasonKind.HELD, "confirm d1", True)
    assert reason.text.startswith("d1 replaced it with very much else: what stood here stays")


def test_what_is_skipped_is_told_by_its_pattern_and_nobody_waits_for_it() -> None:
    _, _, ben, _ = hanging()
    ben.hear(SkipAsked(1, ("d1/mo*",)))
    text = "it is not here as it is shared: d1/mo* is skipped here"
    reason = Reason(ReasonKind.SKIPPED, "d1/more", text, command="get d1/more", open=False)
    assert said(ben) == said(ben, "d1/more") == [reason]
    assert said(ben, "d1/0") == []


def test_much_that_is_skipped_hides_nothing_that_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(why_lacking, "LACKING_MAX", 1)
    wire, ann, ben, _ = hanging()
    ben.hear(SkipAsked(1, ("*.iso",)))
    for number in range(3):
        ann.write(f"a{number}.iso", b"x")
    wire.run(5.0)
    assert said(ben)[0].path == "d1/more"
