"""How company reads: `peers`, groups that were found, and being alone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from potluck.faces.advice import for_terminal
from potluck.faces.cli import company, layout
from potluck.faces.cli.layout import Words
from potluck.faces.cli.output import collected
from tests.faces.fakes import alone, device, found, state, trouble

if TYPE_CHECKING:
    import pytest

WORDS = Words("potluck --home h", "potluck", "potluck --home h")


def test_peers_says_where_and_how() -> None:
    lines = company.peer_lines(state(), WORDS)
    assert lines == [
        "device          node  address            found by",
        "laptop  online  1     192.168.1.23:7685  beacon",
    ]
    linkless = trouble("nas", kind="link", reason="no answer", command="sudo ufw allow 7685")
    cut = company.peer_lines(state(troubles=[trouble(), linkless]), WORDS)
    assert cut[2:] == [
        "✗ nas: no answer (for 2 min, tried again in 30 s)",
        "  next: sudo ufw allow 7685",
    ]
    away = company.peer_lines(
        state(devices=[device(online=False, node=None, address=None, found_by=None)]), WORDS
    )
    assert away[1].split() == ["laptop", "away", "unknown"]
    firewall = "or a firewall drops UDP 7685 and TCP 7685"
    assert away[2:] == [
        "Nobody else is here: laptop away. Tried: 6 neighbours on 2 networks (eth0, wlan0).",
        f"  why:  off or asleep, not started, on another network, {firewall}",
        "  next: if potluck does not run there: potluck up",
    ]
    many = [device(f"d{number}", online=False, away_s=60.0) for number in range(8)]
    said = company.nobody_lines(state(devices=many), WORDS)[0]
    assert ": d0 away for 60 s, " in said
    assert ", d5 away for 60 s, 2 more. Tried: " in said


def test_who_is_heard_and_cannot_be_reached_is_not_said_to_be_nobody() -> None:
    linkless = trouble("nas", kind="link", reason="no answer")
    gone = [device(online=False)]
    said = company.peer_lines(state(devices=gone, troubles=[linkless]), WORDS)
    assert "✗ nas: no answer" in "\n".join(said)
    assert "Nobody" not in "\n".join(said)
    said = company.peer_lines(alone(troubles=[trouble()]), WORDS)
    assert said[0].startswith("Nobody answers yet."), "another trouble says nothing of that"
    nowhere = {"interfaces": [], "neighbours": 0, "named": []}
    said = company.peer_lines(alone(troubles=[linkless], tried=nowhere), WORDS)
    assert "Nobody is asked: this device is on no network that potluck uses." in said


def test_being_alone_is_explained() -> None:
    lines = company.peer_lines(alone(), WORDS)
    assert lines[0] == "Nobody answers yet. Tried: 6 neighbours on 2 networks (eth0, wlan0)."
    assert "UDP 7685 and TCP 7685" in lines[1]
    assert [line.strip() for line in lines[3:4] + lines[5:]] == [
        "potluck up",
        "potluck --home h down",
        "potluck --home h up --peer ADDRESS",
    ], "each on a line of its own"


def test_without_a_network_no_firewall_is_blamed() -> None:
    lines = company.peer_lines(alone(tried={"interfaces": [], "neighbours": 0, "named": []}), WORDS)
    assert lines[0] == "Nobody is asked: this device is on no network that potluck uses."
    assert "a cable is out" in lines[1]
    assert lines[4].strip() == "potluck --home h up --interface IF"
    assert not any("firewall" in line for line in lines)
    tried = {"interfaces": [], "neighbours": 0, "named": ["10.0.0.9:7685"]}
    assert "10.0.0.9:7685 by UDP" in company.peer_lines(alone(tried=tried), WORDS)[0], "it is asked"


def test_who_was_named_is_said_to_have_been_asked_and_how() -> None:
    tried = {"interfaces": ["eth0"], "neighbours": 1, "named": ["10.0.0.9:7685", "ho\x1b:1"]}
    said = "Tried: 1 neighbour on 1 network (eth0), and 10.0.0.9:7685 and ho\\x1b:1 by UDP."
    assert said in company.peer_lines(alone(tried=tried), WORDS)[0]


def test_a_group_that_was_found() -> None:
    lines = company.peer_lines(alone(found=[found(name="Ho\x1bme", members=0)]), WORDS)
    assert lines[0] == "Found “Ho\\x1bme” (den-pc, 192.168.1.10)."
    mine = company.found_lines(alone(found=[found()], door={"open": True, "until_s": None}), WORDS)
    assert mine[-2:] == [
        "    on den-pc: type open at its prompt, or in a shell: potluck open",
        "    on this machine: the door is open already",
    ]
    for joins, words in {
        "we": "this device joins it.",
        "they": "den-pc is to join this device, which stays where it is.",
        "": "nothing more is to be done here.",
    }.items():
        both = company.found_lines(
            alone(found=[found(open=True, joins=joins)], door={"open": True, "until_s": None}),
            WORDS,
        )
        assert both[-1] == "  Both doors are open: " + words


def test_two_machines_of_one_name_are_told_apart_by_their_addresses() -> None:
    """Of two freshly installed ones both may be called vm."""
    vm = found(label="kitchen-pc", address="10.0.0.5:7685")
    where = "kitchen-pc (10.0.0.5:7685)"
    lines = company.found_lines(alone(found=[vm]), WORDS)
    assert lines[-2].startswith(f"    on {where}: type open")
    door = {"open": True, "until_s": None}
    both = company.found_lines(
        alone(found=[vm | {"open": True, "joins": "they"}], door=door), WORDS
    )
    assert both[-1].startswith(f"  Both doors are open: {where} is to join")
    near = [found(address="10.0.0.6:7685"), found(address="10.0.0.7:7685"), found(label="nas")]
    lines = company.found_lines(alone(found=near), WORDS)
    assert [line.split(":")[0] for line in lines if "    on " in line and "this" not in line] == [
        "    on den-pc (10.0.0.6", "    on den-pc (10.0.0.7", "    on nas",
    ]  # fmt: skip


def test_at_the_prompt_the_word_alone_is_typed() -> None:
    words = Words("", "potluck", "potluck --home h")
    assert "    on this machine: type open" in company.peer_lines(alone(found=[found()]), words)
    assert "          down" in company.peer_lines(alone(), words)
    lines = company.peer_lines(alone(), words)
    assert "          potluck up" in lines, "on the other device its home is not known"
    assert "          potluck --home h up --peer ADDRESS" in lines
    nowhere = alone(tried={"interfaces": [], "neighbours": 0, "named": []})
    lines = company.peer_lines(nowhere, words)
    assert "          potluck --home h up --interface IF" in lines
    assert layout.next_step("up FOLDER", words) == "potluck --home h up FOLDER"
    assert layout.next_step("rescan", words) == "rescan"


def test_the_words_of_a_prompt_know_the_home_for_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/potluck", "--home", "a b", "watch"])
    whole = "potluck --home 'a b'"
    assert layout.Words.of_this_run() == (whole, "potluck", whole)
    with collected():
        assert layout.Words.of_this_run() == ("", "potluck", whole)


def test_no_command_is_broken_on_a_narrow_terminal() -> None:
    one = trouble(command="chmod u+rx '/home/me/Potluck/Shared/kitchen-pc/a folder'")
    told = layout.status_lines(
        state(state="trouble", reason="x", command="status", troubles=[one], trouble_count=1), WORDS
    )
    rows = list(for_terminal(told, 40))
    assert "  next     potluck --home h status" in rows
    assert one["command"] in rows, "it is too wide, and not broken"
    told = company.peer_lines(alone(found=[found()]), WORDS) + company.peer_lines(alone(), WORDS)
    rows = [row.strip() for row in for_terminal(told, 40)]
    commands = ["potluck open", "potluck --home h open", "potluck --home h up --peer ADDRESS"]
    assert set(commands) < set(rows)


def test_what_the_shell_is_to_do_is_not_made_a_command_of_ours() -> None:
    assert layout.next_step("ls -ld '/srv/a b'", WORDS) == "ls -ld '/srv/a b'"
    assert layout.next_step("rescan", WORDS) == "potluck --home h rescan"
