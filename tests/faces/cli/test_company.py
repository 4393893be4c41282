"""How company reads: `peers`, groups that were found, and being alone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from potluck.faces.advice import for_terminal
from potluck.faces.cli import company, layout
from potluck.faces.cli.company import former_lines
from potluck.faces.cli.layout import Words
from potluck.faces.cli.output import collected
from tests.faces.fakes import alone, asked, device, found, joining, request, state, trouble

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


def test_a_group_that_is_heard_and_does_not_answer_is_not_called_nobody() -> None:
    heard = alone(tried=alone()["tried"] | {"heard": True})
    lines = company.peer_lines(heard, WORDS)
    tried = "Tried: 6 neighbours on 2 networks (eth0, wlan0)."
    assert lines[0] == f"A group is near, and none of its devices answers. {tried}"
    assert lines[1].startswith("  why:  its door is shut, ")
    assert [line.strip() for line in lines[3:5] + lines[6:]] == [
        "potluck invite",
        "potluck --home h join",
        "potluck open",
    ]


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
    asks = "only den-pc asks. Once three words are shown, compare them, and say yes there."
    assert mine[1] == f"  The door here is open: {asks}"
    theirs = company.found_lines(alone(found=[found(open=True)]), WORDS)
    asks = "only this device asks. Once three words are shown, compare them, and say yes here."
    assert theirs[1] == f"  The door there is open: {asks}"
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


def test_after_a_request_that_ended_otherwise_two_open_doors_promise_no_joining() -> None:
    door, ask = {"open": True, "until_s": None}, "  to ask there now: potluck --home h approve Home"

    def told(**changes: Any) -> list[str]:
        return company.told_found_lines(
            alone(found=[one := found(open=True, **changes)], door=door), one, WORDS
        )[1:]

    no = {"ended": "somebody there said no", "asked_here": False}
    words = "It was asked; that is over: somebody there said no."
    assert told(rests_s=None, **no) == [f"  {words} It is not asked again by itself.", ask]
    open_now = "Both doors are open: whoever asks the other now is let in without words."
    assert told(**no) == [f"  {words} {open_now}", ask]
    here = {"ended": "you said no", "asked_here": True, "joins": "they"}
    asked = "Somebody there asked to be let in here; that is over: you said no."
    assert told(**here) == told(rests_s=None, **here) == [f"  {asked} {open_now}", ask]
    soon = told(joins="we", rests_s=50.0)
    assert soon == ["  Both doors are open: this device joins it, in about 50 s.", ask]
    assert told(joins="we", **no)[0] == "  Both doors are open: this device joins it."


def test_behind_a_closed_door_neither_name_nor_label_is_told_and_none_is_made_up() -> None:
    nameless = found(name="", label="", members=0)
    lines = company.found_lines(alone(found=[nameless]), WORDS)
    assert lines[0] == "Found another group near by (192.168.1.10)."
    assert lines[1].startswith("  To become one group this device and 192.168.1.10 show three")
    assert lines[2:] == ["  to ask there: potluck --home h approve 192.168.1.10"]
    unnamed = company.one_found_lines(alone(), found(name=""))
    assert unnamed[0] == "Found another group near by (1 device: den-pc, 192.168.1.10)."


def test_who_has_company_joins_no_other_group_and_a_lonely_one_may_ask() -> None:
    stays = "  This device is in a group with others, so it joins no other one by itself."
    several = company.found_lines(state(found=[found(members=3)]), WORDS)
    compared = "show three words; say yes on both if they are the same."
    way_over = [
        "  Groups never merge by themselves. To bring one of its devices here, type on that one",
        "          potluck leave",
        "          potluck up",
        f"  or the same here to go there. Then both screens {compared}",
        "  The only steward of a group with others names another one first",
        "          potluck admin add NAME",
    ]
    assert several[1:] == [stays, *way_over]
    others = [found(members=3), found(name="Attic", members=0)]
    two = company.found_lines(state(found=others), WORDS)
    assert two.count(way_over[0]) == 1, "of several groups it is said once, at the end"
    assert two[-6:] == way_over
    opened = {"open": True, "until_s": None}
    both = company.found_lines(state(found=[found(members=3, open=True)], door=opened), WORDS)
    assert both[1:] == [stays, *way_over], "two open doors merge no two groups either"
    lonely = company.found_lines(state(found=[found()]), WORDS)
    assert lonely[1:] == [
        stays,
        "  If den-pc asks, both screens show three words; say yes on both if they are the same.",
    ]


def test_where_no_words_can_follow_none_are_promised() -> None:
    apart = found(ended="bring this one up to date", bar="version", asked_here=False)
    opened = {"open": True, "until_s": None}
    for here in (alone(found=[apart]), alone(found=[apart | {"open": True}], door=opened)):
        said = company.one_found_lines(here, here["found"][0])
        assert said[1:] == [f"  No words can be compared with it: {apart['ended']}."]
    assert company.found_lines(alone(found=[apart]), WORDS)[2:] == [
        "  once that is done, to ask there at once: potluck --home h approve Home"
    ]
    removed = company.found_lines(alone(found=[apart | {"bar": "removed"}]), WORDS)
    assert len(removed) == 2, "with that key it is asked in vain"


def test_to_a_group_whose_door_is_shut_nobody_is_said_to_come() -> None:
    shut = {"open": False, "until_s": None, "shut": True}
    lonely = company.found_lines(state(found=[found()], door=shut), WORDS)
    assert lonely[1].endswith("joins no other one by itself.")
    assert len(lonely) == 2
    others = company.found_lines(state(found=[found(members=3)], door=shut), WORDS)
    assert "  The door here is shut. For one that comes here: potluck --home h open" in others


def test_through_a_shut_door_here_nobody_is_said_to_come() -> None:
    shut = {"open": False, "until_s": None, "shut": True}
    for there_open in (False, True):
        lines = company.found_lines(alone(found=[found(open=there_open)], door=shut), WORDS)
        assert lines[1:] == [
            "  The door here is shut: den-pc cannot ask, and this device does not by itself.",
            "  to ask there: potluck --home h approve Home",
        ]
    assert company.nobody_lines(alone(door=shut), WORDS)[1:] == [
        "  why:  the door here is shut, so nobody is answered who asks",
        "  next: potluck --home h open",
    ]


def test_a_group_that_is_asked_already_is_not_advised_to_be_asked() -> None:
    hint = "  to ask there: potluck --home h approve Home"
    assert hint in company.found_lines(alone(found=[found()]), WORDS)
    asks = alone(found=[found()], requests=[joining()])
    assert hint not in company.found_lines(asks, WORDS)
    for hostile in ("-x", "a\x1b"):
        lines = company.found_lines(alone(found=[found(name=hostile)]), WORDS)
        assert lines[-1] == "  to ask there: potluck --home h approve 192.168.1.10"
    alike = company.found_lines(alone(found=[found(), found(address="10.0.0.9:1")]), WORDS)
    assert alike[-1] == "  to ask there: potluck --home h approve 10.0.0.9:1"
    spaced = company.found_lines(alone(found=[found(name="My Home")]), WORDS)
    assert "  to ask there: potluck --home h approve 'My Home'" in spaced


def test_while_a_code_is_tried_no_other_way_is_offered() -> None:
    door = {"open": True, "until_s": None, "shut": False, "joins": True}
    for one in (found(), found(open=True, joins="we"), found(rests_s=None)):
        assert company.found_lines(alone(found=[one], door=door), WORDS)[1:] == [
            "  A code is being tried here, so it is not asked now."
        ]


def test_a_group_that_one_talks_to_stands_in_its_request_alone() -> None:
    hidden = found(name="", label="", address="10.88.0.2:7685")
    assert company.strangers(alone(found=[hidden], requests=[request()])) == []
    plain = found(name="", label="", address="10.88.0.2")
    assert company.strangers(alone(found=[plain], requests=[request()])) == []
    other = found(name="Home", address="10.88.0.20:7685")
    assert company.strangers(alone(found=[other], requests=[request()])) == [other]
    assert company.strangers(alone(found=[other], requests=[joining()])) == [], "it is that group"
    nameless = found(name="", address="10.88.0.20:7685")
    unnamed = joining(group="")
    assert company.strangers(alone(found=[nameless], requests=[unnamed])) == [nameless]


def test_of_a_group_that_was_asked_in_vain_only_what_is_true_is_said() -> None:
    no = company.found_lines(alone(found=[found(rests_s=None)]), WORDS)
    assert no[1:] == [
        "  It was asked in vain. It is not asked again by itself.",
        "  to ask there now: potluck --home h approve Home",
    ]
    silent = company.found_lines(alone(found=[found(rests_s=28.0)]), WORDS)
    assert silent[1] == "  It was asked in vain. It is asked again in about 28 s."
    moment = company.found_lines(alone(found=[found(rests_s=0.4)]), WORDS)
    assert moment == company.found_lines(alone(found=[found()]), WORDS)
    assert silent[2] == "  to ask there now: potluck --home h approve Home"
    rests = found(rests_s=28.0)
    told = company.told_found_lines(alone(found=[rests]), rests, WORDS)
    assert told == silent, "also when it is told once"


ASKED_HERE = (
    "Somebody there asked to be let in here; that is over: the other side said no. "
    "Either side can ask again."
)


def test_after_a_no_a_door_that_is_open_there_promises_no_words() -> None:
    no = found(open=True, rests_s=None, ended="somebody there said no", asked_here=False)
    lines = company.found_lines(alone(found=[no]), WORDS)
    assert lines[1].endswith("somebody there said no. It is not asked again by itself.")
    opened = {"open": True, "until_s": None}
    here = no | {"open": False, "rests_s": 0.0, "asked_here": True}
    lines = company.found_lines(alone(found=[here], door=opened), WORDS)
    assert lines[1].endswith("Either side can ask again.")


def test_while_one_group_is_asked_another_one_is_not() -> None:
    other = found(name="Attic", address="10.0.0.9:7685")
    lines = company.found_lines(alone(found=[other], requests=[joining()]), WORDS)
    assert lines[1:] == [
        "  It is not asked while this device asks cora.",
        "  to ask there: potluck --home h approve Attic",
    ]


def test_what_became_of_the_last_request_is_said_on_both_sides_with_a_way_on() -> None:
    ask = "  to ask there now: potluck --home h approve 10.0.0.9:7685"
    nameless = found(name="", label="", address="10.0.0.9:7685")
    here = nameless | {"ended": "the other side said no", "asked_here": True}
    assert company.found_lines(alone(found=[here]), WORDS)[1:] == [
        f"  {ASKED_HERE}",
        ask,
    ]
    there = nameless | {"ended": "you said no", "asked_here": False, "rests_s": None}
    assert company.found_lines(alone(found=[there]), WORDS)[1:] == [
        "  It was asked; that is over: you said no. It is not asked again by itself.",
        ask,
    ]
    soon = company.found_lines(alone(found=[there | {"rests_s": 100.0}]), WORDS)
    assert soon[1].endswith("you said no. It is asked again in about 2 min.")
    over = company.found_lines(alone(found=[there | {"rests_s": 0.0}]), WORDS)
    assert over[1].endswith("you said no. Either side can ask again.")
    assert company.ask_lines(state(found=[here]), here, WORDS) == [], "it has company"


def test_peers_names_who_asks_first() -> None:
    lines = company.peer_lines(asked(request()), WORDS)
    assert lines[0] == "bert (10.88.0.2) asks to join “Home”."
    assert "  yes: potluck --home h approve bert" in lines
    lonely = company.peer_lines(alone(requests=[request()]), WORDS)
    assert not any("Nobody answers" in line for line in lonely)
    assert lines[6:8] == ["", "device          node  address            found by"]


def test_two_machines_of_one_name_are_told_apart_by_their_addresses() -> None:
    """Of two freshly installed ones both may be called vm."""
    vm = found(label="kitchen-pc", address="10.0.0.5:7685")
    where = "kitchen-pc (10.0.0.5:7685)"
    lines = company.found_lines(alone(found=[vm]), WORDS)
    assert lines[1].startswith(f"  To become one group this device and {where} show three words ")
    door = {"open": True, "until_s": None}
    both = company.found_lines(
        alone(found=[vm | {"open": True, "joins": "they"}], door=door), WORDS
    )
    assert both[-1].startswith(f"  Both doors are open: {where} is to join")
    near = [found(address="10.0.0.6:7685"), found(address="10.0.0.7:7685"), found(label="nas")]
    lines = company.found_lines(alone(found=near), WORDS)
    machines = [line.partition("device and ")[2].partition(" show")[0] for line in lines]
    assert [one for one in machines if one] == [
        "den-pc (10.0.0.6:7685)", "den-pc (10.0.0.7:7685)", "nas",
    ]  # fmt: skip


def test_at_the_prompt_the_word_alone_is_typed() -> None:
    words = Words("", "potluck", "potluck --home h")
    assert "  to ask there: approve Home" in company.peer_lines(alone(found=[found()]), words)
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
    assert layout.Words.of_view(prompt=True) == ("", "potluck", whole)
    assert layout.Words.of_view(prompt=False) == (whole, "potluck", whole)


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
    commands = ["potluck --home h approve Home", "potluck --home h up --peer ADDRESS"]
    assert set(commands) < set(rows)


def test_what_the_shell_is_to_do_is_not_made_a_command_of_ours() -> None:
    assert layout.next_step("ls -ld '/srv/a b'", WORDS) == "ls -ld '/srv/a b'"
    assert layout.next_step("rescan", WORDS) == "potluck --home h rescan"


def test_who_is_in_the_group_no_more_is_said_to_be_so() -> None:
    former = [
        {"id": "A", "label": "bert", "why": "removed", "by": "anna"},
        {"id": "B", "label": "cora", "why": "left", "by": ""},
        {"id": "C", "label": "dora", "why": "void", "by": ""},
    ]
    assert former_lines(state(former=former)) == [
        "bert  removed by anna",
        "cora  left the group for good",
        "dora  out, since whoever let it in was removed",
    ]
