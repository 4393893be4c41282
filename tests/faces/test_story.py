"""The story: each thing said once, with its next step, and again only when it has changed."""

from __future__ import annotations

from potluck.faces.advice import Advice
from potluck.faces.cli.layout import Words
from potluck.faces.near_groups import ASKED_S
from potluck.faces.silence import ALONE_S
from potluck.faces.story import (
    ADMITTED_S,
    FOUNDED_S,
    GREETED_S,
    JOINING_S,
    LINES_MAX,
    REQUEST_LINES,
    SETTLED_S,
    UNKNOWN_S,
    Story,
)
from tests.faces.fakes import alone, asked, device, found, joining, request, state, transfer, upload

LOOK = (
    "Look at the screen of the machine that asks, bert: the same three words must stand there, "
    "too. Only that screen counts: members show the same words."
)
WORDS = Words("potluck --home h", "potluck", "potluck --home h")


def story() -> Story:
    return Story(WORDS, 100.0, prompt=True)


def test_the_first_state_gives_title_group_and_where_to_put_files() -> None:
    told = story()
    assert told.on_state(alone(), 100.0) == ["potluck 0.1.0 · kitchen-pc · 7F3A-91C2"]
    # until then the group may dissolve into one that is found
    lines = told.on_tick(100.0 + FOUNDED_S)
    assert (
        lines[0] == "No other device found here (asked 6 neighbours on 2 networks): "
        "this device is the group “Home”."
    )
    assert lines[1:] == [
        "On the other machine: potluck up",
        "  Both screens will then show three words to compare.",
        "Put files in /home/me/Potluck/Shared/kitchen-pc",
        "To leave type exit, or press Ctrl-C.",
    ]
    assert told.on_state(alone(), 102.6) == []
    quiet = Story(WORDS, 100.0, prompt=False)
    assert quiet.on_state(state(), 100.0)[-1].endswith("To leave: potluck --home h down")
    watching = Story(WORDS, 100.0, prompt=True, watching=True)
    assert watching.on_state(state(), 100.0)[-1].endswith("To leave type down.")


def test_what_a_view_of_a_potluck_that_runs_finds_is_not_told_as_new() -> None:
    watching = Story(WORDS, 100.0, prompt=True, watching=True)
    first = watching.on_state(state(devices=[device(me=True), device("nas", online=False)]), 100.0)
    assert first[1] == "In the group “Home” (2 devices) · node 0 of 2."
    later = watching.on_tick(100.0 + ALONE_S) + watching.on_tick(200.0)
    assert not any("Welcome" in line or "up --peer" in line for line in first + later)
    alone_there = Story(WORDS, 100.0, prompt=True, watching=True)
    first = alone_there.on_state(alone(), 100.0)
    assert first[1] == "In the group “Home” (1 device)."
    later = alone_there.on_tick(100.0 + FOUNDED_S) + alone_there.on_tick(100.0 + ALONE_S)
    assert not any("No other device found" in line for line in first + later)
    assert later[0].startswith("Nobody answers yet."), "which is so now"
    tried = alone()["tried"] | {"heard": True}
    heard = alone_there.on_state(alone(tried=tried, state="waiting", reason="x"), 108.0)
    assert not heard + alone_there.on_tick(114.9), "it may be a newcomer, about to ask"
    heard = alone_there.on_tick(115.0)
    assert heard[0].startswith("A group is near, and none of its devices answers.")
    assert not any("answers" in line for line in alone_there.on_tick(119.9)), "once"
    work = state(group={"id": "w" * 64, "name": "Work"})
    assert "Welcome to “Work” (2 devices) · node 0 of 2." in alone_there.on_state(work, 120.0)


def test_a_member_that_is_known_is_said_to_be_away() -> None:
    told = story()
    told.on_state(state(devices=[device(me=True), device("nas", online=False)]), 100.0)
    lines = [line for line in told.on_tick(100.0 + ALONE_S) if "Nobody" in line]
    assert lines[0].startswith("Nobody else is here: nas away. Tried: 6 neighbours"), lines
    assert not any("--peer" in line for line in lines)


def test_what_stands_in_place_of_the_folder_is_not_where_files_go() -> None:
    told = story()
    mine, other = state()["devices"]
    lines = told.on_state(state(devices=[{**mine, "known": False}, other]), 100.0)
    assert lines[-1] == "Welcome to “Home” (2 devices) · node 0 of 2."
    lines = told.on_state(state(), 101.0)
    assert lines[0].startswith("Put files in"), "it is back"


def test_joining_is_a_welcome() -> None:
    assert "Welcome to “Home” (2 devices) · node 0 of 2." in story().on_state(state(), 100.0)
    assert "Welcome to “Home” (2 devices)." in story().on_state(state(node=None), 100.0)


def test_another_group_later_is_told_again() -> None:
    told = story()
    told.on_state(alone(), 103.0)
    lines = told.on_state(state(group={"id": "other", "name": "Work"}), 104.0)
    assert lines[0].startswith("Welcome to “Work”")
    assert not any("Put files" in line for line in lines), "the folder is the same"


def test_no_words_are_promised_to_who_shut_the_door() -> None:
    told = story()
    lines = told.on_state(alone(door={"open": False, "until_s": None, "shut": True}), 100.0)
    lines += told.on_tick(100.0 + FOUNDED_S)
    assert "The door here is shut. So that others can ask: potluck --home h open" in lines
    assert not any("three words" in line for line in lines)


def test_while_a_group_is_found_it_is_not_said_that_none_was() -> None:
    told = story()
    told.on_state(alone(found=[found()]), 100.0)
    assert told.on_tick(100.0 + ASKED_S)[0].startswith("Found “Home”")
    assert told.on_tick(100.0 + JOINING_S - 0.1) == []
    lines = told.on_tick(100.0 + JOINING_S)
    assert lines[0] == "For now this device is alone in the group “Home”."
    assert lines[1].startswith("Put files in")


def test_who_was_found_a_moment_ago_is_not_said_not_to_be_there() -> None:
    told = story()
    told.on_state(alone(state="waiting", found=[found()]), 100.0)
    told.on_state(alone(state="waiting", found=[found()]), 130.0)
    assert told.on_state(alone(), 131.0) == [], "one of the two is about to join the other"
    assert told.on_state(state(), 132.0)[0] == "Welcome to “Home” (2 devices) · node 0 of 2."
    other = story()
    other.on_state(alone(state="waiting", found=[found()]), 130.0)
    line = "Nobody else is in the group “Home” of this device."
    assert line not in other.on_state(alone(), 139.9)
    assert line in other.on_state(alone(), 140.0)


def test_a_group_of_which_several_devices_answer_is_told_once() -> None:
    told = story()
    several = [found(group="g", label=label, members=2) for label in ("laptop", "nas")]
    told.on_state(alone(found=several[:1]), 94.0)
    assert told.on_state(alone(found=several[:1]), 100.0)[0].startswith("Found “Home”")
    assert told.on_state(alone(found=several[1:]), 100.1) == []
    namesake = found(group="h", label="nas", members=2)
    assert told.on_state(alone(found=[namesake]), 100.2) == []
    assert told.on_tick(106.2)[0].startswith("Found “Home”"), "another one of that name"
    third = found(group="i", label="nas", address="10.0.0.5:7685")
    told.on_state(alone(found=[namesake, third]), 106.3)
    lines = told.on_tick(112.3)
    [line] = [line for line in lines if "this device and nas" in line]
    assert line.startswith("  To become one group this device and nas (10.0.0.5:7685) show three")


def test_a_group_that_was_found_says_what_lets_this_device_in() -> None:
    told = story()
    waiting = alone(
        group=None,
        node=None,
        synced=False,
        ring=[],
        state="waiting",
        reason="both doors are closed",
        found=[found()],
    )
    told.on_state(waiting, 94.0)
    lines = told.on_tick(100.0)
    assert lines[:2] == ["Found “Home” (1 device: den-pc, 192.168.1.10).", lines[1]]
    assert lines[1] == (
        "  To become one group this device and den-pc show three words once one asks the other; "
        "say yes on both if they are the same."
    )
    assert told.on_state(waiting | {"found": []}, 100.0) == ["Waiting: both doors are closed"]
    moved = waiting | {"found": [found(address="10.0.0.5")]}
    assert told.on_state(moved, 101.0) == []
    assert told.on_state(moved, 107.0) == []
    half = told.on_state(waiting | {"found": [found(open=True)]}, 107.1)
    assert half[1].startswith("  The door there is open: only this device asks.")


def test_a_group_that_is_about_to_be_asked_is_not_told_as_found_first() -> None:
    told, near = story(), found(name="", label="", address="10.88.0.1:7685", members=0)
    lines = told.on_state(alone(found=[near]), 100.0) + told.on_tick(100.0 + ASKED_S - 0.1)
    lines += told.on_state(alone(found=[near], requests=[joining()]), 100.0 + ASKED_S)
    lines += told.on_tick(120.0)
    assert lines == ["potluck 0.1.0 · kitchen-pc · 7F3A-91C2"], "the three words stand there"
    watching = Story(WORDS, 100.0, prompt=True, watching=True)
    watched = watching.on_state(alone(found=[near]), 100.0)
    assert "Found another group near by (10.88.0.1:7685)." in watched, "it was there before"


ASKED_HERE = (
    "Somebody there asked to be let in here; that is over: the other side said no. "
    "Either side can ask again."
)


def test_after_a_no_it_is_told_what_happened_and_what_is_typed_to_ask() -> None:
    told, near = story(), found(name="", label="", address="10.0.0.9:7685")
    assert not any("ask there" in line for line in told.on_state(alone(found=[near]), 100.0))
    ended = near | {"ended": "the other side said no", "asked_here": True}
    assert told.on_state(alone(found=[ended]), 101.0) == [
        "Found another group near by (10.0.0.9:7685).",
        f"  {ASKED_HERE}",
        "  to ask there now: potluck --home h approve 10.0.0.9:7685",
    ]
    assert told.on_state(alone(found=[ended]), 102.0) == []


def test_while_a_code_is_tried_no_group_is_said_to_be_asked() -> None:
    told, tries = story(), {"open": False, "until_s": None, "shut": False, "joins": True}
    lines = told.on_state(alone(found=[found()], door=tries), 100.0) + told.on_tick(104.0)
    assert not any("Found" in line or "To become one group" in line for line in lines)
    again = told.on_state(alone(found=[found()]), 106.0)
    assert "Found “Home” (1 device: den-pc, 192.168.1.10)." in again, "it came to nothing"
    assert any(line.startswith("  To become one group") for line in again)


def test_a_group_that_one_talks_to_is_not_found_besides() -> None:
    told = story()
    hidden = found(name="", label="", address="10.88.0.2:7685", members=0)
    lines = told.on_state(alone(found=[hidden], requests=[request()]), 100.0)
    assert not any("Found" in line for line in lines)
    lines = told.on_state(alone(found=[hidden]), 106.0)
    assert "Found another group near by (10.88.0.2:7685)." in lines, "nobody talks any more"


def test_who_was_removed_while_it_was_off_is_not_welcomed() -> None:
    told, away = story(), state(devices=[device(me=True), device("nas", online=False)])
    lines = told.on_state(away, 100.0) + told.on_tick(101.0)
    text = "this device was removed from “Home” by nas; its files stay here"
    removed = {"code": "removed", "level": "warning", "subject": "", "text": text}
    lines += told.on_notice(removed, 101.5)
    for later in (101.6, 100.0 + ALONE_S, 120.0):
        lines += told.on_state(away, later)
    assert lines[1] == f"! {text}"
    assert not any("Welcome" in line or "Put files" in line for line in lines)
    here, said = story(), story().on_state(state(), 100.0)
    assert any("Welcome" in line for line in said), "one of the others is here"
    here.on_notice(removed, 99.0)
    assert not any("Welcome" in line for line in here.on_state(state(), 100.0))


def test_where_all_others_are_away_one_is_welcomed_once_nobody_answered() -> None:
    told, away = story(), state(devices=[device(me=True), device("nas", online=False)])
    assert not any("Welcome" in line for line in told.on_state(away, 100.0))
    lines = told.on_tick(100.0 + ALONE_S)
    assert lines[0].startswith("Welcome to “Home”")
    assert any(line.startswith("Nobody else is here: nas away.") for line in lines)


def test_a_request_is_told_once_and_the_next_when_it_is_over() -> None:
    told, quiet = story(), story()
    nas = request("nas", id="5eed0002", left_s=118.0, words=["lemon", "crystal", "otter"])
    both = asked(request(), nas)
    assert told.request_lines(both, 1.0, keys=True)[:4] == [
        "! bert (10.88.0.2) asks to join “Home” (2 requests in all).",
        f"  {LOOK}",
        "      AMBER  TIGER  VIOLIN",
        "  Type y for yes or n for no. No answer counts as no, in 2 min.",
    ]
    assert told.request_lines(both, 1.1, keys=True) == []
    assert told.readable(both) == {"5eed0001": "bert", "5eed0002": "nas"}
    again = told.request_lines(asked(nas), 1.2, keys=True)
    assert again[2:] == ["      LEMON  CRYSTAL  OTTER", again[3]]
    assert again[3].startswith("  Type y for yes"), "a key answers that one now"
    assert told.request_lines(state(), 1.3, keys=True) == []
    every = quiet.request_lines(both, 1.0, keys=False)
    assert every[8] == "      LEMON  CRYSTAL  OTTER"
    assert every[9] == "  yes: potluck --home h approve nas"
    assert every[3:5] == [
        "  yes: potluck --home h approve bert",
        "  no:  potluck --home h deny bert",
    ], "where nothing can be typed the commands are named"
    assert isinstance(every[3], Advice)
    assert quiet.request_lines(asked(nas), 2.0, keys=False) == [], "each is told once"
    wordless = asked(request(words=[]))
    assert quiet.request_lines(wordless, 3.0, keys=False) == [], "it cannot be answered yet"


def test_a_flood_of_requests_is_summed_up() -> None:
    told, quiet, lines = story(), story(), list[str]()
    many = [asked(request(f"d{one}", id=str(one))) for one in range(REQUEST_LINES + 7)]
    for one in many:
        lines += quiet.request_lines(one, 10.0, keys=False)
    assert sum("asks to join" in line for line in lines) == REQUEST_LINES
    assert quiet.readable(many[-1]) == {}, "nobody could read it"
    assert told.request_lines(many[-1], 10.0, keys=True), "what a key answers is told in any case"
    assert quiet.on_tick(69.9) == []
    assert quiet.on_tick(70.0) == [
        "! 7 more requests to join came within a minute.",
        "  those that still wait: potluck --home h pending",
    ]


def test_ended_requests_scroll_nothing_away_but_those_that_people_answered() -> None:
    told, lines = story(), list[str]()
    notice = {"code": "request_over", "level": "info", "subject": "d1", "command": ""}
    over = "the request of d1 is over: "
    for one in range(38):
        lines += told.on_notice(notice | {"text": f"{over}it was taken back"}, 10.0 + one)
    lines += told.on_notice(notice | {"text": f"{over}cora said no"}, 50.0)
    lines += told.on_notice(notice | {"text": f"{over}d1 is a member now: cora said yes"}, 50.0)
    assert [line.rpartition(": ")[2] for line in lines] == [
        "it was taken back", "cora said no", "cora said yes",
    ]  # fmt: skip
    assert told.on_tick(70.0) == ["37 more requests to join ended within a minute."]


def test_while_somebody_asks_to_join_it_is_not_said_that_nobody_answers() -> None:
    told = story()
    asks = alone(requests=[request(answer="yes")], state="busy", reason="x")
    told.on_state(asks, 100.0)
    assert told.on_tick(100.0 + ALONE_S) + told.on_tick(100.0 + JOINING_S) == []
    lines = told.on_state(alone(), 120.0)
    assert lines[0] == "Nobody else is in the group “Home” of this device."


def test_a_request_is_not_told_a_second_time_by_its_notice_or_as_what_is_waited_for() -> None:
    told = story()
    notice = {"code": "request", "level": "warning", "subject": "bert", "text": "bert asks"}
    assert told.on_notice(notice, 100.0) == []
    lines = told.on_state(asked(request()), 100.0)
    assert not any("Waiting" in line for line in lines)
    over = notice | {"code": "request_over", "level": "info", "text": "bert was let in by cora"}
    assert told.on_notice(over, 101.0) == ["bert was let in by cora"]
    lonely = alone(requests=[joining()], state="waiting", reason="cora asks", command="approve x")
    assert not any("Waiting" in line for line in story().on_state(lonely, 100.0))


def test_being_alone_for_long_is_explained_once() -> None:
    told = story()
    assert told.on_tick(100.0 + ALONE_S) == []  # nothing is known yet
    told.on_state(alone(), 100.0)
    first = told.on_tick(100.0 + ALONE_S - 0.1)
    assert len(first) == 5, "the group, what to type elsewhere, where files go, the way out"
    lines = told.on_tick(100.0 + ALONE_S)
    assert lines[0] == "Nobody answers yet. Tried: 6 neighbours on 2 networks (eth0, wlan0)."
    assert [line[:7] for line in lines[1:3]] == ["  why: ", "  next:"]
    assert told.on_tick(200.0) == []


def test_a_newcomer_that_was_just_let_in_is_not_told_that_nobody_answers() -> None:
    told = story()
    told.on_state(alone(found=[found()]), 100.0)
    told.on_tick(108.0)
    joined = alone(devices=[device(me=True), device(label="laptop", online=False)])
    assert not any("Nobody" in line for line in told.on_state(joined, 108.1))
    assert not any("Nobody" in line for line in told.on_tick(107.9 + ALONE_S))
    assert any("Nobody" in line for line in told.on_tick(108.0 + ALONE_S))


def test_nobody_is_alone_with_an_online_device() -> None:
    told = story()
    told.on_state(state(state="busy", synced=False), 100.0)
    assert told.on_tick(100.0 + ALONE_S) == []


def test_a_command_in_a_notice_or_in_what_is_waited_for_is_typed_as_it_is_here() -> None:
    told = story()
    held = {"code": "held", "text": "to have them, type: repair", "level": "info", "subject": ""}
    assert told.on_notice(held, 1.0) == ["to have them, type: potluck --home h repair"]
    waiting = state(state="waiting", reason="waiting for a yes, type: approve bert")
    assert "Waiting for a yes, type: potluck --home h approve bert" in told.on_state(waiting, 2.0)


def test_the_command_of_a_notice_stands_on_a_line_of_its_own() -> None:
    command = "chmod u+r 'd1/a; try: b'"
    notice = {
        "code": "x", "subject": "", "level": "warning", "at_s": 0.0,
        "text": f"not read: “d1/a; try: b” (no); try: {command}", "command": command,
    }  # fmt: skip
    first, second = story().on_notice(notice, 100.0)
    assert first == "! not read: “d1/a; try: b” (no)"
    assert isinstance(second, Advice)
    assert (second.before, second.command) == ("  try: ", command)
    ours = notice | {"text": "alone; so that it is not: peers", "command": "peers"}
    [_, third] = story().on_notice(ours, 100.0)
    assert third == f"  so that it is not: {WORDS.of('peers')}"
    whole = f"! {notice['text']}"
    assert story().on_notice(notice | {"command": ""}, 100.0) == [whole]
    assert story().on_notice(notice | {"command": "rm -rf /"}, 100.0) == [whole]


def test_unshared_files_are_said_with_the_way_to_share_them() -> None:
    told = story()
    lines = told.on_state(state(unshared={"files": 3}), 100.0)
    assert "3 files in /home/me/Potluck are not shared yet, and left alone." in lines
    assert any("potluck --home h add PATH…" in line for line in lines)
    assert any("--move" in line and "--reflink" in line for line in lines)
    assert told.on_state(state(unshared={"files": 4}), 100.1) == []
    assert any(
        line.startswith("1 file in") and " is not " in line
        for line in story().on_state(state(unshared={"files": 1}), 0)
    )


def test_everything_everywhere_is_said_when_it_has_held_for_a_moment() -> None:
    told = story()
    told.on_state(state(), 100.0)
    assert told.on_tick(100.0 + SETTLED_S / 2) == []
    assert told.on_tick(100.0 + SETTLED_S) == ["✓ 14 files · 1.6 GB · verified · on 2 of 2 devices"]
    assert told.on_tick(200.0) == []
    told.on_state(state(state="busy", files=15, synced=False), 201.0)
    told.on_state(state(files=15), 202.0)
    assert told.on_tick(204.0) == ["✓ 15 files · 1.6 GB · verified · on 2 of 2 devices"]


def test_nothing_is_whole_while_another_lacks_files() -> None:
    told = story()
    told.on_state(state(devices=[state()["devices"][0], device(need_files=1)]), 100.0)
    assert told.on_tick(110.0) == []


def group(*others: dict[str, object], **changes: object) -> dict[str, object]:
    return state(devices=[state()["devices"][0], *others], **changes)


def test_who_is_away_is_named_and_not_counted() -> None:
    told = story()
    told.on_state(group(device(), device("desk", online=False, known=False)), 100.0)
    assert told.on_tick(102.0) == ["✓ 14 files · 1.6 GB · verified · on 2 of 3 devices (desk away)"]
    told.on_state(group(device(), device("desk")), 102.0)
    assert told.on_tick(104.0) == ["✓ 14 files · 1.6 GB · verified · on 3 of 3 devices"]
    told.on_state(group(device(), device("desk", online=False, known=False)), 104.0)
    assert told.on_tick(110.0) == [], "who left is told in its own line"
    told.on_state(group(device(), device("desk")), 111.0)
    assert told.on_tick(120.0) == [], "no more than was said before"
    told.on_state(group(device(online=False, known=False), files=15), 121.0)
    assert told.on_tick(130.0) == [
        "✓ 15 files · 1.6 GB · verified · on 1 of 2 devices (laptop away)"
    ]


def test_who_has_not_spoken_is_waited_for_and_then_said_to_be_unknown() -> None:
    told = story()
    told.on_state(group(device(known=False), state="sending", reason="…"), 100.0)
    assert told.on_tick(100.0 + UNKNOWN_S - 0.1) == []
    assert told.on_tick(100.0 + UNKNOWN_S) == [
        "✓ 14 files · 1.6 GB · verified · on 1 of 2 devices (laptop not known yet)"
    ]
    told = story()
    many = [device(f"d{number}", online=False, known=False) for number in range(5)]
    told.on_state(group(*many), 100.0)
    (line,) = told.on_tick(102.0)
    assert line.endswith("on 1 of 6 devices (d0 away, d1 away, d2 away, 2 more)")


def test_alone_it_is_only_here() -> None:
    told = story()
    told.on_state(alone(files=1, bytes=5), 104.0)
    assert "✓ 1 file · 5 B · verified · only on this device so far" in told.on_tick(106.0)


def test_waiting_for_an_owner_is_said_once_however_long_it_takes() -> None:
    told = story()
    words = "waiting for laptop (away for {} min): v.bin"
    first = told.on_state(state(state="waiting", synced=False, reason=words.format(1)), 100.0)
    assert "Waiting for laptop (away for 1 min): v.bin" in first
    assert any(line.startswith("Welcome") for line in first)
    assert told.on_state(state(state="waiting", synced=False, reason=words.format(2)), 160.0) == []
    told.on_state(state(), 161.0)
    again = told.on_state(state(state="waiting", synced=False, reason=words.format(3)), 170.0)
    assert again == ["Waiting for laptop (away for 3 min): v.bin"]


def test_alone_in_the_ring_of_a_group_no_node_is_named() -> None:
    node = {"number": 0, "of": 1, "last": "kitchen-pc", "next": "kitchen-pc", "digest": ""}
    assert "Welcome to “Home” (2 devices)." in story().on_state(state(node=node), 100.0)


def test_notices_carry_their_level_and_no_control_characters() -> None:
    notice = {
        "number": 1,
        "code": "c",
        "text": "bad \x1b[2J",
        "level": "warning",
        "subject": "",
        "at_s": 0.0,
    }
    assert story().on_notice(notice, 100.0) == ["! bad \\x1b[2J"]
    assert story().on_notice(notice | {"level": "error"}, 100.0)[0].startswith("✗ ")
    assert story().on_notice(notice | {"level": "info", "text": "hello"}, 100.0) == ["hello"]
    # the state tells it, with the next step
    assert story().on_notice(notice | {"code": "founded"}, 100.0) == []


def guest(code: str, text: str, level: str = "info") -> dict[str, object]:
    return {"number": 1, "code": code, "text": text, "level": level, "subject": "desk", "at_s": 0.0}


def test_a_guest_is_one_line() -> None:
    told = story()
    assert told.on_notice(guest("member_new", "desk is a member of Home now"), 100.0) == []
    admitted = guest("admitted", "admitted desk because the door is open", "warning")
    assert told.on_notice(admitted, 100.1) == ["! admitted desk because the door is open"]
    assert told.on_notice(guest("node_joined", "desk is here"), 101.0) == []
    assert told.on_tick(103.0) == []
    later = 101.0 + GREETED_S
    told.on_tick(later)
    assert told.on_notice(guest("node_joined", "desk is here"), later) == ["desk is here"]


def test_a_guest_that_another_device_let_in_is_one_line_too() -> None:
    told = story()
    told.on_notice(guest("member_new", "desk is a member of Home now"), 100.0)
    here = guest("node_joined", "desk is here")
    assert told.on_notice(here, 100.5) == ["desk is a member of Home now"]
    told = story()
    told.on_notice(guest("member_new", "desk is a member of Home now"), 100.0)
    assert told.on_tick(100.0 + ADMITTED_S) == ["desk is a member of Home now"]
    assert told.on_notice(here, 102.0) == []


def test_plain_screens_hear_of_each_large_transfer_once() -> None:
    told = story()
    busy = state(
        need_files=3, need_bytes=9, transfers=[transfer(), transfer("small", size=10)],
        uploads=[upload(), upload("small", size=10)],
    )  # fmt: skip
    lines = ["↓ kitchen-pc/holiday.mp4 · 1.4 GB", "↑ laptop/movie.bin · 1.0 GB to kitchen-pc"]
    assert told.transfer_lines(busy) == lines
    assert told.transfer_lines(busy | {"transfers": [], "uploads": []}) == []
    assert told.transfer_lines(busy) == [], "between two requests nothing is on its way"
    told.transfer_lines(state())
    assert told.transfer_lines(busy) == lines, "once all is here it is another transfer"
    photos = state(need_bytes=9, transfers=[transfer("a", files=3000, size=10**9)])
    assert told.transfer_lines(photos) == ["↓ a · 3,000 files · 1.0 GB"]
    named = state(uploads=[upload("a · 1 GB to nas", size=10**9)])
    assert told.transfer_lines(named) == ["↑ “a · 1 GB to nas” · 1.0 GB to kitchen-pc"]


def test_what_was_told_of_transfers_is_bounded() -> None:
    told = story()
    for number in range(LINES_MAX + 2):
        told.transfer_lines(state(need_bytes=9, transfers=[transfer(f"{number}")]))
    assert repr(told) == "Story(0 topics told, 1 transfers)"


def test_who_skips_some_is_named_and_not_counted() -> None:
    told = story()
    told.on_state(group(device(need_files=2, skips_files=2)), 100.0)
    assert told.on_tick(110.0) == [
        "✓ 14 files · 1.6 GB · verified · on 1 of 2 devices (laptop skips some)"
    ]
    told = story()
    told.on_state(group(device(need_files=3, skips_files=2)), 100.0)
    assert told.on_tick(110.0) == []
    told = story()
    told.on_state(group(device(need_folders=2, skips_folders=1)), 100.0)
    assert told.on_tick(110.0) == [], "a folder lacks there"
    told.on_state(group(device(need_folders=1, skips_folders=1)), 120.0)
    (line,) = told.on_tick(130.0)
    assert line.endswith("on 1 of 2 devices (laptop skips some)")
