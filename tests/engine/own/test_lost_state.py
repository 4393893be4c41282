"""Lost states: found by what others hold, fetched once, merged when the own folder was seen."""

from __future__ import annotations

import msgspec

from potluck.core.content.knowledge import OwnWork
from potluck.core.content.manifest import continues, run_end, sign_head
from potluck.core.wire.catalogue import FileRecord, Head
from potluck.engine.effects import Tell
from potluck.engine.index import Index
from potluck.engine.own.lost_state import RENEWAL_PAUSE_S, LostState
from tests.engine.builders import key, taken
from tests.engine.index.builders import folder, record
from tests.engine.manifests import Device


class Restored:
    """A device, with files in its folder, that met somebody who holds another state of it."""

    def __init__(self, *paths: str, run: int = 2, index: Index | None = None) -> None:
        self.device = Device(1, run=run, index=index)
        self.node, self.part = self.device.node, self.device.lost_state
        self.wanted = list[Head]()
        self.device.heard.tell["on_lost_state"] = self.wanted.append
        self.device.write(*paths)
        self.device.tick()

    def lost(self, *records: FileRecord, seq: int = 9, run: bytes = b"lost") -> Head:
        """All of a state with these is staged."""
        manifests, name = self.node.index.manifests, self.node.own_manifest
        manifests.stage(name, records, (), whole=True)
        manifests.stage_rest_as_deleted(name, seq)
        root, count = manifests.staged_root(name)
        return sign_head(Head(*name, 1, seq, count, root, run), key(1))

    def met(self, *records: FileRecord) -> Head:
        """Somebody holds that, and it is here."""
        head = self.lost(*records)
        self.part.on_own_head(head)
        self.part.on_fetched(head)
        return head

    def tick(self, later_s: float = 0.0) -> None:
        self.node.now += later_s
        self.part.on_tick()

    @property
    def shared(self) -> list[str]:
        return self.device.files_of(self.device)


def test_a_state_that_this_device_never_had_is_fetched_and_merged() -> None:
    it = Restored("a")
    head = it.met(record("a", 1), record("b", 2), folder("d", 3), record("d/c", 4))
    assert it.wanted == [head]
    assert it.part.open
    it.tick()
    assert not it.part.open
    assert it.shared == ["a", "b", "d", "d/c"]
    assert it.device.held == [b"b", b"d", b"d/c"]
    own = it.device.head_of(it.device)
    assert (own.generation, continues(own, head)) == (2, True)
    (said,) = [tell for tell in taken(it.node, Tell) if tell.code == "lost_state"]
    assert "2 files of it" in said.text
    assert it.node.index.manifests.staged_root(it.node.own_manifest)[0] == own.root
    it.part.on_own_head(head)
    assert (it.wanted, it.part.deadline()) == ([head], None)


def test_where_all_of_it_is_here_nothing_is_held() -> None:
    it = Restored("a")
    it.device.write("b")  # no head says so yet
    it.met(record("a", 1), record("b", 2))
    it.tick()
    assert (it.shared, it.device.held) == (["a", "b"], [])
    (said,) = [tell for tell in taken(it.node, Tell) if tell.code == "lost_state"]
    assert "stay with them" not in said.text


def test_what_both_have_otherwise_is_shared_beside() -> None:
    it = Restored("a", "d", "e")
    other = "other version 1-9"
    it.met(record("a", 1, "other"), folder("d", 2), record("d/c", 3), record("e", 4))
    it.tick()
    assert it.shared == sorted(["a", f"a ({other})", "d", f"d ({other})", f"d ({other})/c", "e"])
    assert b"a" not in it.device.held


def test_what_was_merged_beside_is_not_merged_again() -> None:
    it = Restored("a", "a (other version 1-9)")
    it.met(record("a", 1, "other"))
    it.tick()
    assert it.shared == ["a", "a (other version 1-9)"]


def test_what_both_had_before_is_not_brought_back() -> None:
    first = Restored("a", "b")
    head = first.device.head_of(first.device)
    again = Restored(index=first.node.index, run=3)
    again.device.publishing.drop({b"b"})
    again.device.tick()
    lost = again.lost(record("a", 1), record("b", 2), record("new", 5))
    ends = msgspec.structs.replace(lost, continues=(run_end(head),))
    lost = sign_head(ends, key(1))
    again.part.on_own_head(lost)
    again.part.on_fetched(lost)
    again.tick()
    assert again.shared == ["a", "new"]


def test_nothing_is_merged_before_the_own_folder_was_seen() -> None:
    it = Restored("a")
    it.device.work = (OwnWork.READING,)
    it.met(record("b", 1))
    assert it.part.deadline() is None
    it.tick()
    assert it.shared == ["a"]
    it.device.work = (OwnWork.LOOKING,)
    assert it.part.deadline() == it.node.now
    it.tick()
    assert it.shared == ["a", "b"]


def test_nothing_is_merged_while_another_machine_has_this_identity() -> None:
    it = Restored("a")
    it.met(record("b", 1))
    it.node.cloned = True
    assert it.part.deadline() is None
    it.tick()
    assert it.shared == ["a"]


def test_heads_of_this_run_and_of_its_past_are_no_lost_states() -> None:
    first = Restored("a")
    past = first.device.head_of(first.device)
    again = Restored("b", index=first.node.index, run=3)
    for head in (past, again.device.head_of(again.device)):
        again.part.on_own_head(head)
    assert (again.wanted, again.part.deadline()) == ([], None)


def test_one_state_is_wanted_at_a_time_and_its_later_one_instead() -> None:
    it = Restored("a")
    first = it.lost(record("b", 1))
    later, other = it.lost(record("b", 1), seq=12), it.lost(record("c", 1), run=b"third")
    for head in (first, other, later, first):
        it.part.on_own_head(head)
    assert it.wanted == [first, later]
    it.part.on_fetched(first)
    assert it.part.deadline() is None, "it is not the one that is wanted"
    it.part.on_fetched(later)
    it.tick()
    it.part.on_own_head(other)
    assert it.wanted == [first, later, other]
    it.part.on_fetched(other)
    assert it.part.deadline() == it.node.now + RENEWAL_PAUSE_S
    it.tick()
    assert it.part.open
    it.tick(RENEWAL_PAUSE_S)
    assert not it.part.open


def test_who_was_away_for_many_runs_is_told_that_its_state_is_continued() -> None:
    it = Restored("a")
    old = it.device.head_of(it.device)
    for run in range(3, 40):
        it = Restored(f"{run}", run=run, index=it.node.index)
    assert not continues(it.device.head_of(it.device), old)
    it.part.on_own_head(old)
    assert it.wanted == []
    it.tick()
    it.node.now += 1.0
    it.device.tick()
    head = it.device.head_of(it.device)
    assert (head.generation, continues(head, old)) == (2, True)
    assert it.part.deadline() is None


def test_it_says_how_it_stands() -> None:
    it = Restored()
    assert repr(it.part) == "<LostState: nothing is lost, here=False>"
    it.met(record("a", 1))
    assert repr(it.part) == "<LostState: 1.9 is lost, here=True>"
    assert isinstance(it.part, LostState)
