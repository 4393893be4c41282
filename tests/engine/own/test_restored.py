"""What came of a `restore`: each line says where it stands, and nothing is said that is not so."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import Hindrance
from potluck.engine.effects import Import, Reply
from potluck.engine.events import AddAsked, Imported, OrderId
from potluck.engine.own.imports import LEAVING, NOT_IN_PLACE, NOT_RESTORED, Imports
from potluck.engine.own.restored import (
    LINES,
    NOT_AS_IT_CAME,
    NOT_IN_TRASH,
    RESTORE,
    STANDS_ALL,
    TOO_FEW,
    reply_of,
)
from tests.engine.builders import node, taken
from tests.engine.listeners import Heard
from tests.engine.own.test_imports import TOP

ORDER = OrderId(1)


def said(event: Imported) -> Reply:
    """The reply to command 7 at the device `me`."""
    return reply_of(7, "me", event)


def test_what_came_back_to_its_place_says_where_what_stood_there_is() -> None:
    reply = said(Imported(ORDER, ("a.txt", "b.txt"), (), kept=("b.txt",)))
    text = "restored me/a.txt\nrestored me/b.txt; what stood there is in the trash now"
    assert reply == Reply(7, ok=True, text=text)


def test_what_is_somebody_elses_says_where_it_is_and_that_their_folder_stays() -> None:
    name = "Restored from ann/a.txt"
    reply = said(Imported(ORDER, (name,), (), instead=((name, "ann/a.txt"),)))
    assert reply.text == (
        f"restored ann/a.txt as “me/{name}”: the folder of ann stays as its owner has it"
    )


def test_what_stands_there_already_is_as_good_as_restored() -> None:
    reply = said(Imported(ORDER, (), (), (("me/a.txt", "me/a.txt"),)))
    assert reply == Reply(7, ok=True, text="me/a.txt stands as me/a.txt already")


@pytest.mark.parametrize("reason", [NOT_IN_TRASH, TOO_FEW])
def test_what_the_trash_does_not_hold_is_not_found(reason: str) -> None:
    reply = said(Imported(ORDER, (), (("ann/a", reason),)))
    assert (reply.ok, reply.code, reply.fix) == (False, "not_found", "history")
    assert reply.text == f"not restored: ann/a ({reason})"
    assert reply.cause


def test_a_folder_of_which_nothing_is_missing_has_no_version_to_bring_back() -> None:
    reply = said(Imported(ORDER, (), (("ann/a/", STANDS_ALL),)))
    assert (reply.ok, reply.code, reply.fix) == (False, "", "history")
    assert reply.cause == "a folder comes back only as far as something in it is missing"


@pytest.mark.parametrize(
    ("reason", "code", "fix"),
    [
        (str(Hindrance.SPACE), "disk", "make room on this disk, then try again"),
        (str(Hindrance.IO), "disk", ""),
        ("a folder stands there", "", ""),
    ],
)
def test_what_the_disk_did_not_take_says_so(reason: str, code: str, fix: str) -> None:
    reply = said(Imported(ORDER, ("b",), (("me/a", reason),)))
    assert (reply.ok, reply.code, reply.fix) == (False, code, fix)
    assert reply.text == f"restored me/b\nnot restored: me/a ({reason})"


@pytest.mark.parametrize(
    ("lies", "fix"),
    [
        (
            "/p/.potluck/trash/x/ann/a b",
            "to have it as it is: cp -n '/p/.potluck/trash/x/ann/a b' .",
        ),
        ("/p\x1b/.potluck/trash/x/ann/a", "trash"),
    ],
)
def test_what_changed_in_the_trash_can_be_copied_by_hand(lies: str, fix: str) -> None:
    failed = (("ann/a", NOT_AS_IT_CAME), ("ann/c", NOT_IN_TRASH))
    reply = said(Imported(ORDER, (), failed, changed=(lies,)))
    assert (reply.ok, reply.code, reply.fix) == (False, "", fix)
    assert reply.text.splitlines()[0] == f"not restored: ann/a ({NOT_AS_IT_CAME})"
    assert reply.cause


def test_of_many_the_first_are_named_and_nothing_is_nothing() -> None:
    names = tuple(f"f{n}" for n in range(LINES + 3))
    lines = said(Imported(ORDER, names, ())).text.splitlines()
    assert (len(lines), lines[-1]) == (LINES + 1, "… and 3 more")
    assert said(Imported(ORDER, (), ())).text == "nothing to restore"


def test_a_restore_waits_like_an_add_and_hears_its_own_words() -> None:
    made = node()
    imports = Imports(made, Heard())
    imports.on_add(AddAsked(7, ("d1/a@2",), RESTORE), TOP)
    (wanted,) = taken(made, Import)
    assert (wanted.paths, wanted.mode, wanted.into) == (("d1/a@2",), RESTORE, TOP)
    imports.on_imported(Imported(wanted.order, ("a",), ()))
    assert taken(made, Reply) == [Reply(7, ok=True, text="restored d1/a")]
    imports.on_add(AddAsked(8, ("d1/a@2",), RESTORE), TOP)
    made.take()
    imports.on_leaving()
    (reply,) = taken(made, Reply)
    assert (reply.text, reply.fix.splitlines()[-1]) == (LEAVING, "then restore again")
    made.share_present = False
    imports.on_add(AddAsked(9, ("d1/a@2",), RESTORE), TOP)
    text = NOT_RESTORED
    assert taken(made, Reply) == [Reply(9, ok=False, text=text, cause=NOT_IN_PLACE, fix="status")]
