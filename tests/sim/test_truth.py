"""The law of truth holds in drawn runs, and each way of saying too much is noticed.

Strategy: seeds of every profile that moves files; then a lie is built into the program, one at a
time, and the same kind of run fails. `POTLUCK_TIER=full` plays many more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from potluck.core.content import knowledge
from potluck.core.content.facts import NOTHING, Amount, ManifestName
from potluck.core.content.knowledge import CopyKnown, DeviceKnown, Knowledge, ManifestKnown
from potluck.engine.others.announcing import Announcing
from potluck.engine.others.missing_files import MissingFiles
from potluck.engine.others.progress import Progress
from potluck.engine.others.replica_check import ReplicaCheck
from potluck.engine.own.rounds import Rounds
from potluck.engine.person_acts import GetAsked
from potluck.engine.troubles import Troubles
from potluck.engine.views import picture
from potluck.engine.views.picture import Picture
from tests.fakes.disk import path_of
from tests.sim import scenarios, truth
from tests.sim.engines import RealEngines
from tests.sim.invariants import Broken
from tests.sim.network import Policy
from tests.sim.seeds import OF_TRUTH, Drawn, Tally, of_truth
from tests.sim.world import World

pytestmark = pytest.mark.sim
FULL = os.environ.get("POTLUCK_TIER", "default") != "default"
PROFILES = ("files", "mixed", "power", "tamper", "unmounted")
SEEDS = OF_TRUTH // len(PROFILES) if FULL else 3
LOOKS_OF_EACH = 40  # a short run of two has 45 a host, one of five about 100
SABOTAGED_SEEDS = 12  # in one of them at least the lie is told while it is one


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    """What was played, kept for the table at the end: it is of R6, too."""
    tally = Tally(OF_TRUTH)
    yield tally
    tally.record("the law of truth")


@pytest.mark.volume
@pytest.mark.parametrize("drawn", of_truth(PROFILES, 2000, SEEDS), ids=str)
def test_what_is_said_is_so(drawn: Drawn, tally: Tally) -> None:
    tally.play(drawn, looked_at_often)


def looked_at_often(world: World) -> None:
    law = world.judge.truth
    assert law.looks > LOOKS_OF_EACH * len(world.hosts)
    assert law.claims > 10
    assert law.synced > 10


def old_words_are_believed(patch: pytest.MonkeyPatch) -> None:
    def believing(device: DeviceKnown, manifest: ManifestKnown) -> CopyKnown:
        said = device.said.get(manifest.name)
        if not device.here or said is None:
            return CopyKnown.UNKNOWN
        return CopyKnown.LACKS if any(said.missing) else CopyKnown.ALL

    for module in (knowledge, truth):
        patch.setattr(module, "copy_known", believing)


def what_was_heard_is_ignored(patch: pytest.MonkeyPatch) -> None:
    honest = Picture.manifests

    def deaf(self: Picture) -> Iterator[ManifestKnown]:
        for one in honest(self):
            if one.held is not None:
                yield knowledge.ManifestKnown(one.name, one.held, one.held, one.whole, one.missing)

    patch.setattr(Picture, "manifests", deaf)


def what_is_missing_here_is_ignored(patch: pytest.MonkeyPatch) -> None:
    honest = Picture.knowledge

    def careless(self: Picture) -> Knowledge:
        seen = honest(self)
        manifests = tuple(
            knowledge.ManifestKnown(one.name, one.heard, one.held, one.whole, NOTHING)
            for one in seen.manifests
        )
        return Knowledge(seen.me, manifests, seen.devices, seen.own_work)

    patch.setattr(picture.Picture, "knowledge", careless)


def who_left_is_waited_for_though_it_is_here(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(knowledge, "_missed_owners", lambda known, behind: list(known.devices))
    patch.setattr(Picture, "_incoming", lambda self: knowledge.Incoming())


def nobody_else_is_a_source(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(knowledge, "_has_source", lambda known, manifest: False)
    patch.setattr(Picture, "_incoming", lambda self: knowledge.Incoming())


def nothing_is_taken_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Announcing, "on_share", lambda self: None)


def an_offline_share_counts(patch: pytest.MonkeyPatch) -> None:
    honest = Progress.lacking

    def careless(self: Progress) -> dict[ManifestName, Amount]:
        node, present = self._node, self._node.share_present
        node.share_present = True
        found = honest(self)
        node.share_present = present
        return found

    patch.setattr(Progress, "lacking", careless)


def an_owner_has_what_it_announced(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(DeviceKnown, "lacks_own", False)


@pytest.mark.parametrize(
    "lie", [nothing_is_taken_back, an_offline_share_counts, an_owner_has_what_it_announced]
)
def test_a_lie_about_a_disk_that_is_away_is_noticed(
    lie: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    lie(monkeypatch)
    with pytest.raises(Broken, match="its disk is away"):
        _play_all("unmounted")


@pytest.mark.parametrize(
    "lie",
    [
        old_words_are_believed,
        what_was_heard_is_ignored,
        what_is_missing_here_is_ignored,
        who_left_is_waited_for_though_it_is_here,
        nobody_else_is_a_source,
    ],
)
def test_a_lie_is_noticed(
    lie: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    lie(monkeypatch)
    with pytest.raises(Broken, match="truth"):
        _play_all()


def _play_all(profile: str = "mixed") -> None:
    for seed in range(SABOTAGED_SEEDS):
        scenarios.play_in(scenarios.built(seed, 3, profile), profile)


# -- folders that cannot be read -------------------------------------------------------------------
def with_a_shut_folder() -> World:
    """Two devices; the first has shared a folder that it cannot enter any more."""
    world = World(5, RealEngines(), nodes=2, policy=Policy())
    world.start()
    world.judge.settle(15.0, calm_s=1.0)
    world.faults.do(0, "write", "vault/a", b"1")
    world.faults.do(0, "write", "b", b"2")
    world.judge.settle(15.0, calm_s=1.0)
    world.faults.do(0, "shut_up", "vault")
    world.run_for(5.0)
    return world


def test_a_folder_that_cannot_be_read_is_told_and_holds_back_only_what_is_below_it() -> None:
    world = with_a_shut_folder()
    process = world.hosts[0].process
    assert process is not None
    state = process.engine.view(process.now)
    assert (state.state, [one.subject for one in state.troubles]) == ("trouble", ["ada/vault"])
    world.faults.do(0, "delete", "b")
    world.run_for(15.0)
    labels = {str(path) for path in world.hosts[1].disk.files}
    assert labels == {"ada/vault/a"}, "what lies below is kept, what is elsewhere goes"
    world.faults.do(0, "open_up", "vault")
    world.judge.settle(60.0)
    assert process.engine.view(process.now).state == "in_sync"


def test_to_ignore_a_folder_that_cannot_be_read_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Troubles, "note", lambda self, trouble: False)
    with pytest.raises(Broken, match="cannot read"):
        with_a_shut_folder()


# -- folders of others that go away ----------------------------------------------------------------
def with_a_folder_taken_away(verb: str, *where: str) -> World:
    """Two devices; a person takes away what the second has of the first, or moves it."""
    world = World(6, RealEngines(), nodes=2, policy=Policy())
    world.start()
    world.judge.settle(15.0, calm_s=1.0)
    for number in range(30):
        world.faults.do(0, "write", f"photos/{number}", bytes([number]))
    world.judge.settle(15.0, calm_s=1.0)
    world.person(1, verb, *map(path_of, where))
    return world


@pytest.mark.parametrize(
    "words", [("delete", "ada/photos"), ("rename", "ada/photos", "ada/pictures")]
)
def test_what_a_person_took_away_is_held_by_nobodys_word_until_it_is_back(
    words: tuple[str, ...],
) -> None:
    world = with_a_folder_taken_away(*words)
    world.run_for(6.0)
    owner, holder = (host.process for host in world.hosts)
    assert owner is not None
    assert holder is not None
    assert "not found here: looking once more" in holder.engine.view(world.now).reason
    said = owner.engine.view(world.now).reason
    assert said == "bob still lacks 30 files and 1 folder (30 B) of mine"
    world.run_for(10.0)
    states = [process.engine.view(world.now).state for process in (owner, holder)]
    assert states == ["in_sync", "in_sync"]
    assert len([path for path in world.hosts[1].disk.files if "photos" in str(path)]) == 30


def without_what_went_while_it_was_off() -> World:
    """Two devices; the second has less of the first than when it ended, and starts again."""
    world = with_a_folder_taken_away("delete", "ada/photos/7")
    world.run_for(30.0)
    process = world.hosts[1].process
    assert process is not None
    process.post(GetAsked(1, ("ada/photos/7",)))
    world.judge.settle(30.0, calm_s=1.0)
    world.faults.crash(1)
    world.person(1, "delete", path_of("ada/photos/8"))
    world.faults.start(1)
    return world


def test_who_starts_again_says_nothing_of_others_folders_before_it_looked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = without_what_went_while_it_was_off()
    monkeypatch.setattr(truth, "NOTICE_S", 0.0)
    world.run_for(20.0)
    assert path_of("ada/photos/8") not in world.hosts[1].disk.files
    told = [tell.command for _, _, tell in world.told if tell.code == "removed_here"]
    assert told == ["get ada/photos/7", "get ada/photos/8"]


def test_to_believe_the_index_before_a_look_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ReplicaCheck, "unseen", lambda self: set())
    world = without_what_went_while_it_was_off()
    monkeypatch.setattr(truth, "NOTICE_S", 0.0)
    with pytest.raises(Broken, match=r"holds ada at .* which lacks|in sync and lacks"):
        world.run_for(10.0)


def test_to_count_what_waits_for_a_second_look_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MissingFiles, "absent", lambda self: {})
    with pytest.raises(Broken, match=r"holds ada at .* which lacks|in sync and lacks"):
        with_a_folder_taken_away("delete", "ada/photos").run_for(10.0)


# -- files that went away while nobody looked ------------------------------------------------------
def with_a_file_deleted_while_it_was_off() -> World:
    """Two devices; the first was off while a person deleted a file of its own."""
    world = World(6, RealEngines(), nodes=2, policy=Policy())
    world.start()
    world.faults.do(0, "write", "a", b"1")
    world.faults.do(0, "write", "b", b"2")
    world.judge.settle(15.0, calm_s=1.0)
    world.faults.crash(0)
    world.faults.do(0, "delete", "b")
    world.faults.start(0)
    world.run_for(8.0)
    return world


def test_while_a_file_seems_to_be_gone_nobody_is_in_sync() -> None:
    world = with_a_file_deleted_while_it_was_off()
    process = world.hosts[0].process
    assert process is not None
    state = process.engine.view(process.now)
    assert (state.state, state.reason) == ("busy", knowledge.OwnWork.DOUBTED.value)
    world.judge.settle(15.0)
    assert {str(path) for path in world.hosts[1].disk.files} == {"ada/a"}
    assert process.engine.view(process.now).state == "in_sync"


def test_to_ignore_the_doubt_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rounds, "in_doubt", False)
    with pytest.raises(Broken, match="of its own is gone"):
        with_a_file_deleted_while_it_was_off()
