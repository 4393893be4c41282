"""Imports: which command waits for which order, and what it hears."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import NO_ROOM, OF_THE_DISK, ManifestName
from potluck.core.content.known_versions import KnownVersion
from potluck.core.content.paths import parse_wire_path
from potluck.core.errors import NotFound
from potluck.engine.effects import Import, Reply
from potluck.engine.events import AddAsked, Imported, OrderId
from potluck.engine.own.imports import (
    ADD_A_COPY,
    KEEP_PRIVATE,
    LEAVING,
    LOCKED_BACKUP,
    LOCKED_COPY,
    OF_THIS_DEVICE,
    OFFLINE,
    OWN_FILE,
    PRIVATE,
    START_AGAIN,
    Imports,
)
from potluck.engine.own.restored import RESTORE
from tests.engine.builders import group, key, node, taken
from tests.engine.index.builders import place, record, root_of
from tests.engine.listeners import Heard

TOP = parse_wire_path(b"d1")


def test_a_command_hears_what_was_added_and_what_was_not() -> None:
    made = node()
    imports = Imports(made, Heard())
    imports.on_add(AddAsked(7, ("/home/a", "/home/b"), "move"), TOP)
    (wanted,) = taken(made, Import)
    assert (wanted.paths, wanted.mode, wanted.into) == (("/home/a", "/home/b"), "move", TOP)
    imports.on_imported(Imported(wanted.order, ("a",), (("/home/b", "not there"),)))
    assert taken(made, Reply) == [
        Reply(7, ok=False, text="added a\nnot added: /home/b (not there)")
    ]
    imports.on_imported(Imported(wanted.order, ("a",), ()))
    assert made.take() == []


def test_what_is_shared_already_is_said_with_its_path() -> None:
    made = node()
    imports = Imports(made, Heard())
    for mode, left in (("copy", ""), ("move", "; the original was left where it is")):
        imports.on_add(AddAsked(1, ("/home/a.txt",), mode), TOP)
        (wanted,) = taken(made, Import)
        already = (("/home/a.txt", "a (2).txt"),)
        imports.on_imported(Imported(wanted.order, (), (), already))
        text = f"already shared: /home/a.txt, as d1/a (2).txt{left}"
        assert taken(made, Reply) == [Reply(1, ok=True, text=text)]


def test_a_name_that_was_taken_is_said_and_by_what() -> None:
    made = node()
    imports = Imports(made, Heard())
    imports.on_add(AddAsked(1, ("/home/photos", "/home/a"), "copy"), TOP)
    (wanted,) = taken(made, Import)
    instead = (("photos (2)", "photos"),)
    imports.on_imported(Imported(wanted.order, ("photos (2)", "a"), (), (), instead))
    text = "added photos as photos (2): d1/photos is there already, and is not the same\nadded a"
    assert taken(made, Reply) == [Reply(1, ok=True, text=text)]


@pytest.mark.parametrize(
    ("reason", "code", "advice"),
    [
        *[(str(each), "disk", "make room on this disk, then add again") for each in NO_ROOM],
        *[(str(each), "disk", "") for each in OF_THE_DISK - NO_ROOM],
        ("not there", "", ""),
        ("permission denied", "", ""),
    ],
)
def test_what_the_disk_did_not_take_is_trouble_of_the_disk(
    reason: str, code: str, advice: str
) -> None:
    made = node()
    imports = Imports(made, Heard())
    imports.on_add(AddAsked(1, ("/a",), "copy"), TOP)
    (wanted,) = taken(made, Import)
    imports.on_imported(Imported(wanted.order, (), (("/a", reason),)))
    text = f"not added: /a ({reason})"
    assert taken(made, Reply) == [Reply(1, ok=False, text=text, code=code, fix=advice)]


def test_what_is_private_is_refused_in_three_parts_and_a_backup_is_warned_of() -> None:
    made = node()
    imports = Imports(made, Heard())
    imports.on_add(AddAsked(1, ("/home/device.key", "/me.backup"), "copy"), TOP)
    (wanted,) = taken(made, Import)
    failed = (("/home/device.key", PRIVATE),)
    told = Imported(wanted.order, ("me.backup",), failed, backups=("me.backup",))
    imports.on_imported(told)
    (reply,) = taken(made, Reply)
    assert reply.text.splitlines() == [
        "added me.backup",
        f"not added: /home/device.key ({PRIVATE})",
        f"d1/me.backup {LOCKED_BACKUP.splitlines()[0]}",
        "  next: delete it there if that is not what you want",
    ]
    assert (reply.ok, reply.cause, reply.fix) == (False, KEEP_PRIVATE, LOCKED_COPY)


def test_a_file_that_potluck_keeps_for_itself_is_not_called_the_identity() -> None:
    made = node()
    imports = Imports(made, Heard())
    failed = [("/home/config.toml", OWN_FILE)]
    for cause, fix in (
        (OF_THIS_DEVICE, ADD_A_COPY),
        (f"{KEEP_PRIVATE}\n{OF_THIS_DEVICE}", f"{LOCKED_COPY}\n{ADD_A_COPY}"),
    ):
        imports.on_add(AddAsked(1, ("/home/config.toml",), "copy"), TOP)
        (wanted,) = taken(made, Import)
        imports.on_imported(Imported(wanted.order, (), tuple(failed)))
        (reply,) = taken(made, Reply)
        assert (reply.ok, reply.cause, reply.fix) == (False, cause, fix)
        failed.append(("/home/device.key", PRIVATE))


def test_nothing_to_add_is_an_answer_too() -> None:
    made = node()
    imports = Imports(made, Heard())
    imports.on_add(AddAsked(1, (), "copy"), TOP)
    (wanted,) = taken(made, Import)
    imports.on_imported(Imported(wanted.order, (), ()))
    assert taken(made, Reply) == [Reply(1, ok=True, text="nothing to add")]


def test_nothing_is_added_to_what_stands_where_the_share_was() -> None:
    made = node()
    made.share_present = False
    Imports(made, Heard()).on_add(AddAsked(1, ("/a",), "copy"), TOP)
    (reply,) = taken(made, Reply)
    assert (reply.ok, reply.text, reply.fix) == (False, OFFLINE, "status")
    assert reply.cause


def test_what_came_back_from_the_trash_is_said_as_that() -> None:
    made = node()
    imports = Imports(made, Heard())
    imports.on_add(AddAsked(1, ("a.txt",), RESTORE), TOP)
    (wanted,) = taken(made, Import)
    imports.on_imported(Imported(wanted.order, ("a.txt",), ()))
    (reply,) = taken(made, Reply)
    assert (reply.ok, reply.text) == (True, f"restored {made.own_label}/a.txt")


@pytest.mark.parametrize(
    ("named", "known"),
    [("d2/docs/a@2", True), ("d2/", True), ("d2/b", False), ("nobody/a", False), ("../a", False)],
)
def test_a_restore_is_told_what_the_versions_may_be(named: str, known: bool) -> None:
    made = node()
    made.roster = group(1, 2)
    his = ManifestName.own(key(2).device)
    made.index.places.put(his, [place(record("docs/a"))])
    made.index.former.note_kept(his, [(b"docs/a", b"")], "d2")
    Imports(made, Heard()).on_add(AddAsked(1, (named,), RESTORE), TOP)
    (wanted,) = taken(made, Import)
    version = KnownVersion("d2/docs/a", 6, 5, root_of("docs/a"), 0, kept=True)
    assert wanted.known == ((version,) if known else ())


def test_an_order_nobody_gave_is_ignored() -> None:
    made = node()
    Imports(made, Heard()).on_imported(Imported(OrderId(99), ("a",), ()))
    assert made.take() == []


def test_a_device_that_leaves_answers_every_command() -> None:
    made = node()
    imports = Imports(made, Heard())
    imports.on_add(AddAsked(1, ("/a",), "copy"), TOP)
    (wanted,) = taken(made, Import)
    made.leaving = True
    imports.on_leaving()
    imports.on_add(AddAsked(2, ("/b",), "copy"), TOP)
    replies = taken(made, Reply)
    assert [(reply.command, reply.ok) for reply in replies] == [(1, False), (2, False)]
    assert {reply.text for reply in replies} == {LEAVING}
    assert all(reply.cause and reply.fix.startswith(START_AGAIN) for reply in replies)
    imports.on_imported(Imported(wanted.order, ("a",), ()))
    assert made.take() == []


def test_it_says_how_many_commands_wait() -> None:
    imports = Imports(node(), Heard())
    imports.on_add(AddAsked(1, ("/a",), "copy"), TOP)
    assert repr(imports) == "<Imports: 1 commands wait>"


class Others:
    """Whoever knows what the trash of others may hold."""

    def __init__(self, answer: str | NotFound) -> None:
        self.answer = answer

    def restore(self, name: str, done: Imported) -> str:
        """Answer as the test says."""
        assert (name, len(done.failed)) == ("d1/a", 1)
        if isinstance(self.answer, NotFound):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "added", "reply"),
    [
        ("it comes", (), Reply(7, ok=True, text="it comes")),
        ("more comes", ("b",), Reply(7, ok=True, text="restored d1/b\nmore comes")),
        (NotFound("no", "why", "so"), (), Reply(7, False, "no", "not_found", "why", "so")),
    ],
)
def test_what_the_trash_here_has_not_may_be_elsewhere(
    answer: str | NotFound, added: tuple[str, ...], reply: Reply
) -> None:
    made = node()
    imports = Imports(made, Others(answer))
    imports.on_add(AddAsked(7, ("d1/a",), RESTORE), TOP)
    (wanted,) = taken(made, Import)
    imports.on_imported(Imported(wanted.order, added, (("d1/a", "not here"),)))
    assert taken(made, Reply) == [reply]
