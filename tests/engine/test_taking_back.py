"""Taking back: what a person wants back is shared again, held, and nothing gives way to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pytest

from potluck.core import limits
from potluck.core.content.facts import ManifestName, Spot, Stat
from potluck.core.content.paths import SafePath, parse_wire_path, within
from potluck.core.errors import NotFound, PotluckError, Refused
from potluck.core.wire.catalogue import FileRecord
from potluck.engine.bringing_back import BringingBack
from potluck.engine.events import Imported, LinkId, Mount, MountsSeen, OrderId
from potluck.engine.own import last_change
from potluck.engine.own.endings import ENDINGS_PAUSE_S
from potluck.engine.own.ignore_file import SAID
from potluck.engine.own.last_change import REPLACED_MANY
from potluck.engine.own.publishing import Publishing
from potluck.engine.own.restored import NOT_IN_TRASH, STANDS_ALL, TOO_FEW
from potluck.engine.taking_back import TakingBack
from tests.engine.builders import group, key, node
from tests.engine.index.builders import folder, place, record
from tests.engine.listeners import Heard

ANNAS = ManifestName.own(key(2).device)


class Home:
    """A device `d1` in whose own folder these stand, all of them shared."""

    def __init__(self, *records: FileRecord) -> None:
        self.node = node(1)
        self.node.roster = group(1, 2)
        self.node.peer(key(2).device).link = LinkId(5)
        self.publishing = Publishing(self.node, Heard())
        self.publishing.start()
        self.put(*records)
        self.wanted: list[bytes] = []
        self.bringing = BringingBack(self.node, self.publishing, self)
        self.on_disks: list[bytes] = []  # what went with one
        self.part = TakingBack(self.node, self.publishing, self.bringing, self)  # type: ignore[arg-type]

    def on_wanted(self, spot: Spot) -> None:
        self.wanted.append(spot.path)

    def went(self, below: bytes) -> list[bytes]:
        return [path for path in self.on_disks if within(path, {below})]

    def on_came(self, paths: Iterable[SafePath]) -> None:
        """Look at nothing."""

    def is_looking_at(self, paths: Collection[bytes]) -> bool:
        return False

    def put(self, *records: FileRecord) -> None:
        for each in records:
            self.publishing.put(place(each), each.piece_size)
        self.publish()

    def rm(self, *paths: str) -> None:
        self.publishing.drop([path.encode() for path in paths])
        self.publish()

    def publish(self) -> None:
        self.node.now += 11  # later than any gathering
        self.publishing.on_tick(0)
        assert not self.publishing.pending

    def later(self) -> None:
        self.node.now += ENDINGS_PAUSE_S

    def restore(self, name: str, *reasons: str, **done: tuple[object, ...]) -> str | None:
        failed = tuple((name, reason) for reason in reasons)
        return self.part.restore(name, Imported(OrderId(1), (), failed, **done))  # type: ignore[arg-type]

    def shared(self) -> set[str]:
        listing = self.node.index.manifests.listing(self.node.own_manifest, b"", 999)
        return {each.path.decode() for each in listing}

    def held(self) -> set[str]:
        return {one.path.decode() for one in self.publishing.held.records()}

    def refused(self, kind: type[PotluckError]) -> PotluckError:
        """Why nothing is undone."""
        with pytest.raises(kind) as raised:
            self.part.undo()
        return raised.value


def test_a_deleted_file_is_shared_again_held_and_wanted_with_its_folders() -> None:
    home = Home(folder("d"), record("d/a"), record("b"))
    home.rm("d", "b")
    assert home.shared() == set()
    text = home.restore("d1/d/a", NOT_IN_TRASH)
    assert text is not None
    assert text.startswith("1 file (3 B) of d1 shared again as before: to come from the others")
    assert text.endswith("to give that up, type: confirm d1/d/a")
    assert home.shared() == home.held() == {"d", "d/a"}
    assert home.wanted == [b"d", b"d/a"]
    assert not home.bringing.leaves_alone(Spot(home.node.own_manifest, b"d/a"))
    with pytest.raises(Refused) as raised:
        home.restore("d1/d/a", NOT_IN_TRASH)
    assert (raised.value.what, raised.value.fix) == ("d1/d/a is to come back already.", "status")
    assert repr(home.part) == "<TakingBack on d1>"


def test_what_went_with_a_disk_is_not_gone() -> None:
    home = Home(folder("d"), record("d/a"))
    home.on_disks = [b"d/a"]
    for name in ("d1/d", "d1/d/a"):
        with pytest.raises(Refused, match="is shared still, and is not here") as raised:
            home.restore(name, NOT_IN_TRASH)
        assert raised.value.fix == "repair"
    assert home.restore("d1/b", NOT_IN_TRASH) is None
    assert home.restore("d1", NOT_IN_TRASH) is None


def test_numbers_go_on_after_those_of_the_trash_here() -> None:
    home = Home(record("a", text="first"))
    for text in ("second!", "the third"):
        home.put(record("a", text=text))
    home.rm("a")
    here = ((9, 5), (2, 2))  # the last one, and one that only ever was there
    assert home.restore("d1/a@4", TOO_FEW, versions=here) is not None
    live = home.node.index.manifests.get(home.node.own_manifest, b"a")
    assert live is not None
    assert live.size == 5
    home.publishing.confirm()
    home.publish()
    for number in (5, 0):
        assert home.restore(f"d1/a@{number}", TOO_FEW, versions=here) is None
    assert home.restore("d1/a@2", versions=here) is None, "it came from here"


def test_where_something_stands_it_comes_beside() -> None:
    home = Home(record("a", text="old"))
    home.put(record("a", text="new one"))
    text = home.restore("d1/a", NOT_IN_TRASH)
    assert text is not None
    assert "\nd1/a as “d1/a (earlier version)”, since something else has that path" in text
    assert home.shared() == {"a", "a (earlier version)"}
    assert home.held() == {"a (earlier version)"}
    with pytest.raises(NotFound, match="Nothing has to come back"):
        home.restore("d1/a", NOT_IN_TRASH)


def test_of_a_folder_comes_what_lacks_the_newest_of_each() -> None:
    home = Home(record("d/a", text="1"), record("d/b"), record("d/c"), record("d/d"), record("e"))
    home.put(record("d/a", text="22"))
    home.rm("d/a", "d/b", "d/d", "e")
    home.put(record("d/b", text="another"))
    text = home.restore("d1/d/", STANDS_ALL)
    assert text is not None
    assert home.held() == {"d", "d/a", "d/d"}
    home.put(record("d/e"))
    home.rm("d/e")
    assert home.restore("d1/d/e", NOT_IN_TRASH) is not None
    assert home.held() == {"d", "d/a", "d/d", "d/e"}
    live = home.node.index.manifests.get(home.node.own_manifest, b"d/a")
    assert live is not None
    assert live.size == 2
    assert home.restore("d1/nothing@2", NOT_IN_TRASH) is None


def test_of_the_whole_folder_comes_all_but_what_the_trash_here_gave() -> None:
    home = Home(record("a"), record("b"), record("c"))
    home.rm("a", "b")
    done = Imported(OrderId(1), ("b",), ())
    assert home.part.restore("d1/", done) is not None
    assert home.held() == {"a"}


def test_what_the_disk_did_not_take_does_not_come_in_another_way_and_others_files_neither() -> None:
    home = Home(record("a"))
    home.rm("a")
    assert home.restore("d1/a", "disk full") is None
    assert home.restore("d2/a", NOT_IN_TRASH) is None
    assert home.restore("d1/never", NOT_IN_TRASH) is None
    assert home.restore("nobody/a", NOT_IN_TRASH) is None
    assert home.restore("d1", NOT_IN_TRASH, "disk full") is None


def test_what_is_held_is_for_repair() -> None:
    home = Home(*[record(f"{n:03}") for n in range(60)])
    home.rm(*[f"{n:03}" for n in range(40)])
    assert len(home.held()) == 40
    with pytest.raises(Refused) as raised:
        home.restore("d1/003", NOT_IN_TRASH)
    assert raised.value.fix == "repair"
    assert home.part.undo().startswith("40 files (120 B) wanted back into d1")
    home.publishing.confirm()
    home.publish()
    assert home.part.undo().startswith("40 files (120 B) of d1 shared again")


def in_two_parts() -> Home:
    """Of 60 files 15 are deleted and told, then 45 that are held."""
    home = Home(*[record(f"{n:03}") for n in range(60)])
    home.rm(*[f"{n:03}" for n in range(15)])
    assert home.held() == set()
    home.rm(*[f"{n:03}" for n in range(15, 60)])
    assert len(home.held()) == 45
    return home


def test_what_was_told_of_the_go_of_which_the_rest_is_held_comes_with_it() -> None:
    home = in_two_parts()
    home.later()  # a person is not that fast
    first, second, third = home.part.undo().splitlines()
    assert first.startswith("45 files (135 B) wanted back into d1")
    assert (
        second == "In the same go more went, which is not held, since the others were told of it:"
    )
    assert third.startswith("15 files (45 B) of d1 shared again as before: to come from the others")
    assert len(home.shared()) == len(home.held()) == 60
    assert set(home.wanted) == {f"{n:03}".encode() for n in range(60)}
    assert not home.bringing.unwanted
    why = "The last change of d1 is taken back already."
    assert home.refused(NotFound).what == why


def test_of_what_is_held_and_went_in_another_go_nothing_more_comes() -> None:
    home = Home(*[record(f"{n:03}") for n in range(60)])
    home.rm("000")
    home.later()
    home.rm(*[f"{n:03}" for n in range(1, 60)])
    assert "\n" not in home.part.undo()
    assert "000" not in home.shared()


def test_what_stands_there_again_is_not_spoken_of() -> None:
    home = in_two_parts()
    for n in range(15):  # not told yet
        home.publishing.put(place(record(f"{n:03}")), limits.PIECE_MIN_BYTES)
    assert "\n" not in home.part.undo()
    home = in_two_parts()
    home.put(*[record(f"{n:03}") for n in range(15)])
    assert "\n" not in home.part.undo()


def test_what_was_confirmed_comes_back_with_the_rest_of_its_go() -> None:
    home = in_two_parts()
    home.later()
    home.publishing.confirm()
    home.publish()
    assert home.shared() == set()
    assert home.part.undo().startswith("60 files (180 B) of d1 shared again")


@pytest.mark.parametrize("fault", ["share_present", "cloned"])
def test_nothing_comes_while_the_folder_is_away_or_another_machine_is_it(fault: str) -> None:
    home = Home(record("a"))
    home.rm("a")
    setattr(home.node, fault, fault == "cloned")
    with pytest.raises(Refused):
        home.part.undo()
    assert home.shared() == set()


def test_it_says_so_where_nobody_is_linked() -> None:
    home = Home(record("a"))
    home.node.peer(key(2).device).link = None
    home.rm("a")
    assert "No other device is linked now" in home.part.undo()


def test_a_name_that_cannot_be_typed_is_not_typed_for_anybody() -> None:
    home = Home(record("a"), record("b"))
    home.rm("a", "b")
    assert home.part.undo().endswith("type: confirm PATH")


# -- the last go -----------------------------------------------------------------------------------
def test_undo_takes_back_the_last_go_and_no_older_one() -> None:
    home = Home(record("a"), record("b"), record("c"))
    home.rm("a")
    home.later()
    home.rm("b", "c")
    assert home.part.undo().startswith("2 files (2 B) of d1 shared again")
    assert home.held() == {"b", "c"}
    said = home.refused(NotFound)
    assert (said.what, said.fix) == ("The last change of d1 is taken back already.", "status")


def test_a_rename_and_a_few_edits_are_no_change_to_take_back() -> None:
    home = Home(record("a"), record("b"), record("c"))
    assert home.refused(NotFound).fix == "history"
    home.rm("a")
    home.later()
    home.put(record("x", text="b"))
    home.rm("b")
    home.later()
    home.put(record("c", text="edited"))
    home.part.undo()
    assert home.held() == {"a"}


def test_a_copy_that_stands_elsewhere_is_no_rename() -> None:
    home = Home(record("p1/licence", text="same"), record("p2/licence", text="same", mtime_ns=6))
    home.put(record("p2/code"))
    home.rm("p2/licence", "p2/code")
    text = home.part.undo()
    assert home.held() == {"p2", "p2/licence", "p2/code"}
    assert "Renamed" not in text


def test_what_was_renamed_in_that_go_is_said_unless_the_file_there_is_damaged() -> None:
    home = Home(record("a"), record("b"))
    home.put(record("x", text="a"))
    home.rm("a", "b")
    assert home.part.undo().endswith(
        "Renamed and not deleted, as it seems, so left as they are: 1 file."
    )
    assert home.held() == {"b"}
    home = Home(record("a"), record("b"))
    home.put(record("x", text="a"))
    home.rm("a", "b")
    home.publishing.damaged.note(b"x", b"r" * 32, Stat(1, 1, 1, 1, executable=False))
    home.part.undo()
    assert home.held() == {"a", "b"}


def encrypted() -> Home:
    """Many files were replaced in one go."""
    names = [f"{n:02}" for n in range(REPLACED_MANY)]
    home = Home(*map(record, names))
    home.put(*[record(name, text=f"{name} is encrypted") for name in names])
    return home


def test_many_replaced_in_one_go_change_places_with_what_stands_there() -> None:
    home = encrypted()
    text = home.part.undo()
    assert text.startswith("20 files (40 B) of d1 shared again as before: to come from the others")
    assert "What stands in place of 20 files stays until then, and goes to “Put aside”." in text
    name, index = home.node.own_manifest, home.node.index
    for path in (b"00", b"19"):
        shared, stands = index.manifests.get(name, path), index.places.get(name, path)
        assert shared is not None
        assert stands is not None
        assert (shared.size, stands.size) == (2, len("00 is encrypted"))
        assert home.bringing.exchanges(Spot(name, path))
    assert home.held() == set()
    assert home.shared() == {f"{n:02}" for n in range(REPLACED_MANY)}
    why = "The last change of d1 is taken back already."
    assert home.refused(NotFound).what == why, "what was exchanged is no change of its own"


def test_what_was_changed_since_or_is_on_another_disk_is_not_exchanged() -> None:
    home = encrypted()
    home.later()
    home.put(record("00", text="and edited"))
    home.publishing.put(place(record("01", text="this moment")), limits.PIECE_MIN_BYTES)
    home.node.mounts.on_seen(MountsSeen((Mount(parse_wire_path(b"d1/02"), 7),)))
    home.publishing.drop([b"03"])  # no head says so yet
    lines = home.part.undo().splitlines()
    assert "in place of 16 files" in lines[0]
    assert lines[1] == "d1/00 as “d1/00 (earlier version)”, since something else has that path"
    assert home.held() == {"03", *(f"0{n} (earlier version)" for n in range(3))}


def test_what_was_replaced_twice_in_one_go_comes_as_it_was_before_that() -> None:
    home = Home(*(record(f"{n:02}") for n in range(REPLACED_MANY + 1)))
    for text in ("half", "encrypted"):
        home.put(*(record(f"{n:02}", text=f"{n:02} {text}") for n in range(REPLACED_MANY + 1)))
    home.rm("00")
    text = home.part.undo()
    assert text.startswith("21 files (42 B) of d1 shared again as before")
    assert "earlier version" not in text
    assert home.held() == {"00"}
    live = home.node.index.manifests.get(home.node.own_manifest, b"07")
    assert live is not None
    assert live.root == record("07").root


def test_a_few_edits_near_a_delete_stay_as_they_are() -> None:
    home = Home(record("a"), record("b"), record("c"))
    home.put(record("b", text="an hour of work"))
    home.rm("a")
    text = home.part.undo()
    assert text.startswith("1 file (1 B) of d1 shared again as before")
    assert "Put aside" not in text
    assert home.shared() == {"a", "b", "c"}
    assert home.refused(NotFound).what == "The last change of d1 is taken back already."


def test_many_that_are_beside_each_other_are_named_by_the_first() -> None:
    home = encrypted()
    home.later()
    home.put(*[record(f"{n:02}", text=f"{n} edited") for n in range(5)])
    lines = home.part.undo().splitlines()
    assert lines[-1] == "… and 2 more of that kind"


def test_contents_are_looked_up_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_change, "_ROOTS_AT_ONCE", 1)
    home = Home(record("a"), record("b"), record("c"))
    home.put(record("x", text="a"))
    home.rm("a", "b", "c")
    home.part.undo()
    assert home.held() == {"b", "c"}


def test_what_went_of_others_since_is_theirs_to_take_back() -> None:
    home = Home(record("a"))
    index = home.node.index
    index.places.put(ANNAS, [place(record("x")), place(record("y"))])
    index.former.note_kept(ANNAS, [(b"x", b""), (b"y", b"")], "d2")
    theirs = "2 versions of what d2 shares came into the trash here; to have what went last shared "
    theirs += "again: undo, typed on d2"
    assert home.refused(NotFound).cause == theirs
    home.rm("a")
    assert "Besides" not in home.part.undo(), "that was before"
    index.former.note_kept(ANNAS, [(b"x", b""), (b"y", b"")], "d2")
    assert home.refused(NotFound).cause == theirs
    home.later()
    home.put(record("b"))
    home.rm("b")
    index.former.note_kept(ANNAS, [(b"x", b""), (b"y", b"")], "d2")
    assert home.part.undo().endswith(f"Besides: {theirs}.")


def test_what_the_rules_leave_out_is_not_shared_again() -> None:
    home = Home(record("vid/a"), record("vid/b"), record("c"))
    home.rm("vid/a", "vid/b")
    home.node.index.meta.set(SAID, b"vid/\n")
    why = "the folder vid is left out by .potluckignore, line 1: “vid/”"
    lead = f"{why}; take that line out to have them shared again"
    refused = home.refused(Refused)
    assert refused.what == "Nothing of d1 can be shared again."
    assert refused.cause == f"2 files (10 B) (vid/a and vid/b) – {lead}"
    assert refused.fix == "cat -n /Shared/d1/.potluckignore"
    assert not home.publishing.last_change.can_undo, "nobody is advised to"
    with pytest.raises(Refused, match="Nothing of d1/vid/a can be shared again") as raised:
        home.restore("d1/vid/a", NOT_IN_TRASH)
    one = lead.replace("them", "it")
    assert raised.value.cause == f"1 file (5 B) (vid/a) – {one}"
    assert home.held() == set()


def test_what_the_rules_leave_out_of_a_change_is_named_and_the_rest_comes() -> None:
    home = Home(record("d/a"), record("d/b.tmp"))
    home.rm("d/a", "d/b.tmp")
    home.node.index.meta.set(SAID, b"*.tmp\n")
    text = home.restore("d1/d", STANDS_ALL)
    why = "it is left out by .potluckignore, line 1: “*.tmp”"
    lead = f"{why}; take that line out to have it shared again"
    line = f"\nNot shared again: 1 file (7 B) (d/b.tmp) – {lead}."
    assert text is not None
    assert text.endswith(line)
    assert home.held() == {"d", "d/a"}
    home.publishing.confirm()
    home.publish()
    home.later()
    home.put(record("e/a"), record("e/b.tmp"))
    home.later()
    home.rm("e/a", "e/b.tmp")
    assert home.part.undo().endswith(line.replace("d/b.tmp", "e/b.tmp"))
    assert home.held() == {"e", "e/a"}


def test_what_is_held_since_it_is_left_out_keeps_nothing_from_being_taken_back() -> None:
    home = Home(record("a.tmp"), record("b"))
    home.rm("a.tmp")
    assert home.restore("d1/a.tmp", NOT_IN_TRASH) is not None
    home.node.index.meta.set(SAID, b"*.tmp\n")
    home.later()
    home.rm("b")
    home.part.undo()
    assert home.held() == {"a.tmp", "b"}


def test_what_is_held_and_left_out_is_not_said_to_be_away() -> None:
    home = Home(record("a.tmp"))
    home.rm("a.tmp")
    assert home.restore("d1/a.tmp", NOT_IN_TRASH) is not None
    home.node.index.meta.set(SAID, b"*.tmp\n")
    with pytest.raises(Refused, match=r"Nothing of d1/a\.tmp can be shared again"):
        home.restore("d1/a.tmp", NOT_IN_TRASH)


def test_what_something_keeps_out_keeps_nothing_else_from_being_taken_back() -> None:
    inner = [record(f"f/{number}") for number in range(30)]
    home = Home(folder("f"), *inner, record("x"))
    home.rm("f")
    home.put(record("f"))
    assert home.publishing.held.has_below(b"f")
    assert "f stands there" in home.refused(Refused).cause, "nothing else went"
    home.later()
    home.rm("x")
    home.part.undo()
    assert "x" in home.held()
    assert home.wanted == [b"x"]
