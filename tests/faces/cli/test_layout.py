"""Layout: the lines of `status` and `peers`, each fact in its place, each silence explained."""

from __future__ import annotations

from potluck.faces.cli import layout
from potluck.faces.cli.layout import LONGEST_LIST, Words
from tests.faces.fakes import alone, device, found, state, transfer

WORDS = Words("potluck --home h", "potluck")


def text(**changes: object) -> str:
    return "\n".join(layout.status_lines(state(**changes)))


def test_status_of_a_quiet_group() -> None:
    assert layout.status_lines(state()) == [
        "potluck 0.1.0 · kitchen-pc · 7F3A-91C2",
        "  group    Home · node 0 of 2 · last laptop · next laptop",
        "  state    in sync · 14 files · 1.6 GB",
        "  folder   /home/me/Potluck   (mine: /home/me/Potluck/Shared/kitchen-pc)",
        "  network  port 7685 · ↓ 0 B/s · ↑ 0 B/s",
        "  door     closed",
        "",
        "devices",
        "  kitchen-pc  node 0  this device        has 14 files",
        "  laptop      node 1  192.168.1.23:7685  has 14 files",
    ]


def test_status_says_what_is_to_come_and_why_it_is_not_here() -> None:
    busy = text(
        state="busy", need_files=3, need_bytes=2_000_000, reason="the disk is nearly full",
        transfers=[transfer()], refused=[{"path": "a/b\n", "reason": "a newline"}],
        unshared={"files": 2},
        devices=[device(online=False, node=None, need_files=5, need_bytes=1000)],
    )  # fmt: skip
    for part in (
        "busy · the disk is nearly full · 14 files · 1.6 GB · 3 files (2.0 MB) to come",
        "kitchen-pc/holiday.mp4  1.1 GB of 1.4 GB  112 MB/s  from kitchen-pc",
        "a/b\\x0a  a newline",
        "2 files here not shared yet",
        "laptop    away  has 14 files  needs 5 (1.0 KB)",
    ):
        assert part in busy


def test_long_lists_are_cut() -> None:
    assert "… and 2 more" in text(transfers=[transfer()] * (LONGEST_LIST + 2))
    assert "more" not in text(transfers=[transfer()] * LONGEST_LIST)


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
    away = layout.peer_lines(
        state(devices=[device(online=False, node=None, address=None, found_by=None)]), WORDS
    )
    assert away[1].split() == ["laptop", "away", "unknown"]
    assert away[2].startswith("Nobody answers yet.")


def test_being_alone_is_explained() -> None:
    lines = layout.peer_lines(alone(), WORDS)
    assert (
        lines[0] == "Nobody answers yet. Tried: 6 neighbours on 2 networks (eth0, wlan0), "
        "by beacon and neighbours."
    )
    assert "UDP 7685 and TCP 7685" in lines[1]
    assert "`potluck up`" in lines[2]
    assert "`potluck --home h up --peer ADDRESS`" in lines[2]
    nothing = alone(tried={"interfaces": [], "neighbours": 0, "sources": []})
    assert "Tried: 0 neighbours on 0 networks." in layout.peer_lines(nothing, WORDS)[0]


def test_a_group_that_was_found() -> None:
    lines = layout.peer_lines(alone(found=[found(name="Ho\x1bme", members=0)]), WORDS)
    assert lines[0] == "Found “Ho\\x1bme” (kitchen-pc, 192.168.1.10)."
    mine = layout.found_lines(alone(found=[found()], door={"open": True, "until_s": None}), WORDS)
    assert mine[-2:] == [
        "    on kitchen-pc    type open, or: potluck open",
        "    on this machine  is open already",
    ]
    for joins, words in {
        "we": "this device joins it.",
        "they": "kitchen-pc is to join this device, which stays where it is.",
        "": "nothing more is to be done here.",
    }.items():
        both = layout.found_lines(
            alone(found=[found(open=True, joins=joins)], door={"open": True, "until_s": None}),
            WORDS,
        )
        assert both[-1] == "  Both doors are open: " + words
