"""The owner's breaker: what is lost at once is held, and everything else is said."""

from __future__ import annotations

import pytest

from potluck.core.content.breakers import LOSS_BURST_S, LOSS_WINDOW_S, MASS_FILES
from potluck.core.content.facts import NOTHING, Amount
from potluck.core.wire.catalogue import Holding
from potluck.engine.events import LinkId
from potluck.engine.own import owners_breaker
from potluck.engine.own.fresh_files import FreshFiles
from potluck.engine.own.own_folder import OwnFolder
from potluck.engine.own.owners_breaker import DELETES_QUIET_S, GATHER_MAX_S
from potluck.engine.own.publishing import Publishing
from potluck.engine.troubles import Trouble, TroubleKind
from tests.engine.builders import group, key
from tests.engine.listeners import Heard
from tests.engine.owntree import Own

MANY = MASS_FILES + 1
FILES = 4 * MANY


def name_of(number: int) -> str:
    return f"d{number % 4}/{number:03}"


@pytest.fixture
def own() -> Own:
    """84 files in four folders are shared, each with a content of its own."""
    own = Own()
    own.folders = {f"d{number}" for number in range(4)}
    for number in range(FILES):
        own.write(name_of(number), f"{number:03}")
    own.own_folder.scan()
    own.tick()
    own.settle()
    own.tick(10.0)
    assert len(own.published()) == FILES + 4
    own.tells.clear()
    return own


def lose(own: Own, numbers: range) -> None:
    """Delete these files, and have the watcher say so."""
    names = [name_of(number) for number in numbers]
    for name in names:
        own.remove(name)
    own.touch(*names)
    own.settle()


def troubles(own: Own) -> list[Trouble]:
    return own.node.troubles.of(TroubleKind.HELD)


def placed(own: Own) -> set[str]:
    return {path.decode() for path in own.node.index.places.all_paths(own.node.own_manifest)}


def test_a_quarter_goes_at_once_and_one_file_more_is_held(own: Own) -> None:
    lose(own, range(MANY))
    assert (len(own.published()), len(own.publishing.held)) == (FILES + 4 - MANY, 0)
    lose(own, range(MANY, MANY + 1))
    assert (len(own.published()), len(own.publishing.held)) == (FILES + 4 - MANY, 1), "of one hour"
    assert name_of(MANY) not in placed(own)


def test_what_rules_leave_out_is_held_as_such_and_repair_is_not_advised(own: Own) -> None:
    own.ignore_text = b"/d0/\n/d1/\n"
    own.own_folder.scan()
    own.tick()
    own.settle()
    own.tick(2.5)
    own.settle()
    for _ in range(3):
        own.tick(10.0)
        own.settle()
    assert len(own.publishing.held) > MANY
    (trouble,) = troubles(own)
    out = "left out (d0/000, d0/004, d0/008 and 39 more), as the folder d0 is left out by"
    assert f"that I share: {out} .potluckignore, line 1: “/d0/”; " in trouble.reason
    assert "repair" not in trouble.reason
    assert (trouble.command, own.publishing.breaker.unwanted) == (
        "cat -n /Shared/d1/.potluckignore",
        False,
    )


def test_what_a_disk_took_along_is_held_however_little_and_the_rest_is_counted(own: Own) -> None:
    own.write("d0/empty", "")
    own.touch("d0/empty")
    own.settle()
    taken = own.publishing.breaker.taken_along
    taken.update([name_of(0).encode(), b"d0/empty", b"d1/elsewhere"])
    own.remove("d0/empty")
    own.touch("d0/empty")
    lose(own, range(MANY))
    assert [one.path for one in own.publishing.held.records()] == [name_of(0).encode()]
    assert taken == {b"d1/elsewhere"}, "what is not gone yet"
    (trouble,) = troubles(own)
    assert trouble.reason.startswith("1 file (3 B) that I share: not here (d0/000); ")
    assert trouble.reason.endswith(
        "a disk took it along or hides what it was moved onto, the folder is an older copy, or this"
        " device does not remember it, so it is deleted nowhere unasked; to have here again what"
        " the others have of it, type: repair – if it is to go, type: confirm"
    )
    lose(own, range(MANY, MANY + 1))
    assert len(own.publishing.held) == 2, "what went beside it counts for the hour"


def test_after_an_hour_it_begins_anew(own: Own) -> None:
    lose(own, range(MANY))
    own.tick(LOSS_WINDOW_S + 60)
    own.settle()
    lose(own, range(MANY, MANY + 1))
    assert len(own.publishing.held) == 0


def test_a_wiped_folder_is_held_and_told_and_everything_else_goes_on(own: Own) -> None:
    for number in range(4):
        own.remove(f"d{number}")
    own.touch("d0", "d1", "d2", "d3")
    own.settle()
    before = len(own.heads)
    assert len(own.published()) == FILES + 4
    assert own.own_folder.absent.amount == Amount(FILES, 4, 3 * FILES)
    assert (b"d0/000" in own.own_folder.absent, placed(own)) == (True, set())
    (trouble,) = troubles(own)
    assert trouble.subject == "d1"
    assert f"{FILES} files and 4 folders" in trouble.reason
    assert "d0/000, d0/004, d0/008 and 81 more" in trouble.reason
    (told,) = [tell for tell in own.tells if tell.code == "own_deletes_held"]
    assert told.text == f"d1: {trouble.reason}"
    own.write("new", "new")
    own.touch("new")
    own.settle()
    assert (len(own.heads), len(own.published())) == (before + 1, FILES + 5)
    own.remove("new")
    own.touch("new")
    own.settle()
    assert (len(own.published()), len(own.publishing.held)) == (FILES + 4, FILES + 4)
    assert not own.own_folder.work, "nothing is open until a person says something"
    assert repr(own.publishing.breaker) == "<OwnersBreaker <HeldPaths: 88 held, 0 confirmed>>"
    assert repr(own.own_folder.absent) == f"<AbsentFiles {(FILES, 4, 3 * FILES)}>"


def test_what_is_held_is_held_by_the_next_run_until_it_is_confirmed(own: Own) -> None:
    lose(own, range(MANY + 1))
    assert len(own.published()) == FILES + 4
    node = own.node
    node.troubles.clear(TroubleKind.HELD, "d1")
    again = Publishing(node, Heard())
    OwnFolder(node, again).start(marked=True)
    assert (len(again.held), len(troubles(own))) == (MANY + 1, 1)
    own.publishing = again
    own.own_folder = OwnFolder(node, again)
    said = again.confirm()
    assert said is not None
    assert said.startswith("Confirmed: 22 files (66 B). The other devices put what they have")
    again.on_tick(0)
    assert (len(own.published()), again.held.amount) == (FILES + 4 - MANY - 1, NOTHING)
    again.on_tick(0)
    assert troubles(own) == [], "at once"


def test_what_is_seen_again_is_held_no_more_and_is_no_change(own: Own) -> None:
    kept = {name_of(number): own.files[name_of(number)] for number in range(MANY + 1)}
    lose(own, range(MANY + 1))
    before = own.heads[-1]
    own.files |= kept
    own.write(name_of(0), "edited")
    own.touch(*kept)
    own.settle()
    own.tick(1.0)
    assert (len(own.publishing.held), troubles(own)) == (0, [])
    assert (own.heads[-1].seq, own.published()[name_of(0)].size) == (before.seq + 1, 6)


def test_what_has_another_name_is_not_lost(own: Own) -> None:
    for number in range(4):
        own.move(f"d{number}", f"e{number}")
    own.touch("d0", "d1", "d2", "d3", "e0", "e1", "e2", "e3")
    own.settle()
    assert len(own.publishing.held) == 0
    assert {path[0] for path in own.published()} == {"e"}


def test_a_copy_keeps_a_content(own: Own) -> None:
    for number in range(MANY + 1):
        own.write(f"copy{number}", f"{number:03}")
    own.touch(*(f"copy{number}" for number in range(MANY + 1)))
    own.settle()
    lose(own, range(MANY + 1))
    assert len(own.publishing.held) == 0
    assert len(own.published()) == FILES + 4


def test_what_was_held_and_stands_elsewhere_now_was_moved(own: Own) -> None:
    for number in range(3):
        own.remove(f"d{number}")
    own.touch("d0", "d1", "d2")
    own.settle()
    assert len(own.publishing.held) == 3 * MANY + 3
    for number in range(0, FILES, 4):
        own.write(f"x{number}", f"{number:03}")
    own.touch(*(f"x{number}" for number in range(0, FILES, 4)))
    own.settle()
    assert len(own.publishing.held) == 2 * MANY + 2, "d0 with all its files is told"
    assert not any(path.startswith("d0") for path in own.published())


def lose_twins(own: Own) -> None:
    """Two files of one content are held, among many."""
    own.write("d0/twin", "twin")
    own.write("d1/twin", "twin")
    own.touch("d0/twin", "d1/twin")
    own.settle()
    for number in range(4):
        own.remove(f"d{number}")
    own.touch("d0", "d1", "d2", "d3")
    own.settle()
    assert {b"d0/twin", b"d1/twin"} <= {one.path for one in own.publishing.held.records()}


def test_one_file_that_came_elsewhere_ends_one_that_is_held_and_one_that_is_back_ends_none(
    own: Own,
) -> None:
    lose_twins(own)
    own.folders.add("d0")
    own.write("d0/twin", "twin")  # out of a backup, with another time
    own.touch("d0", "d0/twin")
    own.settle()
    assert (b"d0/twin" in own.publishing.held, b"d1/twin" in own.publishing.held) == (False, True)
    own.write("d0/twin", "twin")  # and `touch`
    own.touch("d0/twin")
    own.settle()
    assert b"d1/twin" in own.publishing.held
    own.write("elsewhere", "000")
    own.touch("elsewhere")
    own.settle()
    assert {"d0/twin", "d1/twin", "elsewhere"} <= own.published().keys()
    assert "d0/000" not in own.published()
    own.write("moved", "twin")
    own.touch("moved")
    own.settle()
    assert "d1/twin" not in own.published()


def test_what_is_to_come_back_is_not_moved_whatever_has_its_content(own: Own) -> None:
    lose_twins(own)
    own.publishing.breaker.say_returning({b"d0/twin", b"d1/twin", b"d3"})
    own.write("out of a drawer", "twin")
    names = {f"x{number}": f"{number:03}" for number in range(3, FILES, 4)}
    for name, text in names.items():
        own.write(name, text)
    own.touch("out of a drawer", *names)
    own.settle()
    assert not any(path.startswith("d3/") for path in own.published())
    assert {"d0/twin", "d1/twin", "out of a drawer", "d3"} <= own.published().keys()
    own.publishing.breaker.say_returning(())
    own.write("and another", "twin")
    own.touch("and another")
    own.settle()
    assert len({"d0/twin", "d1/twin"} & own.published().keys()) == 1


def cut_off(own: Own) -> list[str]:
    """Cut every file off to nothing; return which of them are held."""
    names = [name_of(number) for number in range(FILES)]
    for name in names:
        own.write(name, "")
    own.touch(*names)
    own.settle()
    held = [name for name in names if name.encode() in own.publishing.held]
    assert len(held) >= FILES - MANY, "they are read one by one: a quarter is told at most"
    return held


def test_what_is_cut_off_to_nothing_is_lost_and_goes_when_confirmed(own: Own) -> None:
    names = cut_off(own)
    assert {own.published()[name].size for name in names} == {3}
    own.read.clear()
    own.touch(*names)
    own.settle()
    assert own.read == [], "what is not told is known all the same"
    assert len(own.publishing.known_below(b"")) == FILES + 4
    own.remove(names[0])
    own.touch(names[0])
    own.settle()
    own.write(names[1], "again")
    own.touch(names[1])
    own.settle()
    assert len(own.publishing.held) == len(names) - 1
    own.publishing.confirm()
    own.tick(1.0)
    assert {own.published()[name].size for name in names[2:]} == {0}
    assert (names[0] in own.published(), own.published()[names[1]].size) == (False, 5)


def test_of_what_is_cut_off_it_is_said_that_it_stands_there(own: Own) -> None:
    names = cut_off(own)
    own.tick(2.0)
    (trouble,) = troubles(own)
    assert f"{len(names)} files" in trouble.reason
    assert "that I share: cut off to nothing here (" in trouble.reason
    own.remove(names[0])
    own.touch(names[0])
    own.settle()
    own.tick(2.0)
    own.publishing.breaker.on_others()
    own.tick(2.0)
    assert "that I share: not here, or cut off to nothing (" in troubles(own)[0].reason


def test_what_was_cut_off_and_has_another_name_is_told(own: Own) -> None:
    name = cut_off(own)[0]
    own.write("saved", name[3:])
    own.touch("saved")
    own.settle()
    assert (own.published()[name].size, own.published()["saved"].size) == (0, 3)


def test_a_file_in_the_place_of_a_held_folder_is_not_told_either(own: Own) -> None:
    for number in range(2):
        own.remove(f"d{number}")
        own.folders.discard(f"d{number}")
    own.write("d0", "a file now")
    own.touch("d0", "d1")
    own.settle()
    assert own.published()["d0/000"].size == 3
    assert own.publishing.stands(b"d0") is not None
    (trouble,) = troubles(own)
    assert "d1/d0 stands there: to have that back, give it another name" in trouble.reason
    assert trouble.command == "repair", "the other folder can come"
    own.remove("d0")
    own.folders.add("d0")
    own.touch("d0")
    own.settle()
    assert b"d0" not in own.publishing.held
    own.tick(3.0)
    (trouble,) = troubles(own)
    assert "stands there" not in trouble.reason
    own.remove("d0")
    own.write("d0", "a file again")
    own.touch("d0")
    own.settle()
    own.publishing.confirm()
    own.tick(1.0)
    assert own.published()["d0"].size == len("a file again")
    assert not [path for path in own.published() if path.startswith("d0/")]


def test_a_file_that_comes_later_in_the_place_of_a_held_folder_is_named_and_leads_on(
    own: Own,
) -> None:
    for number in range(2):
        own.remove(f"d{number}")
        own.folders.discard(f"d{number}")
    own.touch("d0", "d1")
    own.settle()
    (trouble,) = troubles(own)
    assert "stands there" not in trouble.reason
    for number in range(2):
        own.write(f"d{number}", "a file")
    own.touch("d0", "d1")
    own.settle()
    own.tick(3.0)
    (trouble,) = troubles(own)
    assert "d1/d0 and d1/d1 stand there" in trouble.reason
    assert trouble.command == "mv -nT /Shared/d1/d0 /Shared/d1/d0.other"
    own.remove("d0")
    own.touch("d0")
    own.settle()
    own.tick(3.0)
    (trouble,) = troubles(own)
    assert "d1/d1 stands there" in trouble.reason
    assert trouble.command == "repair"


def test_a_folder_that_goes_takes_along_what_is_kept_in_it(own: Own) -> None:
    name = cut_off(own)[0]
    own.remove(name[:2])
    own.touch(name[:2])
    own.settle()
    assert own.publishing.stands(name.encode()) is None
    assert own.published()[name].size == 3


def test_many_deletes_are_judged_when_no_more_come(own: Own) -> None:
    due_s = own.node.now + GATHER_MAX_S
    names = [name_of(number) for number in range(FILES)]
    for name in names[:MANY]:
        own.remove(name)
    own.touch(*names[:MANY])
    own.answer()
    for name in names[MANY:]:
        assert len(own.published()) == FILES + 4
        own.remove(name)
        own.touch(name)
        own.answer()
        own.tick(DELETES_QUIET_S / 2)
        if own.publishing.held:
            break
    assert own.node.now == pytest.approx(due_s), "after ten seconds they are judged in any case"
    assert len(own.published()) == FILES + 4


def test_while_something_is_looked_at_more_deletes_are_awaited(own: Own) -> None:
    names = [name_of(number) for number in range(FILES)]
    for name in names:
        own.remove(name)
    own.touch(*names[:MANY])
    own.answer()
    own.touch(*names[MANY:])
    own.tick(GATHER_MAX_S - 0.5)
    assert len(own.published()) == FILES + 4, "a look is under way"
    own.settle()
    assert len(own.publishing.held) >= FILES


def test_a_pause_ends_the_waiting(own: Own) -> None:
    names = [name_of(number) for number in range(MANY)]
    for name in names:
        own.remove(name)
    own.touch(*names)
    own.answer()
    own.tick(DELETES_QUIET_S / 2)
    assert len(own.published()) == FILES + 4
    own.tick(DELETES_QUIET_S / 2)
    assert len(own.published()) == FILES + 4 - MANY


def test_without_it_a_wiped_folder_is_wiped_everywhere(
    own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owners_breaker, "is_mass", lambda lost, known: False)
    lose(own, range(FILES))
    assert not [path for path in own.published() if "/" in path]


def test_it_tells_once(own: Own) -> None:
    lose(own, range(MANY + 1))
    lose(own, range(MANY + 1, FILES - 1))
    own.tick(1.0)
    assert [tell.code for tell in own.tells] == ["own_deletes_held"]
    (trouble,) = troubles(own)
    assert trouble.reason.startswith(f"{FILES - 1} files"), "but status knows of all"


def test_what_is_held_while_the_index_fails_is_written_when_it_is_found_again(own: Own) -> None:
    rows = own.node.index.places.under(own.node.own_manifest, b"")
    lose(own, range(MANY + 1))
    held = own.node.index.meta.get("own deletes held")
    assert held is not None
    own.node.index.places.put(own.node.own_manifest, rows)
    own.node.index.meta.remove("own deletes held")
    own.own_folder.scan()
    own.tick()
    own.settle()
    own.tick(10.0)
    own.settle()
    assert own.node.index.meta.get("own deletes held") == held
    assert len(placed(own)) == FILES + 4 - MANY - 1


def test_status_says_how_it_comes_back_and_that_it_does(own: Own) -> None:
    own.node.roster = group(1, 2)
    lose(own, range(MANY + 1))
    (trouble,) = troubles(own)
    assert trouble.command == "repair"
    assert trouble.reason.endswith(
        "a disk took them along or hides what they were moved onto, the folder is an older copy, or"
        " this device does not remember"
        " them, so they are deleted nowhere unasked;"
        " to have here again what the others have of them, type: repair – if they are to go, type:"
        " confirm"
    )
    every = {one.path for one in own.publishing.held.records()}
    own.publishing.breaker.say_returning(every)
    (trouble,) = troubles(own)
    assert trouble.command == "peers"
    assert trouble.reason.endswith(
        "that has them is linked; to give some of them up, type: confirm PATH"
    )
    own.publishing.breaker.say_returning({b"d0/000"})
    (trouble,) = troubles(own)
    assert trouble.command == "repair", "of what is not wanted yet a person is told as before"
    assert trouble.reason.startswith("21 files (63 B) that I share: not here (d0/004, ")
    assert "; besides, 1 file (3 B) that I share: not here (d0/000); " in trouble.reason
    own.publishing.breaker.say_returning({b"d0/000", b"d0/004"})
    own.tick(1.0)
    (trouble,) = troubles(own)
    assert "; besides, 2 files (6 B) that I share: not here (d0/000 and d0/004); " in trouble.reason
    for _ in range(2):
        own.publishing.breaker.say_returning(())
    assert "repair" in troubles(own)[0].reason


def says(own: Own, missing: int) -> None:
    """d2 is linked, and says that it lacks so many files of the list as it is."""
    name, peer = own.node.own_manifest, own.node.peer(key(2).device)
    head = own.heads[-1]
    peer.link = LinkId(5)
    peer.kept[name] = Holding(*name, head.generation, head.seq, missing, missing)
    own.publishing.breaker.on_others()
    own.tick(1.0)


def test_what_nobody_is_known_to_have_is_not_said_to_be_with_the_others(own: Own) -> None:
    own.node.roster = group(1, 2)
    lose(own, range(MANY + 1))
    own.tick(2.0)
    assert "; no other device is known to have any of it (d2 is away); " in troubles(own)[0].reason
    since_s = troubles(own)[0].since_s
    for missing, words in (
        (MANY + 1, "no other device is known to have any of it, and all are linked"),
        (MANY, "d2 has some of it, 1 at least"),
        (0, "d2 has all of it"),
    ):
        says(own, missing)
        (trouble,) = troubles(own)
        assert f"; {words}; too many went" in trouble.reason
        assert (trouble.command, trouble.since_s) == ("repair", since_s)
    assert own.publishing.breaker.deadline() is None, "nothing more is to be counted"


def test_what_is_wanted_back_and_nobody_has_is_to_be_given_up(own: Own) -> None:
    own.node.roster = group(1, 2)
    own.write("d0/more", "more")
    own.touch("d0/more")
    own.settle()
    own.tick(LOSS_WINDOW_S)
    own.remove("d0")
    own.touch("d0")
    own.settle()
    own.tick(2.0)
    held = {one.path for one in own.publishing.held.records()}
    assert own.publishing.breaker.unwanted
    own.publishing.breaker.say_returning(held)
    assert not own.publishing.breaker.unwanted
    says(own, len(held))
    (trouble,) = troubles(own)
    assert trouble.command == "confirm d1/d0"
    assert trouble.reason.endswith(
        "; wanted back, but no other device is known to have any of it, and all are linked;"
        " to give that up, type: confirm d1/d0"
    )
    own.publishing.breaker.say_returning({b"d0/more"})
    says(own, len(held))
    (trouble,) = troubles(own)
    assert trouble.reason.endswith("to give that up, type: confirm d1/d0/more"), "not d1/d0"
    assert "if they are to go, type: confirm PATH" in trouble.reason
    assert trouble.command == "repair", "of the others"
    own.publishing.breaker.say_returning(held)
    says(own, 0)
    assert troubles(own)[0].command == "peers"


def test_where_nothing_is_held_the_words_of_others_are_nothing(own: Own) -> None:
    own.publishing.breaker.on_others()
    assert own.publishing.breaker.deadline() is None


# -- what is fresh ---------------------------------------------------------------------------------
def build(own: Own, numbers: range) -> None:
    names = [f"d0/built{number}" for number in numbers]
    for name in names:
        own.write(name, f"built {name} {own.node.now}")
    own.touch(*names)
    own.settle()


def clear(own: Own, names: list[str]) -> None:
    """Delete these bit by bit."""
    for at in range(0, len(names), 10):
        for name in names[at : at + 10]:
            own.remove(name)
        own.touch(*names[at : at + 10])
        own.settle()
        own.tick(2 * LOSS_BURST_S)


def test_a_folder_that_is_built_and_cleared_bit_by_bit_is_no_loss(own: Own) -> None:
    for _ in range(5):
        build(own, range(60))
        clear(own, [f"d0/built{number}" for number in range(60)])
    assert (len(own.published()), len(own.publishing.held), own.tells) == (FILES + 4, 0, [])
    clear(own, [name_of(number) for number in range(40)])
    assert len(own.publishing.held) == 40 - 20, "and what is old is guarded as ever"


def test_what_is_fresh_and_goes_in_a_burst_is_held(own: Own) -> None:
    build(own, range(60))
    names = [f"d0/built{number}" for number in range(60)]
    for name in names:
        own.remove(name)
    own.touch(*names)
    own.settle()
    assert len(own.publishing.held) == 60


def test_what_is_written_anew_and_then_deleted_bit_by_bit_is_lost(own: Own) -> None:
    names = [name_of(number) for number in range(60)]
    for name in names:
        own.write(name, f"again {name}")
    own.touch(*names)
    own.settle()
    clear(own, names)
    assert len(own.publishing.held) == 60 - 20


def test_what_is_moved_and_then_deleted_bit_by_bit_is_lost(own: Own) -> None:
    own.move("d0", "e0")
    own.move("d1", "e1")
    own.touch("d0", "d1", "e0", "e1")
    own.settle()
    clear(own, [name for name in sorted(own.files) if name.startswith("e")])
    assert len(own.publishing.held) == 2 * MANY - 20


def test_what_comes_while_the_folder_is_away_or_is_found_by_the_first_look_is_old() -> None:
    own = Own()
    own.folders = {"d0"}
    for number in range(80):
        own.write(f"d0/{number}", f"{number}")
    own.own_folder.scan()
    own.tick()
    own.settle()
    own.marker = "missing"
    own.own_folder.scan()
    own.tick()
    own.settle()
    for number in range(60):
        own.write(f"d0/built{number}", f"built {number}")
    own.marker = "present"
    own.tick(10.0)
    own.settle()
    own.tick(10.0)
    own.settle()
    assert len(own.published()) == 141
    clear(own, [f"d0/built{number}" for number in range(50)])
    assert len(own.publishing.held) == 50 - 20, "of the bytes more than a quarter"


def test_a_breaker_that_takes_everything_for_fresh_is_found_out(
    own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FreshFiles, "old", lambda *_: {})
    clear(own, [name_of(number) for number in range(60)])
    assert len(own.publishing.held) == 0
