"""Lost states: found by what others hold, fetched once, merged when the own folder was seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from potluck.core import limits
from potluck.core.content.knowledge import OwnWork
from potluck.core.content.manifest import continues, run_end, sign_head
from potluck.core.wire.catalogue import FileRecord, Head
from potluck.engine.effects import Tell
from potluck.engine.events import LinkId
from potluck.engine.index import Index
from potluck.engine.own.lost_state import RENEWAL_PAUSE_S, WANTED_S, LostState
from potluck.engine.own.publishing import MERGED_FIRST_S
from potluck.engine.troubles import TroubleKind
from potluck.engine.withheld import DECIDED_GENERATIONS
from tests.engine.builders import key, taken
from tests.engine.index.builders import folder, place, record, root_of
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
        manifests.drop_staged(name)
        manifests.stage(name, records, (), whole=True)
        manifests.stage_rest_as_deleted(name, seq)
        root, count = manifests.staged_root(name)
        return sign_head(Head(*name, 1, seq, count, root, run), key(1))

    def heard(self, head: Head, *, of: int = 2) -> None:
        """A member says that it holds that."""
        peer = self.node.peer(key(of).device)
        peer.link = LinkId(of)
        peer.heads[self.node.own_manifest] = (head.generation, head.seq)
        self.part.on_own_head(head)

    def met(self, *records: FileRecord, seq: int = 9, run: bytes = b"lost") -> Head:
        """Somebody holds that, and it is here."""
        head = self.lost(*records, seq=seq, run=run)
        self.heard(head)
        self.part.on_fetched(head)
        return head

    def tick(self, later_s: float = 0.0) -> None:
        self.node.now += later_s
        self.part.on_tick()

    @property
    def shared(self) -> list[str]:
        return self.device.files_of(self.device)

    @property
    def roots(self) -> dict[str, bytes]:
        """What is shared, by path."""
        listed = self.node.index.manifests.listing(self.node.own_manifest, b"", 1000)
        return {record.path.decode(): record.root for record in listed}

    @contextmanager
    def failing(self) -> Iterator[None]:
        """The transaction of this fails in the end."""
        self.node.index.commit()
        self.node.index.begin()
        yield
        self.node.index.rollback()
        self.node.index.begin()


def test_a_state_that_this_device_never_had_is_fetched_and_merged() -> None:
    it = Restored("a")
    head = it.met(record("a", 1), record("b", 2), folder("d", 3), record("d/c", 4))
    assert it.wanted == [head]
    assert (it.part.open, it.node.unmerged) == (True, True)
    it.tick()
    assert (it.part.open, it.node.unmerged) == (False, False)
    assert it.shared == ["a", "b", "d", "d/c"]
    assert it.device.held == [b"b", b"d", b"d/c"]
    own = it.device.head_of(it.device)
    assert (own.generation, continues(own, head)) == (2, True)
    (said,) = [tell for tell in taken(it.node, Tell) if tell.code == "lost_state"]
    assert said.text.startswith("others hold a state of this device's own files that it does not")
    assert said.text.endswith("; 2 files of it, not here in Shared/d1, stay with them")
    assert it.node.index.manifests.staged_root(it.node.own_manifest)[0] == own.root
    it.part.on_own_head(head)
    assert (it.wanted, it.part.deadline()) == ([head], None)


def test_that_something_is_held_is_said_at_once() -> None:
    it = Restored("a")
    it.met(record("b", 1))
    it.tick()
    (said,) = [tell for tell in taken(it.node, Tell) if tell.code == "lost_state"]
    assert said.text.endswith("; 1 file of it, not here in Shared/d1, stays with them")
    publishing = it.device.publishing
    assert publishing.deadline(0) == it.node.now
    publishing.on_tick(0)
    assert it.node.troubles.count(TroubleKind.HELD)


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
    it = Restored("a")
    it.met(record("a", 1, "other"))
    it.tick()
    it.met(record("a", 1, "other"), seq=9, run=b"second")
    it.tick(RENEWAL_PAUSE_S)
    assert it.shared == ["a", "a (other version 1-9)"]


def test_what_two_lost_states_have_otherwise_is_shared_twice() -> None:
    it = Restored("a")
    for run, text in ((b"one", "one"), (b"two", "two"), (b"three", "three")):
        it.met(record("a", 1, text), record("b", 2, text), run=run)
        it.tick(RENEWAL_PAUSE_S)
    other = "other version 1-9"
    assert it.roots == {
        "a": root_of("a"),
        f"a ({other})": root_of("one"),
        f"a ({other} 2)": root_of("two"),
        f"a ({other} 3)": root_of("three"),
        "b": root_of("one"),
        f"b ({other})": root_of("two"),
        f"b ({other} 2)": root_of("three"),
    }
    assert len(it.device.held) == 6


def test_two_paths_of_one_state_do_not_become_one() -> None:
    deep = "/".join(["x" * 250] * 16)
    top = [f"{at}{deep[: limits.PATH_BYTES - 4]}/f" for at in "yz"]
    it = Restored(*top)
    lost = [record(path, at, f"other {at}") for at, path in enumerate(top, 1)]
    it.met(*lost)
    it.tick()
    assert {each.root for each in lost} < set(it.roots.values())


def test_what_goes_here_while_its_later_version_is_merged_stays_with_the_others() -> None:
    it = Restored("a", "b", "c")
    it.device.publishing.drop({b"b", b"c"})  # no head says so yet
    it.met(record("a", 1), record("b", 2, "later"))
    it.tick()
    assert it.roots == {"a": root_of("a"), "b": root_of("later")}
    assert it.device.held == [b"b"]
    assert it.device.publishing.stands(b"b") is None


def test_a_merge_that_the_index_lost_is_not_said_to_be_done() -> None:
    it = Restored("a")
    head = it.met(record("a", 1), record("b", 2))
    with it.failing():
        it.tick()
    it.device.write("c")
    it.node.now += RENEWAL_PAUSE_S
    it.device.publishing.on_tick(0)
    assert it.shared == ["a", "c"]
    assert not continues(it.device.head_of(it.device), head)
    it.heard(head)  # as everybody is asked again
    assert it.part.open


def test_what_was_staged_and_lost_with_the_index_is_fetched_again() -> None:
    it = Restored("a")
    head = it.lost(record("b", 1))
    it.node.index.manifests.drop_staged(it.node.own_manifest)
    it.heard(head)
    with it.failing():
        it.lost(record("b", 1))
        it.part.on_fetched(head)
    it.tick()
    assert (it.wanted, it.shared, it.part.open) == ([head, head], ["a"], True)
    assert it.part.deadline() is None
    it.lost(record("b", 1))
    it.part.on_fetched(head)
    it.tick()
    assert it.shared == ["a", "b"]


def test_what_was_staged_and_is_gone_is_fetched_again_and_not_merged() -> None:
    it = Restored("a")
    head = it.met(record("b", 1), record("c", 2))
    it.node.index._database.run("DELETE FROM staged WHERE path = ?", (b"b",))
    it.tick()
    assert (it.wanted, it.shared, it.part.open) == ([head, head], ["a"], True)
    assert it.part.deadline() is None
    it.lost(record("b", 1), record("c", 2))
    it.part.on_fetched(head)
    it.tick(RENEWAL_PAUSE_S)
    assert it.shared == ["a", "b", "c"]


def test_before_a_decision_what_others_hold_is_merged_if_it_comes_in_time() -> None:
    it = Restored()
    it.heard(head := it.lost(record("b", 1)))
    publishing = it.device.publishing
    publishing.begin_anew(DECIDED_GENERATIONS)
    assert publishing.deadline(0) == it.node.now + MERGED_FIRST_S
    publishing.on_tick(0)
    assert it.device.own_heads == []
    it.part.on_fetched(head)
    it.tick()
    own = it.device.head_of(it.device)
    assert (own.generation, own.count, continues(own, head)) == (2 + DECIDED_GENERATIONS, 1, True)


def test_a_decision_does_not_wait_for_ever_for_what_others_hold() -> None:
    it = Restored()
    it.heard(it.lost(record("b", 1)))
    it.device.publishing.begin_anew(DECIDED_GENERATIONS)
    it.node.now += MERGED_FIRST_S
    assert it.device.publishing.deadline(0) is not None
    it.device.publishing.on_tick(0)
    assert it.device.head_of(it.device).count == 0


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


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ({"b"}, "1 file that was deleted or renamed in it is here in Shared/d1 again, and shared"),
        (
            {"b", "c"},
            "2 files that were deleted or renamed in it are here in Shared/d1 again, and shared",
        ),
    ],
)
def test_what_the_lost_state_deleted_and_comes_back_is_told(gone: set[str], words: str) -> None:
    """Both were restored: what the lost life deleted came back everywhere, and nobody said so."""
    first = Restored("a", "b", "c")
    head = first.device.head_of(first.device)
    again = Restored("new", index=first.node.index, run=3)
    lost = again.lost(*(record(path, 1) for path in ("a", "b", "c") if path not in gone))
    lost = sign_head(msgspec.structs.replace(lost, continues=(run_end(head),)), key(1))
    again.part.on_own_head(lost)
    again.part.on_fetched(lost)
    again.tick()
    assert again.shared == ["a", "b", "c", "new"]
    (said,) = [tell for tell in taken(again.node, Tell) if tell.code == "lost_state"]
    assert said.text.endswith(f"does not remember; {words}"), "new is from after what both had"


def test_what_a_lost_state_has_from_before_it_continued_this_one_is_brought_back() -> None:
    first = Restored("a", "gone", "d/deleted", "edited", "filled")
    first.device.publishing.drop({b"gone"})
    first.node.now += 11.0
    first.device.tick()
    here = run_end(first.device.head_of(first.device))
    it = Restored(index=first.node.index, run=3)
    it.device.publishing.drop({b"d/deleted"})  # no head says so yet
    edited = place(record("edited", text="just now"))
    it.device.publishing.put(edited, limits.PIECE_MIN_BYTES)  # nor that
    records = (
        record("a", 1), record("gone", 2), folder("d", 2), record("d/deleted", 2),
        record("life", 1), folder("e", 1), record("e/life", 2), record("a2", 9),
        record("edited", 2), record("filled", 2, text=""),
    )  # fmt: skip
    head = it.lost(*records, seq=9)
    head = sign_head(msgspec.structs.replace(head, continues=(here,)), key(1))
    it.heard(head)
    it.part.on_fetched(head)
    it.tick()
    came = ["a2", "e", "e/life", "life"]  # some of it written before it was merged there
    assert it.shared == sorted(["a", "edited", "filled", *came])
    assert it.device.held == [path.encode() for path in came]


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
    for head, of in ((first, 2), (other, 3), (later, 2), (first, 4)):
        it.heard(head, of=of)
    assert it.wanted == [first, later]
    it.part.on_fetched(first)
    assert it.part.deadline() is None, "it is not the one that is wanted"
    it.lost(record("b", 1), seq=12)
    it.part.on_fetched(later)
    it.tick()
    it.heard(other, of=3)
    assert it.wanted == [first, later, other]
    it.lost(record("c", 1), run=b"third")
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
    assert (head.generation, continues(head, old)) == (1, True), "nobody reads it all again"
    assert it.part.deadline() is None


def test_a_state_that_continues_the_one_that_is_wanted_is_wanted_instead() -> None:
    it = Restored("a")
    first = it.lost(record("b", 1))
    it.heard(first)
    later = it.lost(record("b", 1), seq=12, run=b"next")
    later = sign_head(msgspec.structs.replace(later, continues=(run_end(first),)), key(1))
    it.heard(later, of=3)
    assert it.wanted == [first, later]


def test_what_nobody_holds_any_more_is_not_wanted() -> None:
    it = Restored("a")
    first, other = it.lost(record("b", 1)), it.lost(record("c", 1), seq=12, run=b"third")
    it.heard(first)
    it.heard(other)  # the same member
    assert it.wanted == [first, other]


def test_who_says_that_it_holds_a_state_and_does_not_bring_it_keeps_nobody_from_another() -> None:
    it = Restored("a")
    first, other = it.lost(record("b", 1)), it.lost(record("c", 1), seq=12, run=b"third")
    it.heard(first)
    it.heard(other, of=3)
    it.node.now += WANTED_S
    it.heard(first)
    assert it.wanted == [first]
    it.heard(other, of=3)
    it.node.now += WANTED_S
    it.heard(first)
    assert it.wanted == [first, other], "it has twice the time"
    it.part.on_fetched(other)
    it.node.now += WANTED_S
    it.heard(first)
    assert it.wanted == [first, other], "it is here"


def test_it_says_how_it_stands() -> None:
    it = Restored()
    assert repr(it.part) == "<LostState: nothing is lost, here=False>"
    it.met(record("a", 1))
    assert repr(it.part) == "<LostState: 1.9 is lost, here=True>"
    assert isinstance(it.part, LostState)
