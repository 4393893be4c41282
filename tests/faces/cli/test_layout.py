"""Layout: the lines of `status`, each fact in its place, each silence explained."""

from __future__ import annotations

from typing import Any

import pytest

from potluck.faces.cli import layout
from potluck.faces.cli.layout import LONGEST_LIST, Words
from tests.faces.fakes import (
    alone,
    delivery,
    device,
    found,
    request,
    state,
    transfer,
    trouble,
    upload,
)

WORDS = Words("potluck --home h", "potluck", "potluck --home h")


def text(**changes: object) -> str:
    return "\n".join(layout.status_lines(state(**changes), WORDS))


def test_a_code_that_is_in_force_is_shown_with_how_to_take_it_back() -> None:
    """Whoever had made one an hour ago, or another person here, could not see it."""
    code = "code     in force for 9 min and {} more; to take it back: "
    for tries, said in ((3, "3 tries"), (1, "1 try"), (0, "0 tries")):
        told = text(invite={"left_s": 540.0, "tries": tries})
        assert f"\n  {code.format(said)}{WORDS.of('uninvite')}\n" in told
    assert "uninvite" not in text(invite=None)
    assert "uninvite" not in text()


def test_status_of_a_quiet_group() -> None:
    assert layout.status_lines(state(), WORDS) == [
        "potluck 0.1.0 · kitchen-pc · 7F3A-91C2",
        "  group    Home · node 0 of 2 · last laptop · next laptop",
        "  state    in sync",
        "  files    14 files · 1.6 GB",
        "  folder   /home/me/Potluck",
        "  mine     /home/me/Potluck/Shared/kitchen-pc",
        "  network  port 7685 · ↓ 0 B/s · ↑ 0 B/s",
        "  door     closed",
        "",
        "devices",
        "  kitchen-pc  node 0  this device        has all 14 files",
        "  laptop      node 1  192.168.1.23:7685  has all 14 files",
    ]


def test_status_names_the_groups_near_by_and_where_it_stands_what_can_be_done() -> None:
    others = [found(members=3), found(name="", label="", address="10.0.0.9:7685", members=0)]
    assert text(found=others).endswith(
        "\n\ngroups near by that this device is not in\n"
        "  Home                     3 devices  den-pc  192.168.1.10\n"
        "  (its name is not known)                     10.0.0.9:7685\n"
        "  what can be done: potluck --home h peers"
    )
    asked = text(found=others, requests=[request()])
    assert "near by" not in asked, "the request says more of the group that is talked to"


def test_status_says_who_is_no_member_any_more_and_why() -> None:
    former = [
        {"id": "1", "label": "bert", "why": "removed", "by": "anna"},
        {"id": "2", "label": "cora", "why": "left", "by": ""},
        {"id": "3", "label": "dora", "why": "void", "by": ""},
    ]
    assert text(former=former).endswith(
        "no members any more\n"
        "  bert  removed by anna\n"
        "  cora  left the group for good\n"
        "  dora  out, since whoever let it in was removed"
    )
    assert "no members" not in text()


def test_status_says_what_is_to_come_and_why_it_is_not_here() -> None:
    busy = text(
        state="paused", need_files=3, need_bytes=2_000_000, reason="the disk is nearly full",
        command="status", transfers=[transfer(), transfer("laptop/photos", files=685)],
        refused=[{"path": "a/b\n", "reason": "a newline"}], unshared={"files": 1},
        deliveries=[delivery()],
        uploads=[upload(), upload("laptop/new.bin", sent=None, there=None)],
    )  # fmt: skip
    for part in (
        "state    paused · the disk is nearly full\n",
        "next     potluck --home h status\n",
        "files    14 files · 1.6 GB · 3 files (2.0 MB) to come\n",
        "others   kitchen-pc 35 %\n",
        "kitchen-pc/holiday.mp4  1.1 / 1.4 GB       112 MB/s  from kitchen-pc",
        "laptop/photos           685 files to come            from kitchen-pc",
        "laptop/movie.bin  350 MB / 1.0 GB  to kitchen-pc",
        "laptop/new.bin    1.0 GB           to kitchen-pc",
        "a/b\\x0a  a newline",
        "1 file here not shared yet: potluck --home h add --help",
    ):
        assert part in busy


def test_what_is_to_come_is_said_once() -> None:
    reason = "1 file and 2 folders (2.0 MB) to come from laptop"
    amounts = {"need_files": 1, "need_folders": 2, "need_bytes": 2_000_000}
    said = text(state="receiving", reason=reason, **amounts)
    assert f"state    receiving · {reason}\n" in said
    assert said.count("2.0 MB") == 1
    assert "files    14 files · 1.6 GB\n" in said
    other = text(state="waiting", reason="waiting for laptop", folders=1, **amounts)
    assert "state    waiting for laptop\n" in other
    assert "14 files · 1 folder · 1.6 GB · 1 file and 2 folders (2.0 MB) to come" in other


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "has all 14 files"),
        ({"have_files": 1}, "has 1 file"),
        ({"have_files": 0}, "has no files"),
        (
            {"have_files": 12, "need_files": 2, "need_bytes": 10**9},
            "has 12 files, lacks 2 files (1.0 GB)",
        ),
        ({"known": False, "spoke_s": None}, "not known yet what it has"),
        ({"known": False, "spoke_s": None, "online": False}, "not known what it has"),
        ({"known": False, "spoke_s": None, "me": True}, "not known what it has"),
        ({"known": False, "spoke_s": 300.0}, "not known now; lacked nothing 5 min ago"),
        (
            {"known": False, "spoke_s": 300.0, "need_files": 1, "need_bytes": 10},
            "not known now; lacked 1 file (10 B) 5 min ago",
        ),
        (
            {"known": False, "spoke_s": 300.0, "need_files": 1, "skips_files": 1},
            "not known now; lacked nothing, skipped 1 file, 5 min ago",
        ),
        (
            {"have_files": 12, "need_folders": 2, "skips_folders": 1},
            "has 12 files, lacks 1 folder, skips 1 folder",
        ),
    ],
)
def test_of_a_device_only_what_is_known_is_said(changes: dict[str, Any], words: str) -> None:
    assert layout.holding_words(device(**changes)) == words


def test_who_is_away_is_said_to_be_away() -> None:
    gone = device(online=False, node=None, known=False, away_s=120.0, spoke_s=None)
    assert "laptop    away for 2 min  not known what it has" in text(devices=[gone])
    gone["away_s"] = None
    assert "laptop    away  not known" in text(devices=[gone])


def test_delivery_is_a_percentage_only_where_it_is_known() -> None:
    rows = [
        delivery(),
        delivery("full", done_bytes=1000),
        delivery("nas", known=False),
        delivery("desk", online=False),
        delivery("empty", whole_bytes=0, need_files=1, need_bytes=0),
        delivery("folders", whole_bytes=0, need_files=0, need_folders=2, need_bytes=0),
    ]
    assert layout.delivery_words(rows) == (
        "kitchen-pc 35 % · full 99 % · nas not known yet · desk away"
        " · empty lacks 1 file · folders lacks 2 folders"
    )
    assert layout.delivery_words(rows + rows).endswith(" · 6 more")
    assert layout.delivery_words([]) == ""
    assert layout.delivery_words([delivery("nas", moves=False)]) == "nas lacks 2 files (650 B)"
    assert layout.delivery_words([delivery("nas", moves=True)]) == "nas 35 %"


def test_troubles_have_reason_since_when_next_try_and_command() -> None:
    two = [trouble(), trouble("nas", reason="no route", command="", since_s=0.0, next_s=None)]
    lines = layout.status_lines(state(troubles=two, trouble_count=2), WORDS)
    assert lines[lines.index("troubles") + 1 :] == [
        "  laptop/locked: permission denied (for 2 min, tried again in 30 s)",
        "    next: chmod u+rx locked",
        "  nas: no route",
    ]
    many = text(troubles=[trouble()] * (LONGEST_LIST + 1), trouble_count=300)
    assert f"… and {300 - LONGEST_LIST} more" in many


def test_a_command_in_a_reason_is_typed_as_it_is_here() -> None:
    held = trouble(reason="to have them here again, type: repair", command="")
    said = state(state="trouble", reason=held["reason"], troubles=[held], trouble_count=1)
    for words, typed in ((Words("pl", "pl", "pl"), "pl repair"), (Words("", "pl", "pl"), "repair")):
        lines = layout.status_lines(said, words)
        assert sum(line.count(f"again, type: {typed}") for line in lines) == 2, typed


def test_what_to_do_is_said_once() -> None:
    one = trouble(command="rescan")
    of_it = f"{one['subject']}: {one['reason']}"
    said = text(
        state="trouble", reason=of_it, command="rescan", troubles=[one, trouble()], trouble_count=2
    )
    assert said.count("potluck --home h rescan") == 1
    assert "next: chmod u+rx locked" in said


@pytest.mark.parametrize(
    ("next_s", "words"),
    [(0.0, "being tried now"), (0.2, "tried again in 1 s"), (90.0, "tried again in 2 min")],
)
def test_what_is_due_is_being_tried(next_s: float, words: str) -> None:
    one = {"subject": "nas", "reason": "no answer", "since_s": 30, "next_s": next_s, "command": ""}
    assert layout.trouble_lines(one, WORDS) == [f"nas: no answer (for 30 s, {words})"]


def test_a_refused_name_that_is_a_trouble_is_listed_once() -> None:
    refused = [{"path": "laptop/locked", "reason": "permission denied"}]
    said = text(troubles=[trouble()], trouble_count=1, refused=refused)
    assert "not shared" not in said


def test_what_my_rules_leave_out_is_counted() -> None:
    assert "1 path of mine is not shared because of my .potluckignore" in text(ignored=1)
    assert "1,200 paths of mine are not shared because of my .potluckignore" in text(ignored=1200)
    assert "potluckignore" not in text()
    earlier = {name: value for name, value in state().items() if name != "ignored"}
    assert "potluckignore" not in "".join(layout.status_lines(earlier, WORDS))


def test_long_lists_are_cut() -> None:
    assert "… and 2 more" in text(transfers=[transfer()] * (LONGEST_LIST + 2))
    assert "more" not in text(transfers=[transfer()] * LONGEST_LIST)
    assert "… and 1 more" in text(devices=[device()] * (LONGEST_LIST + 1))


def test_status_without_group_or_node() -> None:
    assert "in no group yet" in text(group=None)
    assert "group    Home\n" in text(node=None)
    assert "node 0 of 1\n" in "\n".join(layout.status_lines(alone()))
    assert "OPEN: anyone on this network may join, 50 min more" in text(
        door={"open": True, "until_s": 3000}
    )
    assert "OPEN: anyone on this network may join\n" in text(door={"open": True, "until_s": None})


def test_a_long_id_is_shortened() -> None:
    assert layout.short("7F3A-91C2-XXXX-YYYY") == "7F3A-91C2"


def test_what_a_device_skips_is_told_from_what_it_lacks() -> None:
    gb = 1_000_000_000
    skips = device(have_files=12, need_files=2, need_bytes=gb, skips_files=2, skips_bytes=gb)
    assert layout.holding_words(skips) == "has 12 files, skips 2 files (1.0 GB)"
    more = skips | {"need_files": 3}
    assert layout.holding_words(more) == "has 12 files, lacks 1 file, skips 2 files (1.0 GB)"
    assert layout.skipped_words(state(skipped_files=2, skipped_bytes=gb)) == "2 files (1.0 GB)"
    assert layout.skipped_words(state()) == ""


def test_one_screen_says_the_same_of_a_device_in_both_of_its_lines() -> None:
    asked = {"need_files": 3, "need_folders": 1, "need_bytes": 13}
    skips = {"skips_files": 3, "skips_folders": 1, "skips_bytes": 400}
    needs = {"need_files": 6, "need_folders": 2, "need_bytes": 413}
    lines = text(
        devices=[device("ben", have_files=85, **(needs | skips))],
        deliveries=[delivery("ben", moves=False, **asked)],
    )
    assert "others   ben lacks 3 files and 1 folder (13 B)" in lines
    assert "lacks 3 files and 1 folder (13 B), skips 3 files and 1 folder (400 B)" in lines


def test_what_a_device_has_no_room_for_is_told_beside_what_it_lacks() -> None:
    short = {"no_room_files": 2, "no_room_bytes": 10**9}
    lacks = device(have_files=12, need_files=3, need_bytes=2 * 10**9) | short
    assert layout.holding_words(lacks) == (
        "has 12 files, lacks 3 files (2.0 GB), no room for 2 files (1.0 GB)"
    )
    assert layout.delivery_words([delivery("nas", moves=False) | short]) == (
        "nas lacks 2 files (650 B), no room for 2 files (1.0 GB)"
    )
    assert layout.no_room_there_words(short) == "no room there for 2 files (1.0 GB)"
    assert layout.no_room_there_words(device()) == "", "nor of an earlier version"


def test_what_a_device_keeps_as_it_was_is_told_beside_what_it_has() -> None:
    keeps = {"held_files": 2, "held_bytes": 10**9}
    lacks = device(have_files=12, need_files=3, need_bytes=2 * 10**9) | keeps
    said = "keeps 2 files (1.0 GB) as before"
    assert layout.holding_words(lacks) == f"has 12 files, lacks 3 files (2.0 GB), {said}"
    away = device(known=False, spoke_s=80.0, online=False) | keeps
    assert layout.holding_words(away) == (
        "not known now; lacked nothing 80 s ago, kept 2 files (1.0 GB) as before"
    )
    rows = [delivery("nas", moves=False) | keeps, delivery("ben", known=False) | keeps]
    assert layout.delivery_words(rows) == f"nas lacks 2 files (650 B), {said} · ben {said}"
    assert layout.held_there_words(device()) == "", "nor of an earlier version"
