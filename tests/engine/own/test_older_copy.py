"""The older copy: what it lacks is held, what it has an earlier version of is not shared."""

from __future__ import annotations

from potluck.core import limits
from potluck.core.content.facts import Amount
from potluck.core.content.paths import SafePath
from potluck.core.wire.catalogue import Kind
from potluck.engine.effects import Tell
from potluck.engine.events import Hashed, LinkId
from potluck.engine.own.older_copy import OLDER_COPY, OLDER_OTHERS
from potluck.engine.own.publishing import Publishing
from potluck.engine.troubles import TroubleKind
from tests.engine.builders import group, key, node, taken
from tests.engine.listeners import Heard
from tests.engine.owntree import Own

SECOND_S = limits.SECOND_LOOK_S


class Life(Own):
    """A folder that was worked on, and came back as it was before."""

    def __init__(self) -> None:
        super().__init__()
        self.looks: list[str] = []
        self.closed_files: set[str] = set()  # that cannot be read
        for name in ("a", "d/b", "note", "went", "void"):
            self.write(name, "" if name == "void" else f"{name} at first")
        self.folders = {"d"}
        self.seen()
        self.old = {name: file.text.decode() for name, file in self.files.items()}
        for name in ("a", "d/b", "note", "void"):
            self.write(name, f"{name} later, and longer")
        self.write("since", "made since")
        self.remove("went")
        self.seen("went")
        self.later = self.published()

    def seen(self, *more: str) -> None:
        self.touch(*self.files, *self.folders, *more)
        self.settle()
        self.tick(1.0)
        self.settle()

    def _hashed(
        self, files: tuple[tuple[SafePath, int], ...]
    ) -> tuple[tuple[Hashed, ...], tuple[SafePath, ...]]:
        closed = {self.path(name) for name in self.closed_files}
        done, unstable = super()._hashed(tuple(one for one in files if one[0] not in closed))
        return done, (*unstable, *(path for path, _ in files if path in closed))

    def come_back(self) -> None:
        """The folder is the older one; the program starts with it."""
        self.files = {}
        for name, text in self.old.items():
            self.write(name, text)
        self.node.index.meta.set(OLDER_COPY, b"1")
        self.publishing.older.start()
        self.own_folder.forget_work()
        self.own_folder.scan()
        self.look_through()

    def look_through(self) -> None:
        for _ in range(4):
            self.tick()
            self.settle()
            self.tick(SECOND_S)
            self.settle()
        self.tick()

    def shared(self) -> dict[str, bytes]:
        return {path: one.root for path, one in self.published().items()}

    def reason(self) -> str:
        self.publishing.older.on_tick()
        return " ".join(one.reason for one in self.node.troubles.of(TroubleKind.OLDER))


def test_nothing_of_the_time_since_is_deleted_or_overtaken() -> None:
    life = Life()
    life.come_back()
    later = {path: one.root for path, one in life.later.items()}
    assert later.items() <= life.shared().items()
    assert b"since" in life.publishing.held
    assert {path for path in life.old if path.encode() in life.publishing.older.files} == {
        "a",
        "d/b",
        "note",
        "void",
    }
    assert "went" in life.shared(), "what was deleted since is here again"
    assert life.own_folder.absent.amount.files == 5
    (told, seen) = (tell for tell in life.tells if tell.code.startswith("older_copy"))
    assert "most likely it is an older copy" in told.text
    assert "1 file (10 B) not in it and the later versions of 4 files (a, " in seen.text
    assert seen.text.endswith("; 1 file deleted or renamed since came back with it")
    assert "4 files (a, " in life.reason()
    assert not life.publishing.older.found
    assert life.node.index.meta.get(OLDER_COPY) is None
    assert life.node.index.meta.get(OLDER_OTHERS) == b"1", "of others that is not known yet"
    assert "found=False" in repr(life.publishing.older)


def test_what_is_edited_afterwards_is_shared_and_what_is_touched_is_not() -> None:
    life = Life()
    life.come_back()
    life.write("note", "after the copy came")
    life.change("a", mtime_ns=5, ctime_ns=6)
    life.seen()
    assert life.shared()["note"] == life.hashed("note").pieces.root
    assert life.shared()["a"] == life.later["a"].root
    assert b"a" in life.publishing.older.files
    assert b"note" not in life.publishing.older.files


def test_an_earlier_version_that_cannot_be_read_at_first_is_none_the_less() -> None:
    life = Life()
    life.closed_files = {"a", "void"}
    life.come_back()
    assert life.publishing.older.found, "what stands in their places is not known"
    life.closed_files = {"new"}
    life.write("new", "not shared before")
    life.seen()
    life.look_through()
    assert b"a" in life.publishing.older.files
    assert life.shared()["a"] == life.later["a"].root
    assert not life.publishing.older.found, "what was never shared is no earlier version"


def test_an_earlier_version_that_is_removed_is_held() -> None:
    life = Life()
    life.come_back()
    life.remove("a")
    life.seen("a")
    assert b"a" in life.publishing.held
    assert b"a" not in life.publishing.older.files
    assert life.shared()["a"] == life.later["a"].root
    life.remove("went")
    life.seen("went")
    assert "went" not in life.shared(), "what is deleted otherwise is deleted"


def test_one_that_is_renamed_is_read_and_shared_as_what_it_is() -> None:
    life = Life()
    life.come_back()
    life.move("a", "moved")
    life.read.clear()
    life.seen("a")
    assert "moved" in life.read
    assert life.shared()["moved"] == life.hashed("moved").pieces.root
    assert life.shared()["a"] == life.later["a"].root
    assert b"a" in life.publishing.held


def test_one_that_the_disk_damages_stays_shared_as_it_was() -> None:
    life = Life()
    life.come_back()
    life.files["a"].text = b"x" * len(life.files["a"].text)
    life.own_folder.judge.on_read(b"a", life.hashed("a"))
    life.settle()
    life.tick(1.0)
    assert b"a" in life.publishing.damaged
    assert life.shared()["a"] == life.later["a"].root


def test_a_content_that_comes_elsewhere_ends_nothing_meanwhile() -> None:
    life = Life()
    life.closed = {"d"}
    life.come_back()
    life.write("elsewhere", "made since")
    life.seen()
    assert {"since", "elsewhere"} <= set(life.shared())


def test_a_file_of_which_the_older_copy_has_a_folder_is_shared_beside_it() -> None:
    life = Life()
    life.write("a (later version)", "in the way")
    life.old["a (later version)"] = "in the way"
    life.seen()
    del life.old["a"]
    life.old["a/x"] = "in a folder"
    life.folders.add("a")
    life.come_back()
    shared = life.shared()
    assert shared["a (later version 2)"] == life.later["a"].root
    assert b"a (later version 2)" in life.publishing.held
    assert life.published()["a"].kind is Kind.FOLDER
    assert shared["a/x"] == life.hashed("a/x").pieces.root


def test_a_folder_in_its_place_ends_it() -> None:
    life = Life()
    life.come_back()
    life.remove("a")
    life.folders.add("a")
    life.seen()
    assert b"a" not in life.publishing.older.files


def test_a_content_that_was_never_shared_there_is_an_edit() -> None:
    life = Life()
    life.old["a"] = "from somewhere else"
    life.come_back()
    assert life.shared()["a"] == life.hashed("a").pieces.root


def test_without_an_older_copy_an_earlier_version_is_an_edit() -> None:
    life = Life()
    life.write("a", life.old["a"])
    life.seen()
    assert life.shared()["a"] == life.hashed("a").pieces.root


def test_it_goes_on_until_everything_could_be_read() -> None:
    life = Life()
    life.closed = {"d"}
    life.come_back()
    assert life.publishing.older.found
    assert "being looked through" not in life.reason(), "there is more to say"
    life.closed = set()
    life.tick(limits.RESCAN_S)
    life.look_through()
    assert not life.publishing.older.found
    assert b"d/b" in life.publishing.older.files


def test_one_that_is_confirmed_and_removed_while_nobody_looks_is_gone() -> None:
    life = Life()
    life.come_back()
    life.publishing.confirm(b"a")
    life.todo.clear()  # the program was killed before it looked
    life.remove("a")
    life.own_folder.forget_work()
    life.own_folder.scan()
    life.look_through()
    assert "a" not in life.shared(), "it is not here, and nobody says that it is"


def test_what_the_index_could_not_write_is_as_it_was() -> None:
    life = Life()
    life.come_back()
    older, index = life.publishing.older, life.node.index
    index.meta.set(OLDER_COPY, b"1")
    absent = life.own_folder.absent.amount
    index.commit()
    index.begin()
    life.publishing.confirm(b"d")
    assert b"d/b" not in older.files
    index.rollback()
    older.recover()
    assert b"d/b" in older.files, "it stands there still, and is shared by nobody"
    assert (older.found, life.own_folder.absent.amount) == (True, absent)
    assert "4 files (a, " in " ".join(
        one.reason for one in life.node.troubles.of(TroubleKind.OLDER)
    )


def test_where_nothing_is_missing_it_is_said_and_over() -> None:
    life = Life()
    life.old = {name: file.text.decode() for name, file in life.files.items()}
    life.come_back()
    assert life.tells[-1].text.endswith("nothing that is shared is missing in it")
    assert not life.reason()


def test_who_wants_what_is_here_has_it_shared() -> None:
    life = Life()
    asked = list[object]()
    life.publishing._listener.tell["on_came"] = asked.append  # type: ignore[attr-defined]
    life.come_back()
    text = life.publishing.confirm(b"d")
    assert text == "1 file shared now as what stands here."
    assert [str(path) for path in asked[0]] == ["d1/d/b"]  # type: ignore[attr-defined]
    life.seen()
    assert life.shared()["d/b"] == life.hashed("d/b").pieces.root
    assert life.shared()["a"] == life.later["a"].root
    text = life.publishing.confirm()
    assert text is not None
    assert text.startswith("Confirmed: 1 file")
    assert text.endswith("3 files shared now as what stands here.")
    life.seen()
    assert life.shared()["a"] == life.hashed("a").pieces.root
    assert "since" not in life.shared()
    assert not life.reason()
    assert life.publishing.confirm() is None


def test_what_is_let_go_before_all_was_seen_is_not_kept_again() -> None:
    life = Life()
    life.closed = {"d"}
    life.come_back()
    life.publishing.confirm(b"a")
    life.seen()
    assert life.shared()["a"] == life.hashed("a").pieces.root
    life.tick(limits.RESCAN_S)
    life.look_through()
    assert b"a" not in life.publishing.older.files


def test_when_the_last_is_exchanged_that_is_told() -> None:
    life = Life()
    life.come_back()
    older = life.publishing.older
    assert older.want() == 4
    assert "exchanged for that as soon as a device" in life.reason()
    assert not older.on_exchanged(b"since", "")
    taken(life.node, Tell)
    for name in (b"a", b"d/b", b"note"):
        assert older.on_exchanged(name, "Put aside/x")
    assert not taken(life.node, Tell)
    assert older.on_exchanged(b"void", "Put aside/x")
    (told,) = taken(life.node, Tell)
    assert told.text == (
        "Shared/d1: 4 files exchanged for what was shared last; what stood there is in “Put aside”"
    )
    assert older.want() == 0
    older.note(b"a", b"r" * 32)
    older.want()
    older.on_exchanged(b"a", "")
    assert "Put aside" not in taken(life.node, Tell)[-1].text


def test_what_gives_way_is_counted_anew_unless_more_of_it_is_on_its_way() -> None:
    life = Life()
    older = life.publishing.older
    for name in (b"a", b"note"):
        older.note(name, b"r" * 32, wanted=True)
    assert life.reason() == (
        "2 files (a and note) with another content than I share: exchanged for that as soon as a"
        " device that has it is linked"
    )
    taken(life.node, Tell)
    assert older.on_exchanged(b"a", "Put aside/x")
    older.note(b"d/b", b"r" * 32, wanted=True)
    older.on_exchanged(b"note", "Put aside/x")
    older.on_exchanged(b"d/b", "Put aside/x")
    assert ": 3 files exchanged for what was shared last" in taken(life.node, Tell)[-1].text
    older.note(b"a", b"r" * 32, wanted=True)
    older.on_exchanged(b"a", "Put aside/x")
    assert ": 1 file exchanged" in taken(life.node, Tell)[-1].text


def test_what_others_keep_until_a_person_confirms_is_said_as_soon_as_it_is_known() -> None:
    life = Life()
    older, peer = life.publishing.older, life.node.peer(key(2).device)
    life.node.roster = group(1, 2)
    peer.link = LinkId(5)
    peer.held[life.node.own_manifest] = Amount(60, 0, 771)
    assert life.reason() == ""
    del peer.held[life.node.own_manifest]
    older.note(b"a", b"r" * 32, wanted=True)
    assert "d2 keeps" not in life.reason()
    peer.held[life.node.own_manifest] = Amount(60, 0, 771)
    assert "; d2 keeps 60 files (771 B) of mine as before, since" in life.reason()
    (trouble,) = life.node.troubles.of(TroubleKind.OLDER)
    assert trouble.command == ""
    peer.link = None
    assert "d2 keeps" not in life.reason()
    (trouble,) = life.node.troubles.of(TroubleKind.OLDER)
    assert trouble.command == "peers"


def test_what_the_shell_saw_is_known_to_later_runs() -> None:
    first = node(1, older_copy=True)
    first.roster = group(1)
    publishing = Publishing(first, Heard())
    publishing.start()
    assert publishing.older.found
    (trouble,) = first.troubles.of(TroubleKind.OLDER)
    assert "being looked through" in trouble.reason
    again = Publishing(node(1, index=first.index), Heard())
    again.start()
    assert again.older.found
    again.older.on_looked(Amount(0, 0, 0))
    assert again.older.found, "nobody looked"


def doubted(life: Life, path: str = "a") -> None:
    """Another disk puts something else there, as a look finds at once."""
    older = life.publishing.older
    older.doubts.begin(b"", [path.encode()], life.node.number())
    life.write(path, "of another disk")
    life.seen()


def test_what_is_doubted_is_kept_and_told_once_its_window_is_over() -> None:
    life = Life()
    older = life.publishing.older
    doubted(life)
    assert life.shared()["a"] == life.later["a"].root
    assert (older.files.of(by_disk=True, wanted=False), life.reason()) == ([b"a"], "")
    older.end_doubts(b"", known_again=False)
    assert life.reason().startswith("1 file (a) with another content than I share")
    doubted(life, "note")
    older.end_doubts(b"", known_again=False)
    assert "2 files (a and note)" in life.reason()
    life.tick()
    assert life.codes().count("another_disk") == 1


def test_what_was_not_met_by_a_look_is_kept_when_it_comes_and_told_at_once() -> None:
    life = Life()
    older = life.publishing.older
    older.doubts.begin(b"", [b"a"], life.node.number())
    older.end_doubts(b"", known_again=False, over=False)
    life.write("a", "put there once the disk was mounted")
    life.seen()
    assert life.reason().startswith("1 file (a) with another content than I share")
    assert life.shared()["a"] == life.later["a"].root


def test_what_is_doubted_and_as_it_is_shared_is_nothing() -> None:
    life = Life()
    life.publishing.older.doubts.begin(b"", [b"a"], life.node.number())
    life.change("a", ctime_ns=5, inode=999)
    life.seen()
    life.publishing.older.end_doubts(b"", known_again=False)
    assert life.reason() == ""
    life.write("a", "edited")
    life.seen()
    assert life.shared()["a"] == life.hashed("a").pieces.root


def test_what_was_kept_of_a_disk_that_is_known_again_is_shared() -> None:
    life = Life()
    doubted(life)
    life.publishing.older.end_doubts(b"", known_again=True)
    assert life.reason() == ""
    life.seen()
    assert life.shared()["a"] == life.hashed("a").pieces.root
