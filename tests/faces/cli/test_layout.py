"""Layout: the lines of `status` and `peers`, each fact in its place, each silence explained."""

from __future__ import annotations

from typing import Any

import pytest

from potluck.faces.advice import for_terminal
from potluck.faces.cli import layout
from potluck.faces.cli.layout import LONGEST_LIST, Words
from tests.faces.fakes import alone, delivery, device, found, state, transfer, trouble, upload

WORDS = Words("potluck --home h", "potluck")


def text(**changes: object) -> str:
    return "\n".join(layout.status_lines(state(**changes), WORDS))


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


def test_status_says_what_is_to_come_and_why_it_is_not_here() -> None:
    busy = text(
        state="paused", need_files=3, need_bytes=2_000_000, reason="the disk is nearly full",
        command="status", transfers=[transfer(), transfer("laptop/photos", files=685)],
        refused=[{"path": "a/b\n", "reason": "a newline"}], unshared={"files": 1},
        deliveries=[delivery()], uploads=[upload(), upload("laptop/new.bin", sent=None)],
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
        delivery("empty", whole_bytes=0, need_files=1),
        delivery("folders", whole_bytes=0, need_files=0),
    ]
    assert layout.delivery_words(rows) == (
        "kitchen-pc 35 % · full 99 % · nas not known yet · desk away"
        " · empty lacks 1 file · folders lacks folders"
    )
    assert layout.delivery_words(rows + rows).endswith(" · 6 more")
    assert layout.delivery_words([]) == ""


def test_what_lacks_is_counted_in_files_and_folders() -> None:
    assert layout.lacking_words(1, 0, 1000) == "1 file (1.0 KB)"
    assert layout.lacking_words(0, 1, 0) == "1 folder"
    assert layout.lacking_words(0, 0, 10) == "10 B"
    assert layout.lacking_words(0, 0, 0) == ""


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


def test_peers_says_where_and_how() -> None:
    lines = layout.peer_lines(state(), WORDS)
    assert lines == [
        "device          node  address            found by",
        "laptop  online  1     192.168.1.23:7685  beacon",
    ]
    linkless = trouble("nas", kind="link", reason="no answer", command="sudo ufw allow 7685")
    cut = layout.peer_lines(state(troubles=[trouble(), linkless]), WORDS)
    assert cut[2:] == [
        "✗ nas: no answer (for 2 min, tried again in 30 s)",
        "  next: sudo ufw allow 7685",
    ]
    away = layout.peer_lines(
        state(devices=[device(online=False, node=None, address=None, found_by=None)]), WORDS
    )
    assert away[1].split() == ["laptop", "away", "unknown"]
    assert away[2].startswith("Nobody answers yet.")


def test_who_is_heard_and_cannot_be_reached_is_not_said_to_be_nobody() -> None:
    linkless = trouble("nas", kind="link", reason="no answer")
    gone = [device(online=False)]
    said = layout.peer_lines(state(devices=gone, troubles=[linkless]), WORDS)
    assert "✗ nas: no answer" in "\n".join(said)
    assert "Nobody" not in "\n".join(said)
    said = layout.peer_lines(alone(troubles=[trouble()]), WORDS)
    assert said[0].startswith("Nobody answers yet."), "another trouble says nothing of that"
    nowhere = {"interfaces": [], "neighbours": 0, "named": []}
    said = layout.peer_lines(alone(troubles=[linkless], tried=nowhere), WORDS)
    assert "Nobody is asked: this device is on no network that potluck uses." in said


def test_being_alone_is_explained() -> None:
    lines = layout.peer_lines(alone(), WORDS)
    assert lines[0] == "Nobody answers yet. Tried: 6 neighbours on 2 networks (eth0, wlan0)."
    assert "UDP 7685 and TCP 7685" in lines[1]
    assert [line.strip() for line in lines[3:4] + lines[5:]] == [
        "potluck up",
        "potluck --home h down",
        "potluck --home h up --peer ADDRESS",
    ], "each on a line of its own"


def test_without_a_network_no_firewall_is_blamed() -> None:
    lines = layout.peer_lines(alone(tried={"interfaces": [], "neighbours": 0, "named": []}), WORDS)
    assert lines[0] == "Nobody is asked: this device is on no network that potluck uses."
    assert "a cable is out" in lines[1]
    assert lines[4].strip() == "potluck --home h up --interface IF"
    assert not any("firewall" in line for line in lines)
    tried = {"interfaces": [], "neighbours": 0, "named": ["10.0.0.9:7685"]}
    assert "10.0.0.9:7685 by UDP" in layout.peer_lines(alone(tried=tried), WORDS)[0], "it is asked"


def test_who_was_named_is_said_to_have_been_asked_and_how() -> None:
    tried = {"interfaces": ["eth0"], "neighbours": 1, "named": ["10.0.0.9:7685", "ho\x1b:1"]}
    said = "Tried: 1 neighbour on 1 network (eth0), and 10.0.0.9:7685 and ho\\x1b:1 by UDP."
    assert said in layout.peer_lines(alone(tried=tried), WORDS)[0]


def test_a_group_that_was_found() -> None:
    lines = layout.peer_lines(alone(found=[found(name="Ho\x1bme", members=0)]), WORDS)
    assert lines[0] == "Found “Ho\\x1bme” (den-pc, 192.168.1.10)."
    mine = layout.found_lines(alone(found=[found()], door={"open": True, "until_s": None}), WORDS)
    assert mine[-2:] == [
        "    on den-pc: type open at its prompt, or in a shell: potluck open",
        "    on this machine: the door is open already",
    ]
    for joins, words in {
        "we": "this device joins it.",
        "they": "den-pc is to join this device, which stays where it is.",
        "": "nothing more is to be done here.",
    }.items():
        both = layout.found_lines(
            alone(found=[found(open=True, joins=joins)], door={"open": True, "until_s": None}),
            WORDS,
        )
        assert both[-1] == "  Both doors are open: " + words


def test_two_machines_of_one_name_are_told_apart_by_their_addresses() -> None:
    """Of two freshly installed ones both may be called vm."""
    vm = found(label="kitchen-pc", address="10.0.0.5:7685")
    where = "kitchen-pc (10.0.0.5:7685)"
    lines = layout.found_lines(alone(found=[vm]), WORDS)
    assert lines[-2].startswith(f"    on {where}: type open")
    door = {"open": True, "until_s": None}
    both = layout.found_lines(alone(found=[vm | {"open": True, "joins": "they"}], door=door), WORDS)
    assert both[-1].startswith(f"  Both doors are open: {where} is to join")
    near = [found(address="10.0.0.6:7685"), found(address="10.0.0.7:7685"), found(label="nas")]
    lines = layout.found_lines(alone(found=near), WORDS)
    assert [line.split(":")[0] for line in lines if "    on " in line and "this" not in line] == [
        "    on den-pc (10.0.0.6", "    on den-pc (10.0.0.7", "    on nas",
    ]  # fmt: skip


def test_at_the_prompt_the_word_alone_is_typed() -> None:
    words = Words("", "potluck")
    assert "    on this machine: type open" in layout.peer_lines(alone(found=[found()]), words)
    assert "          down" in layout.peer_lines(alone(), words)
    assert "          potluck up --peer ADDRESS" in layout.peer_lines(alone(), words)
    assert layout.next_step("rescan", words) == "rescan"


def test_no_command_is_broken_on_a_narrow_terminal() -> None:
    one = trouble(command="chmod u+rx '/home/me/Potluck/Shared/kitchen-pc/a folder'")
    told = layout.status_lines(
        state(state="trouble", reason="x", command="status", troubles=[one], trouble_count=1), WORDS
    )
    rows = list(for_terminal(told, 40))
    assert "  next     potluck --home h status" in rows
    assert one["command"] in rows, "it is too wide, and not broken"
    told = layout.peer_lines(alone(found=[found()]), WORDS) + layout.peer_lines(alone(), WORDS)
    rows = [row.strip() for row in for_terminal(told, 40)]
    commands = ["potluck open", "potluck --home h open", "potluck --home h up --peer ADDRESS"]
    assert set(commands) < set(rows)


def test_what_the_shell_is_to_do_is_not_made_a_command_of_ours() -> None:
    assert layout.next_step("ls -ld '/srv/a b'", WORDS) == "ls -ld '/srv/a b'"
    assert layout.next_step("rescan", WORDS) == "potluck --home h rescan"
