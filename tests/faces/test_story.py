"""The story: each thing said once, with its next step, and again only when it has changed."""

from __future__ import annotations

from potluck.faces.cli.layout import Words
from potluck.faces.story import ALONE_S, FOUNDED_S, SETTLED_S, Story
from tests.faces.fakes import alone, device, found, state, transfer

WORDS = Words("potluck --home h", "potluck")


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
    assert lines[1].startswith("Put files in /home/me/Potluck/Shared/kitchen-pc      type exit")
    assert told.on_state(alone(), 102.6) == []
    quiet = Story(WORDS, 100.0, prompt=False)
    assert quiet.on_state(state(), 100.0)[-1].endswith("to leave: potluck --home h down")


def test_joining_is_a_welcome() -> None:
    assert "Welcome to “Home” (2 devices) · node 0 of 2." in story().on_state(state(), 100.0)
    assert "Welcome to “Home” (2 devices)." in story().on_state(state(node=None), 100.0)


def test_another_group_later_is_told_again() -> None:
    told = story()
    told.on_state(alone(), 103.0)
    lines = told.on_state(state(group={"id": "other", "name": "Work"}), 104.0)
    assert lines[0].startswith("Welcome to “Work”")


def test_a_group_that_was_found_says_what_to_type_on_both_machines() -> None:
    told = story()
    waiting = alone(
        group=None,
        node=None,
        ring=[],
        state="waiting",
        reason="both doors are closed",
        found=[found()],
    )
    lines = told.on_state(waiting, 100.0)
    assert "Found “Home” (1 device: kitchen-pc, 192.168.1.10)." in lines
    assert "    on kitchen-pc    type open, or: potluck open" in lines
    assert "    on this machine  type open, or: potluck --home h open" in lines
    assert told.on_state(waiting | {"found": []}, 100.0) == ["Waiting: both doors are closed"]
    moved = waiting | {"found": [found(address="10.0.0.5")]}
    assert told.on_state(moved, 101.0) == []
    half = told.on_state(waiting | {"found": [found(open=True)]}, 102.0)
    assert "    on kitchen-pc    is open already" in half


def test_being_alone_for_long_is_explained_once() -> None:
    told = story()
    assert told.on_tick(100.0 + ALONE_S) == []  # nothing is known yet
    told.on_state(alone(), 100.0)
    assert len(told.on_tick(100.0 + ALONE_S - 0.1)) == 2  # the group, and where to put files
    lines = told.on_tick(100.0 + ALONE_S)
    assert lines[0].startswith(
        "Nobody answers yet. Tried: 6 neighbours on 2 networks (eth0, wlan0), by beacon"
    )
    assert [line[:7] for line in lines[1:]] == ["  why: ", "  next:"]
    assert told.on_tick(200.0) == []


def test_nobody_is_alone_with_an_online_device() -> None:
    told = story()
    told.on_state(state(state="busy"), 100.0)
    assert told.on_tick(100.0 + ALONE_S) == []


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
    told.on_state(state(state="busy", files=15), 201.0)
    told.on_state(state(files=15), 202.0)
    assert told.on_tick(203.0) == ["✓ 15 files · 1.6 GB · verified · on 2 of 2 devices"]


def test_nothing_is_whole_while_another_lacks_files() -> None:
    told = story()
    told.on_state(state(devices=[state()["devices"][0], device(need_files=1)]), 100.0)
    assert told.on_tick(110.0) == []


def test_notices_carry_their_level_and_no_control_characters() -> None:
    notice = {
        "number": 1,
        "code": "c",
        "text": "bad \x1b[2J",
        "level": "warning",
        "subject": "",
        "at_s": 0.0,
    }
    assert story().on_notice(notice) == ["! bad \\x1b[2J"]
    assert story().on_notice(notice | {"level": "error"})[0].startswith("✗ ")
    assert story().on_notice(notice | {"level": "info", "text": "hello"}) == ["hello"]
    # the state tells it, with the next step
    assert story().on_notice(notice | {"code": "founded"}) == []


def test_plain_screens_hear_of_each_large_transfer_once() -> None:
    told = story()
    busy = state(transfers=[transfer(), transfer("small", size=10)])
    assert told.transfer_lines(busy) == ["↓ kitchen-pc/holiday.mp4 · 1.4 GB from kitchen-pc"]
    assert told.transfer_lines(busy) == []
