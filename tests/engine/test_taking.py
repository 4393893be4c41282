"""Taking: what is listed to be copied, what is refused, and what is said of it afterwards."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from potluck.core.content.facts import NO_ROOM, OF_THE_DISK, ManifestName
from potluck.core.content.pieces import piece_size_for
from potluck.core.errors import DiskTrouble, NotFound, PotluckError, Refused, UsageError
from potluck.engine import taking
from potluck.engine.effects import Import, Reply
from potluck.engine.events import Imported, LeaveAsked
from potluck.engine.node import Node
from potluck.engine.own.imports import LEAVING, NOT_AS_LISTED
from potluck.engine.person_acts import TakeAsked
from potluck.engine.taking import Taking
from tests.engine.builders import group, key, node, taken
from tests.engine.index.builders import folder, place, receive, record
from tests.engine.others.test_moving_folders import names, sharing

OWNER = key(2).device
OWNERS = ManifestName.own(OWNER)
RECORDS = [record("a"), folder("f"), record("f/b"), record("f/c"), record("g/d")]


class Device:
    """Device 1 of two; of what the other one shares `g/d` is not here."""

    def __init__(self, stands: int = 4) -> None:
        self.node: Node = node(1)
        self.node.roster = group(1, 2)
        self.node.share_present = True
        receive(self.node.index, RECORDS, 1, OWNER)
        self.node.index.places.put(OWNERS, [place(one) for one in RECORDS[:stands]])
        self.part = Taking(self.node)
        self.top = f"{self.node.settings.folder}/Shared/d2"

    def take(self, path: str, into: str = "") -> Import:
        """Ask for it; return what the disk is to do."""
        self.part.begin(TakeAsked(3, path, into))
        (effect,) = taken(self.node, Import)
        return effect

    def end(self, order: Import, *added: str, **others: Any) -> Reply:
        """The disk did it; return what is answered."""
        self.part.on_imported(Imported(order.order, added, **{"failed": (), **others}))
        (reply,) = taken(self.node, Reply)
        return reply


def test_a_file_is_listed_with_its_hash_and_comes_into_the_own_folder() -> None:
    device = Device()
    order = device.take("d2/a")
    path = f"{device.top}/a"
    assert (order.paths, order.mode, str(order.into)) == ((path,), "reflink", "d1")
    assert order.listed == ((path, RECORDS[0].root, RECORDS[0].piece_size),)
    assert repr(device.part) == "<Taking: 1 under way>"
    reply = device.end(order, "a")
    assert (reply.command, reply.ok, reply.text) == (3, True, "copied d2/a as d1/a")
    assert repr(device.part) == "<Taking: 0 under way>"
    device.part.on_imported(Imported(order.order, (), ()))
    assert taken(device.node, Reply) == []


def test_a_folder_is_listed_with_all_that_is_here_and_what_is_not_is_said() -> None:
    device = Device(3)
    order = device.take("d2/f/", "docs/old")
    assert str(order.into) == "d1/docs/old"
    assert [file.path for file in order.listed or ()] == [f"{device.top}/f/b"]
    reply = device.end(order, "docs/old/f (2)", instead=(("docs/old/f (2)", "f"),))
    assert (reply.ok, reply.code, reply.fix) == (False, "refused", "why d2/f")
    assert reply.text.splitlines() == [
        "copied d2/f as “d1/docs/old/f (2)”: its own name is taken there",
        "not copied: 1 file or folder of it, not here as shared now",
    ]


def test_a_whole_folder_of_a_device_can_be_taken_and_may_be_there_already() -> None:
    device = Device()
    order = device.take("d2")
    assert order.paths == (device.top,)
    assert len(order.listed or ()) == 3
    reply = device.end(order, already=((device.top, "d2"),))
    assert reply.text.splitlines()[0] == "d2 is there already, as d1/d2"


def test_a_file_that_stands_here_as_its_owner_had_it_before_is_listed_as_that() -> None:
    device = Device()
    older = msgspec.structs.replace(place(record("a", text="before")), size=6)
    device.node.index.places.put(OWNERS, [older])
    (file,) = device.take("d2/a").listed or ()
    assert (file.root, file.piece_size) == (older.root, piece_size_for(6))
    order = device.take("d2/a")
    assert device.end(order, "a").text.endswith(
        "not copied: 1 file or folder of it, not here as shared now"
    )


def test_what_the_disk_did_not_copy_is_said_and_counted() -> None:
    device = Device()
    failed = tuple((f"{device.top}/{number}", NOT_AS_LISTED) for number in range(22))
    reply = device.end(device.take("d2/a"), failed=failed)
    assert not reply.ok
    lines = reply.text.splitlines()
    assert lines[0] == f"not copied: d2/0 ({NOT_AS_LISTED})"
    assert lines[-1] == "… and 2 more"
    assert (len(lines), reply.code, reply.fix) == (21, "", "")
    full = "there is no space left on the disk"
    for reason in NO_ROOM & OF_THE_DISK:
        full = reason
    reply = device.end(device.take("d2/a"), failed=(("a", full),))
    assert (reply.code, reply.fix) == (
        DiskTrouble.code,
        "make room on this disk, then try again",
    )


@pytest.mark.parametrize(
    ("path", "into", "kind", "what"),
    [
        ("d2/x", "", NotFound, "Nothing of d2/x is known here."),
        ("nobody/x", "", NotFound, "Nothing of nobody/x is known here."),
        ("d1/a", "", Refused, "d1/a is in the folder of this device already."),
        ("d2/g", "", Refused, "Nothing of d2/g is here yet."),
        ("d2/g/d", "", Refused, "Nothing of d2/g/d is here yet."),
        ("d2/../x", "", UsageError, "d2/../x is no path of the share."),
        ("d2/a", "../x", UsageError, "../x is no path of the share."),
    ],
)
def test_what_cannot_be_taken_is_refused(
    path: str, into: str, kind: type[PotluckError], what: str
) -> None:
    device = Device()
    with pytest.raises(kind) as error:
        device.part.begin(TakeAsked(3, path, into))
    assert error.value.what == what
    assert error.value.cause
    assert error.value.fix
    assert taken(device.node, Import) == []


def test_an_offline_share_and_too_much_at_once_are_refused(monkeypatch) -> None:
    device = Device()
    monkeypatch.setattr(taking, "TAKE_MAX", 3)
    with pytest.raises(Refused, match="more than 3 files and folders"):
        device.take("d2")
    device.node.share_present = False
    with pytest.raises(Refused, match="offline"):
        device.take("d2/a")


def test_of_very_much_that_lacks_the_least_is_said(monkeypatch) -> None:
    monkeypatch.setattr(taking, "LACKING_SHOWN", 2)
    device = Device(1)
    text = device.end(device.take("d2"), "d2").text
    assert text.endswith("not copied: at least 2 files and folders of it, not here as shared now")


def test_who_leaves_says_so() -> None:
    device = Device()
    device.take("d2/a")
    device.part.on_leaving()
    (reply,) = taken(device.node, Reply)
    assert (reply.ok, reply.text) == (False, LEAVING)
    assert reply.fix.endswith("take d2/a")


def test_real_engines_share_what_was_taken() -> None:
    wire, (founder, *_), owner = sharing()
    founder.hear(TakeAsked(7, f"{owner.label}/f"))
    assert wire.run(10.0, lambda: f"{founder.label}/f/b" in names(owner, founder.label))
    assert [reply.command for reply in founder.asked_for(Reply)][-1] == 7
    founder.hear(TakeAsked(8, f"{owner.label}/a"))
    founder.hear(LeaveAsked())
    assert founder.asked_for(Reply)[-1].text == LEAVING
