"""Durability: what waits goes on when the disk has it; what cannot be made safe stands."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import Hindrance
from potluck.core.content.paths import parse_wire_path
from potluck.engine.durability import HELD_BACK, RESTART, SAVING, TIDYING, Durability
from potluck.engine.effects import LookAround, MakeDurable, Tell
from potluck.engine.events import LogMoved, LogStuck, MadeDurable, NotDurable
from potluck.engine.node import Node
from potluck.engine.troubles import Trouble, TroubleKind
from tests.engine.builders import node, taken
from tests.engine.views.faces import shared
from tests.engine.wire import Box, Wire

LOG = "/my home/index-wal"
WAITS = NotDurable(str(Hindrance.DESCRIPTORS), LOG, 1.0)
FAILED = NotDurable(str(Hindrance.IO), LOG, None)
STUCK = LogStuck("its disk is full (/my home/index)", "df -h '/my home'", 5.0)


@pytest.fixture
def here() -> Node:
    made = node(1)
    made.now = 100.0
    return made


def told(here: Node) -> list[tuple[str, str]]:
    return [(tell.code, tell.level) for tell in taken(here, Tell)]


def test_what_waits_for_the_disk_goes_on_when_the_disk_has_it(here: Node) -> None:
    here.when_durable([LookAround()])
    (asked,) = here.take()
    assert isinstance(asked, MakeDurable)
    Durability(here).on_made(MadeDurable(asked.barrier))
    assert here.take() == [LookAround()]
    assert here.troubles.all() == []


def test_what_is_tried_again_stands_till_it_goes_and_is_told_once(here: Node) -> None:
    part = Durability(here)
    part.on_failed(WAITS)
    here.now += 1.0
    part.on_failed(WAITS)
    sentence = "too many files are open: allow more, and start potluck again"
    reason = f"{LOG}: {sentence}; {HELD_BACK} till then"
    kind = TroubleKind.INDEX
    assert here.troubles.all() == [Trouble(kind, SAVING, reason, "ulimit -n 65536", 100.0, 102.0)]
    (tell,) = taken(here, Tell)
    assert tell.text == f"{SAVING}: {reason}; try: ulimit -n 65536"
    assert (tell.code, tell.level, tell.command) == ("index_trouble", "error", "ulimit -n 65536")
    part.on_made(MadeDurable(1))
    part.on_made(MadeDurable(2))
    assert here.troubles.all() == []
    assert told(here) == [("index_well", "info")]
    part.on_failed(WAITS)
    assert told(here) == [("index_trouble", "error")]


def test_what_is_not_tried_again_stands_to_the_end_of_the_run(here: Node) -> None:
    part = Durability(here)
    part.on_failed(FAILED)
    part.on_failed(WAITS)
    part.on_made(MadeDurable(1))
    reason = f"{LOG}: the disk reports an input/output error; {HELD_BACK} {RESTART}"
    kind = TroubleKind.INDEX
    assert here.troubles.all() == [Trouble(kind, SAVING, reason, "dmesg | tail", 100.0, None)]
    assert told(here) == [("index_trouble", "error")]


def test_what_was_tried_again_may_fail_for_good(here: Node) -> None:
    part = Durability(here)
    part.on_failed(WAITS)
    part.on_failed(FAILED)
    (trouble,) = here.troubles.all()
    assert (trouble.next_s, trouble.command) == (None, "dmesg | tail")
    assert told(here) == [("index_trouble", "error")] * 2


def test_where_no_command_helps_leaving_does_if_it_is_never_tried_again(here: Node) -> None:
    part = Durability(here)
    part.on_failed(NotDurable("Stale file handle", LOG, 1.0))
    assert [(one.subject, one.command) for one in here.troubles.all()] == [(SAVING, "")]
    (tell,) = taken(here, Tell)
    assert "try:" not in tell.text
    part.on_failed(NotDurable("Stale file handle", LOG, None))
    assert [one.command for one in here.troubles.all()] == ["down"]


def test_a_log_that_only_grows_is_another_trouble(here: Node) -> None:
    part = Durability(here)
    part.on_log(LogMoved())
    part.on_log(STUCK)
    part.on_log(STUCK)
    part.on_made(MadeDurable(1))
    why = f"its log cannot be moved into its file, and grows: {STUCK.reason}"
    kind = TroubleKind.DISK
    assert here.troubles.all() == [Trouble(kind, TIDYING, why, STUCK.command, 100.0, 105.0)]
    assert told(here) == [("index_trouble", "error")]
    part.on_log(LogMoved())
    assert here.troubles.all() == []


# -- between two devices ---------------------------------------------------------------------------
def no_store() -> tuple[Wire, Box, Box]:
    """Two devices that share one file; from now on no disk makes anything durable."""
    wire, ann, ben = shared()
    wire.ignored = (MakeDurable,)
    return wire, ann, ben


def test_nobody_hears_of_what_is_not_durable_and_its_owner_claims_no_sync() -> None:
    wire, ann, ben = no_store()
    ann.hear(FAILED)
    ann.write("b", b"other")
    wire.run(5.0)
    assert ann.engine.view(wire.now).files == 2, "it is known here"
    assert ben.engine.view(wire.now).files == 1, "and nobody else was told"
    view = ann.engine.view(wire.now)
    assert (view.state, view.synced) == ("trouble", False)
    held = {head.seq for head in ann.engine.keepers(wire.now).heads}
    kept = {kept.head.seq for one in ann.engine.keepers(wire.now).devices for kept in one.kept}
    assert max(held) > max(kept), "so it is not taken for delivered"


def test_what_is_not_durable_is_not_placed_and_nobody_is_told_that_it_stands() -> None:
    wire, ann, ben = shared()
    ann.write("b", b"other")
    assert wire.run(3.0, lambda: ben.engine.view(wire.now).files == 2)
    wire.ignored = (MakeDurable,)  # its list of files came, its content has yet to
    assert not stands(ben, ann, "b")
    ben.hear(FAILED)
    wire.run(10.0)
    assert not stands(ben, ann, "b"), "a power cut could take back that it was to be there"
    kept = ann.engine.node.peers[ben.me].kept[ann.engine.node.own_manifest]
    assert (kept.seq, kept.missing_files) == (2, 1)
    (row,) = ann.engine.view(wire.now).deliveries
    assert (row.known, row.need_files) == (True, 1)
    assert not ben.engine.view(wire.now).synced


def stands(box: Box, owner: Box, name: str) -> bool:
    return parse_wire_path(f"{owner.label}/{name}".encode()) in box.disk


def test_it_shows_its_state_in_one_line(here: Node) -> None:
    part = Durability(here)
    assert repr(part) == "<Durability failed=False, lasting=False, stuck=False>"
    part.on_failed(FAILED)
    part.on_log(STUCK)
    assert repr(part) == "<Durability failed=True, lasting=True, stuck=True>"
