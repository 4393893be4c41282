"""Strays: told once with what to do, kept until they go or belong to somebody.

Strategy: one node in a group of two; what the disk tells is written by hand.
"""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ManifestName
from potluck.core.content.paths import parse_wire_path
from potluck.core.group.statements import (
    Forget,
    Remove,
    Succeed,
    key_id,
    sign_act,
    sign_removal,
)
from potluck.core.keys.identity import short_id
from potluck.engine.effects import LookAtTop, Tell
from potluck.engine.events import LinkId, PathsTouched, ShareSeen, TopEntry, TopKind, TopSeen
from potluck.engine.group.membership import OTHERS_BEFORE
from potluck.engine.node import Node
from potluck.engine.others.group_commit import folder_row
from potluck.engine.strays import REASON, TOP_SETTLE_S, Strays
from potluck.engine.troubles import KIND_MAX, Trouble, TroubleKind
from tests.engine.builders import group, key, node, taken

FOUND, LOST = ShareSeen(present=True, reason=""), ShareSeen(present=False, reason="missing")


def begun(*, met: bool = True) -> tuple[Node, Strays]:
    """Device d1 in a group with d2, which it has met if nothing else is said."""
    one = node(1, folder="/home/ada/My Potluck")
    one.roster = group(1, 2)
    if met:
        one.peer(key(2).device).gone_s = 0.0
    return one, Strays(one)


def top(*names: str, complete: bool = True, kind: TopKind = TopKind.FOLDER) -> TopSeen:
    entries = (TopEntry(name, plain="\\" not in name, kind=kind) for name in names)
    return TopSeen(tuple(entries), complete)


def subjects(one: Node) -> list[str]:
    return [trouble.subject for trouble in one.troubles.of(TroubleKind.STRAY)]


def told(one: Node) -> list[Tell]:
    return taken(one, Tell)


def test_what_is_a_members_is_no_stray() -> None:
    one, strays = begun()
    strays.on_top(top("d1", "d2"))
    assert (subjects(one), told(one)) == ([], [])


def test_the_common_folder_is_told_to_be_not_shared_yet() -> None:
    one, strays = begun()
    strays.on_top(top("Everyone"))
    (said,) = told(one)
    words = "bears the name of the common folder, which is not shared in this version"
    command = f"mv -n {IN}Everyone' {IN}d1/'"
    assert (said.text, said.command) == (
        f"Shared/Everyone {words}; to share it: {command}",
        command,
    )
    (kept,) = one.troubles.of(TroubleKind.STRAY)
    assert (kept.subject, kept.reason) == ("Shared/Everyone", words)


def test_a_stray_is_told_once_with_what_to_do_and_kept_until_it_goes() -> None:
    one, strays = begun()
    command = "mv -n '/home/ada/My Potluck/Shared/photos' '/home/ada/My Potluck/Shared/d1/'"
    strays.on_top(top("d1", "photos"))
    kept = Trouble(TroubleKind.STRAY, "Shared/photos", REASON, command, 0.0, None)
    assert one.troubles.of(TroubleKind.STRAY) == [kept]
    text = f"Shared/photos {REASON}; to share it: {command}"
    assert told(one) == [Tell("stray", text, "warning", "Shared/photos", command)]
    one.now = 5.0
    strays.on_top(top("d1", "photos"))
    assert (one.troubles.of(TroubleKind.STRAY), told(one)) == ([kept], [])
    assert repr(strays) == "<Strays: 1>"
    strays.on_top(top("d1"))
    assert subjects(one) == []


def test_who_is_alone_and_may_be_about_to_join_is_not_told_to_share_what_others_share() -> None:
    """A machine that was installed anew was told to move the folders of its group."""
    one, strays = begun()
    one.roster = group(1)
    strays.on_top(top("d1", "d2", "photos"))
    (alone,) = told(one)
    assert (
        "; leave what is of a group that this device is about to join; to share one:" in alone.text
    )
    strays.on_top(top("d1", "photos", kind=TopKind.FILE))
    (file,) = told(one)
    assert "leave" not in file.text, "no device is called like a file"
    one.roster = group(1, 2)
    strays.on_top(top("d1", "d2", "photos"))
    assert subjects(one) == ["Shared/photos"]
    (kept,) = one.troubles.of(TroubleKind.STRAY)
    assert kept.reason == REASON


def test_who_met_nobody_yet_is_not_told_to_share_what_may_be_a_members() -> None:
    """A state of an old backup does not know who came since, and said to take their folders."""
    one, strays = begun(met=False)
    strays.on_top(top("d1", "d2", "dora", "emil"))
    words = "belong to no device that this one knows of: not shared; nobody of the group was met"
    words += " since the start, and an older state may not remember all of it: wait for the others"
    (said,) = told(one)
    see = f"ls -la {IN}dora'"
    assert (said.text, said.command) == (
        f"Shared/dora and Shared/emil {words}; to see what is in one: {see}",
        see,
    )
    kept = one.troubles.of(TroubleKind.STRAY)
    assert [each.command for each in kept] == [f"ls -la {IN}{name}'" for name in ("dora", "emil")]
    assert all(each.reason.startswith("belongs to no device that this one knows") for each in kept)
    strays.on_top(top("d1", "dora", "emil"))
    assert told(one) == [], "it is told once"
    strays.on_top(top("letter.txt", kind=TopKind.FILE))
    assert told(one)[0].command.startswith("mv -n"), "no device has a file there"


def test_whoever_is_met_decides_what_is_nobodys() -> None:
    one, strays = begun(met=False)
    strays.on_linked()
    assert strays.deadline() is None, "nothing stands there"
    strays.on_top(top("d1", "d3", "photos"))
    told(one)
    one.peer(key(2).device).link = LinkId(7)
    strays.on_linked()
    assert strays.deadline() == TOP_SETTLE_S, "what it knows of the group comes before"
    one.roster = group(1, 2, 3)
    strays.on_top(top("d1", "d3", "photos"))
    (said,) = told(one)
    assert said.command == f"mv -n {IN}photos' {IN}d1/'"
    assert subjects(one) == ["Shared/photos"]


def test_the_folders_of_others_in_a_group_before_are_not_to_become_the_own() -> None:
    one, strays = begun()
    one.index.meta.set(OTHERS_BEFORE, b"anna\nben\nd2")
    strays.on_top(top("d1", "d2", "anna", "ben", "photos"))
    strays.on_top(top("d1", "d2", "anna", "ben", "photos"))
    nobodys, others = sorted((tell.text for tell in told(one)), key=len)
    assert "Shared/photos" in nobodys
    assert others == (
        "Shared/anna and Shared/ben were other devices' folders, in a group before: they stay as "
        f"they are and are not shared; to see what is in one: ls -la {IN}anna'"
    )
    assert all(
        not trouble.command.startswith("mv") or trouble.subject == "Shared/photos"
        for trouble in one.troubles.of(TroubleKind.STRAY)
    )
    strays.on_top(top("anna", kind=TopKind.LINK))
    assert told(one)[0].text.startswith("Shared/anna is a symbolic link")


def test_the_own_folder_of_a_group_before_is_told_as_that() -> None:
    one, strays = begun()
    one.index.meta.set(OTHERS_BEFORE, b"/eve\nanna")
    strays.on_top(top("d1", "Eve", "Anna"))
    own, anothers = sorted((tell.text for tell in told(one)), key=lambda text: "Anna" in text)
    assert own == (
        "Shared/Eve was this device's own folder, in a group before: it is not shared now; "
        f"to share it: mv -n {IN}Eve' {IN}d1/'"
    )
    assert anothers.startswith("Shared/Anna was another device's folder, in a group before")


def test_several_are_told_in_one_line_and_an_escaped_name_stands_in_no_command() -> None:
    one, strays = begun()
    strays.on_top(top("my photos"))
    assert told(one)[0].text.startswith(f"“Shared/my photos” {REASON}")
    strays.on_top(top("a\\x1b"))
    (said,) = told(one)
    assert said.text.endswith("to see it: find '/home/ada/My Potluck/Shared' -maxdepth 1 -ls")
    strays.on_top(top("a\\x1b", "b\\x1b", "c\\x1b"))
    (said,) = told(one)
    assert said.text.endswith("to see them: find '/home/ada/My Potluck/Shared' -maxdepth 1 -ls")
    strays.on_top(top())
    strays.on_top(top("a\\x1b", "b", "c", "d", "e"))
    (said,) = told(one)
    assert said.text == (
        "Shared/a\\x1b, Shared/b, Shared/c and 2 more belong to no device of this group: not"
        " shared; to share one: mv -n '/home/ada/My Potluck/Shared/b'"
        " '/home/ada/My Potluck/Shared/d1/'"
    )


IN = "'/home/ada/My Potluck/Shared/"
A_LINK = "is a symbolic link, which is never shared"
LINKS = "are symbolic links, which are never shared"


@pytest.mark.parametrize(
    ("kind", "one", "several"),
    [
        (
            TopKind.LINK,
            f"{A_LINK}; to share a copy of what it points at: cp -rLn {IN}a' {IN}d1/'",
            f"{LINKS}; to share a copy of what one points at: cp -rLn {IN}b' {IN}d1/'",
        ),
        (
            TopKind.SPECIAL,
            f"is a pipe, a socket or a device, which is never shared; to see it: ls -ld {IN}a'",
            f"are pipes, sockets or devices, which are never shared; to see one: ls -ld {IN}b'",
        ),
    ],
)
def test_what_is_never_shared_is_not_advised_to_be_moved(
    kind: TopKind, one: str, several: str
) -> None:
    here, strays = begun()
    strays.on_top(top("a", kind=kind))
    (said,) = told(here)
    assert said.text == f"Shared/a {one}"
    (kept,) = here.troubles.of(TroubleKind.STRAY)
    assert (kept.reason, kept.command) == (one.partition(";")[0], said.command)
    strays.on_top(top("a", "b", "c", kind=kind))
    (said,) = told(here)
    assert said.text == f"Shared/b and Shared/c {several}"


def test_a_folder_that_would_be_this_devices_if_it_could_is_told_as_that() -> None:
    one = node(1, folder="/f", unfit=frozenset({"a+b", "link"}))
    strays = Strays(one)
    entries = top("a+b", "x").entries + top("link", kind=TopKind.LINK).entries
    strays.on_top(TopSeen(entries, complete=True))
    unfit = "is named after this host, but no device can be called that: it is not shared"
    copy = "to share a copy of what it points at: cp -rLn /f/Shared/link /f/Shared/d1/"
    assert [said.text for said in told(one)] == [
        f"Shared/a+b {unfit}; to share it: mv -n /f/Shared/a+b /f/Shared/d1/",
        f"Shared/x {REASON}; to share it: mv -n /f/Shared/x /f/Shared/d1/",
        f"Shared/link {A_LINK}; {copy}",
    ]


def test_what_becomes_another_thing_is_told_as_that_and_each_kind_in_its_line() -> None:
    one, strays = begun()
    strays.on_top(top("a"))
    told(one)
    folder, links = top("b").entries, top("a", "c", kind=TopKind.LINK).entries
    strays.on_top(TopSeen((*folder, *links), complete=True))
    lines = [said.text.partition(";")[0] for said in told(one)]
    assert lines == [
        f"Shared/b {REASON}",
        f"Shared/a and Shared/c {LINKS}",
    ]


def test_a_stray_that_turns_out_to_be_a_members_is_cleared() -> None:
    one, strays = begun()
    strays.on_top(top("d3", "x"))
    one.roster = group(1, 2, 3)
    strays.on_members()
    assert strays.deadline() == TOP_SETTLE_S
    strays.on_tick()
    assert taken(one, LookAtTop) == []
    one.now = TOP_SETTLE_S
    strays.on_tick()
    assert taken(one, LookAtTop) == [LookAtTop()]
    assert strays.deadline() is None
    strays.on_tick()
    strays.on_top(top("d3", "x"))
    assert subjects(one) == ["Shared/x"]


def test_the_top_is_looked_at_after_each_check_of_the_marker() -> None:
    one, strays = begun()
    strays.on_share(FOUND)
    assert taken(one, LookAtTop) == [LookAtTop()]
    strays.on_top(top("x"))
    strays.on_share(LOST)
    assert taken(one, LookAtTop) == []
    assert (subjects(one), repr(strays)) == ([], "<Strays: 0>")


def test_only_what_is_touched_directly_and_nobodys_is_looked_at_and_not_too_often() -> None:
    one, strays = begun()

    def touch(*paths: str) -> None:
        seen = tuple(parse_wire_path(path.encode()) for path in paths)
        strays.on_touched(PathsTouched(seen, overflow=False))

    touch("d1", "d2", "d1/x", "photos/x")
    assert strays.deadline() is None
    touch("photos")
    one.now = 0.5
    touch("photos")
    assert strays.deadline() == TOP_SETTLE_S
    one.share_present, one.now = False, TOP_SETTLE_S
    strays.on_tick()
    assert (strays.deadline(), taken(one, LookAtTop)) == (None, [])


def test_where_not_all_is_told_only_what_belongs_to_somebody_is_cleared() -> None:
    one, strays = begun()
    strays.on_top(top("d3", "x", "y"))
    one.roster = group(1, 2, 3)
    strays.on_top(top("x", complete=False))
    assert subjects(one) == ["Shared/x", "Shared/y"]


def test_of_very_many_the_first_are_kept_and_all_counted() -> None:
    one, strays = begun()
    strays.on_top(top(*(f"s{number:03}" for number in range(KIND_MAX + 5))))
    assert len(subjects(one)) == KIND_MAX
    assert one.troubles.count(TroubleKind.STRAY) == KIND_MAX + 5
    strays.on_top(top())
    assert one.troubles.count(TroubleKind.STRAY) == 0


def test_before_there_is_a_group_only_the_own_folder_is_somebodys() -> None:
    one, strays = begun()
    one.roster = None
    strays.on_top(top("d1", "d2"))
    assert subjects(one) == ["Shared/d2"]


def test_a_folder_that_still_has_or_had_the_name_of_a_member_is_no_stray() -> None:
    one, strays = begun()
    one.former.note(key(2).device, "anna", "d2")
    strays.on_top(top("anna", "d2"))
    assert subjects(one) == []
    roster = one.roster = group(1, 2, 3)
    said = Remove(roster.group, key(2).device, [], b"", None, key_id(b"k" * 32), [])
    roster.add(sign_removal(key(1), said, roster.signed_by(key(2).device)))
    roster.add([sign_act(key(1), Succeed(roster.group, key(2).device, key(3).device))])
    roster.settle()
    before = f"d2-{short_id(key(2).device)}"
    strays.on_top(top(before, "d2", "d3"))
    assert subjects(one) == ["Shared/d3"]


def test_the_folder_of_a_forgotten_device_is_a_stray_once_nothing_known_stands_in_it() -> None:
    one, strays = begun()
    roster = one.roster = group(1, 2, 3)
    said = Remove(roster.group, key(3).device, [], b"", None, b"", [])
    roster.add(sign_removal(key(1), said, []))
    roster.settle()
    strays.on_top(top("d3"))
    assert subjects(one) == [], "that of a removed one stays its own"
    name = ManifestName.own(key(3).device)
    one.index.places.put(name, [folder_row(b"f")])
    roster.add([sign_act(key(1), Forget(roster.group, key(3).device))])
    strays.on_top(top("d3"))
    assert subjects(one) == [], "it is on its way to the trash"
    one.index.places.remove(name, [b"f"])
    strays.on_top(top("d3"))
    assert subjects(one) == ["Shared/d3"]
