"""The source: answers, notices, commands; neither the loop nor those who ask wait for the other.

Strategy: a real loop with a real engine on its thread wherever the loop matters, in a world of
stand-ins (tests/shells/loop/test_loop.py) that leaves imports to the test; plain values everywhere
else.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from potluck.core.content.facts import Finding, Stat
from potluck.core.errors import NotFound, NotRunning, TimedOut
from potluck.core.keys.identity import DeviceKey
from potluck.engine.effects import Import, Look, Reply, Scan, Tell
from potluck.engine.engine import Engine, EngineSettings
from potluck.engine.events import Imported, PathSeen, ShareSeen, TreeSeen
from potluck.engine.index import Index
from potluck.engine.own.imports import LEAVING, START_AGAIN
from potluck.engine.person_acts import ApproveAsked
from potluck.engine.views.values import EntryView, FolderPage
from potluck.shells.api import source as module
from potluck.shells.api.source import Notices, RunningSource
from potluck.shells.loop.loop import leave
from potluck.shells.loop.people import warning
from tests.engine.builders import Chance
from tests.fair_time import FairTime
from tests.shells.loop.test_loop import Stage
from tests.shells.peers import WAIT_S, until

SHORT_S = 0.05  # for an engine that is busy
HANG_S = 30.0  # a loop hangs no longer, whatever fails meanwhile

PAGES, PAGE_FILES = 40, 250
STAT = Stat(1, 1, 1, 1, executable=False)


class Face:
    """What shows notices at once."""

    def __init__(self) -> None:
        self.shown: list[Tell] = []

    def told(self, code: str, text: str, level: str, subject: str) -> None:
        self.shown.append(Tell(code, text, level, subject))


class Office(Stage):
    """A loop with a real engine, and the source in front of it."""

    def __init__(self) -> None:
        self.index = Index.open(":memory:")
        settings = EngineSettings(label="den", port=7685, open_s=None, sweep=False, folder="/f")
        self.source = RunningSource(3, Face())
        engine = Engine(settings, DeviceKey(b"k" * 64), self.index, Chance(1), b"i" * 16)
        super().__init__(engine, self.source)
        self.source.attach(self.loop)

    def close(self) -> None:
        super().close()
        self.index.close()

    def effect(self, kind: type[Any]) -> Any:
        """Wait until the engine has asked for this."""
        return until(
            lambda: next((effect for effect in self.done if isinstance(effect, kind)), None)
        )


@contextmanager
def hanging(office: Office, then: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Inside, its loop is in the middle of something, at the end of which it does one more thing;
    whatever is asked meanwhile waits for it.
    """
    begun, over = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        over.wait(HANG_S)
        then()

    busy = threading.Thread(target=lambda: office.loop.ask(lambda *_: hang(), 2 * HANG_S))
    busy.start()
    try:
        assert begun.wait(WAIT_S)  # what came before it would overtake it
        yield
    finally:
        over.set()
        busy.join(HANG_S)


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """An office where a look is waited for; who tests an engine that is busy is less patient."""
    monkeypatch.setattr(module, "GLANCE_S", WAIT_S)
    one = Office()
    one.start()
    yield one
    one.close()


# -- notices ---------------------------------------------------------------------------------------
def test_notices_are_numbered_and_kept_in_order() -> None:
    notices = Notices()
    for text in ("a", "b", "a"):
        assert notices.put(Tell("code", text, "info", "s"))
    assert [(notice["number"], notice["text"]) for notice in notices.above(1)] == [
        (2, "b"),
        (3, "a"),
    ]
    assert notices.above(3) == []
    first = notices.above(0)[0]
    assert first.keys() == {"number", "at_s", "code", "text", "level", "subject", "command"}
    assert abs(first["at_s"] - time.time()) < 60


def test_what_a_shell_warns_of_is_a_notice() -> None:
    face = Face()
    source = RunningSource(0, face)
    source.told(warning("disk_trouble", "slow"))
    assert face.shown == [Tell("disk_trouble", "slow", "warning", "")]
    notices = "<Notices: 1 kept, 1 troubles not told again>"
    assert repr(source) == f"<RunningSource: {notices}, <Commands: 0 waiting, closed=False>>"


def test_only_the_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NOTICES", 2)
    notices = Notices()
    for number in range(5):
        notices.put(Tell("code", str(number), "info", ""))
    assert [notice["number"] for notice in notices.above(0)] == [4, 5]


def test_a_device_that_makes_notices_without_end_crowds_out_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "NOTICES", 5)
    notices = Notices()
    for about in ("", "nas", "nas/a", *["rogue"] * 100):
        notices.put(Tell("code", about, "info", about))
    kept = [notice["subject"] for notice in notices.above(0)]
    assert kept == ["", "nas", "nas/a", "rogue", "rogue"]


def test_no_flood_of_troubles_makes_the_memory_of_what_was_told_grow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "NOTICES", 2)
    notices = Notices()
    for number in range(5):
        assert notices.put(Tell("code", str(number), "warning", ""))
    assert repr(notices) == "<Notices: 2 kept, 2 troubles not told again>"
    assert not notices.put(Tell("code", "4", "warning", ""))


def test_the_same_trouble_is_told_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("potluck.shells.api.source.time.monotonic", lambda: now[0])
    face = Face()
    source = RunningSource(0, face)
    trouble, other = Tell("disk", "full", "error", ""), Tell("disk", "full", "error", "x")
    for tell in (trouble, other, trouble):
        source.told(tell)
    assert face.shown == [trouble, other]
    now[0] += 61
    source.told(trouble)
    assert face.shown == [trouble, other, trouble]
    assert len(source.notices(0)) == 3


# -- the loop --------------------------------------------------------------------------------------
def test_without_a_loop_nothing_is_known() -> None:
    source = RunningSource(0, Face())
    source.leave()
    source.rescan()
    assert source.notices(0) == []
    for question in (
        source.state,
        partial(source.door, 60.0),
        partial(source.files, "", "", 9),
        partial(source.folder, "", ""),
        partial(source.act, partial(ApproveAsked, name="")),
    ):
        with pytest.raises(NotRunning):
            question()
    assert source.add(["/x"], "copy") == {"ok": False, "text": "not ready yet"}


def test_after_the_loop_has_ended_everybody_gets_an_answer_at_once(office: Office) -> None:
    before = office.source.state()
    office.source.leave()
    office.join()
    office.source.close()
    with FairTime() as clock:
        last = office.source.state(fresh=True)
        assert {**last, "age_s": 0.0} == before
        with pytest.raises(NotRunning):
            office.source.files("", "", 9)
        with pytest.raises(NotRunning):
            office.source.door(None)
        added = office.source.add(["/x"], "copy")
        assert (added["ok"], added["text"], added["fix"]) == (False, LEAVING, START_AGAIN)
        office.source.rescan()
    assert clock.spent() < module.COMMAND_S / 2


def test_who_waits_for_a_command_when_the_loop_ends_is_told(office: Office) -> None:
    answers: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: answers.append(office.source.add(["/x"], "copy")))
    waiting.start()
    office.effect(Import)
    leave(office.loop)
    office.join()
    office.source.close()
    waiting.join(WAIT_S)
    assert [answer["ok"] for answer in answers] == [False]


# -- questions -------------------------------------------------------------------------------------
def test_the_state_is_what_the_engine_says_and_what_only_a_shell_knows(office: Office) -> None:
    state = office.source.state()
    assert state["device"]["label"] == "den"
    assert state["unshared"] == {"files": 3}
    assert state["rates"] == {"down": 0.0, "up": 0.0, "received_bytes": 0}
    assert state["version"]
    assert not {"received_bytes", "sent_bytes"} & state.keys()
    assert state["own_folder"] == "/f/Shared/den"
    assert state["age_s"] == 0.0
    assert office.source.files("den", "", 9) == {"files": [], "next": None}
    assert (
        office.source.paths.why("nobody/a")["known"]
        is office.source.paths.info("den/a")["known"]
        is False
    )
    assert office.source.folder("", "")["entries"] == [
        {"name": "den", "kind": "folder", "files": 0, "folders": 0, "size": 0, "here": 0}
        | {"unwanted": False}
    ]
    assert office.source.folder("den/x", "") == {"entries": [], "next": None, "known": False}


def test_a_folder_is_added_up_in_short_questions(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part is its own question; what is not known in time is left to the next answer."""
    asked: list[str] = []
    parts = {
        "": FolderPage([EntryView("a", "folder", 1, 1, 5, 1)], "a/1"),
        "a/1": FolderPage([EntryView("a", "folder", 2, 0, 6, 1)], "a/3"),
        "a/3": FolderPage(
            [EntryView("a", "file", 1, 0, 7, 0), EntryView("b", "file", 1, 0, 1, 1)], None
        ),
    }

    def folder(_engine: Any, path: str, after: str) -> FolderPage:
        assert path == "den"
        asked.append(after)
        return parts[after]

    monkeypatch.setattr(Engine, "folder", folder)
    monkeypatch.setattr(module, "FOLDER_S", 60.0)
    whole = office.source.folder("den", "")
    assert [(one["name"], one["kind"], one["files"], one["size"], one["here"]) for one in
            whole["entries"]] == [
        ("a", "folder", 3, 11, 2), ("a", "file", 1, 7, 0), ("b", "file", 1, 1, 1),
    ]  # fmt: skip
    assert (whole["next"], asked) == (None, ["", "a/1", "a/3"])
    monkeypatch.setattr(module, "FOLDER_S", 0.0)
    assert office.source.folder("den", "a/1")["next"] == "a/3"


def test_the_door_is_as_asked_when_the_answer_comes(office: Office) -> None:
    assert office.source.door(60.0)["open"]
    assert office.source.door(math.inf) == {
        "open": True,
        "until_s": None,
        "shut": False,
        "joins": False,
    }
    assert office.source.door(None) == {
        "open": False,
        "until_s": None,
        "shut": False,
        "joins": False,
    }
    assert [notice["code"] for notice in office.source.notices(0)][-3:] == [
        "door_opened", "door_opened", "door_closed",
    ]  # fmt: skip


def test_transfers_get_their_rate_and_their_sources() -> None:
    source = RunningSource(0, Face())

    def dressed(done: int) -> Any:
        transfer = {"path": "p", "sources": ["attic"], "done": done, "size": 9}
        return source._dress({"received_bytes": 0, "sent_bytes": 0, "transfers": [transfer]})[
            "transfers"
        ]

    assert dressed(0) == [{"path": "p", "from": ["attic"], "done": 0, "size": 9, "rate": 0.0}]
    source._dress({"received_bytes": 0, "sent_bytes": 0, "transfers": []})
    assert source._per_file == {}


def test_the_loop_can_tell_something_while_somebody_waits_for_its_answer(office: Office) -> None:
    """The loop once waited for the lock of a thread that waited for the loop: leaving took ten
    seconds.
    """
    tell = Tell("code", "text", "info", "")
    states: list[Any] = []
    asking = threading.Thread(target=lambda: states.append(office.source.state()))
    with FairTime() as clock:
        with hanging(office, then=lambda: office.source.told(tell)):
            asking.start()
            until(office.loop.inbox._looks.qsize)
        asking.join(WAIT_S)
    assert tell.text in {notice["text"] for notice in office.source.notices(0)}
    assert states[0]["device"]["label"] == "den"
    assert clock.spent() < module.COMMAND_S / 2


def test_an_engine_that_is_busy_is_answered_for_with_the_last_state_and_its_age(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = office.source.state()
    answers: list[Any] = []
    fresh = threading.Thread(target=lambda: answers.append(office.source.state(fresh=True)))
    with hanging(office):
        fresh.start()
        monkeypatch.setattr(module, "FRESH_S", 0.0)
        monkeypatch.setattr(module, "GLANCE_S", SHORT_S)
        until(lambda: office.source.state()["age_s"] > 0)
        old = office.source.state()
        assert {**old, "age_s": 0.0} == before
        assert answers == [], "who needs to know how things are now waits"
    fresh.join(30)
    assert answers[0]["age_s"] == 0.0


def test_the_door_is_said_to_be_as_it_is_once_the_order_was_carried_out(office: Office) -> None:
    """A look that overtakes the order is newer than the question, and knows nothing of it."""
    answers: list[Any] = []
    looker = threading.Thread(target=office.source.state)
    asker = threading.Thread(target=lambda: answers.append(office.source.door(60.0)))
    with hanging(office):
        looker.start()
        until(office.loop.inbox._looks.qsize)
        asker.start()
        until(office.loop.inbox._items.qsize)
    for thread in (asker, looker):
        thread.join(30)
    assert answers[0]["open"]
    assert not office.source.door(None)["open"]


def test_a_door_that_nobody_sees_to_is_not_said_to_be_closed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not office.source.state(fresh=True)["door"]["open"]
    monkeypatch.setattr(module, "COMMAND_S", 0.05)
    monkeypatch.setattr(module, "FRESH_S", 60.0)  # an age that is none for whoever only looks
    with hanging(office):
        assert office.source.state()["age_s"] == 0.0
        assert office.source.state(fresh=True)["age_s"] >= module.OLD_S
        with pytest.raises(TimedOut, match="not known whether the door is open or closed"):
            office.source.door(None)


def test_what_the_engine_answers_too_late_for_one_is_there_for_the_next(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loop that took a little longer each time once left `status` 37 seconds old."""
    monkeypatch.setattr(module, "FRESH_S", 0.0)
    office.source.state()
    monkeypatch.setattr(module, "GLANCE_S", SHORT_S)
    for _ in range(2):
        seen_s = office.source._state_s
        with hanging(office):
            office.source.state()
            glance = office.source._glance
            assert office.source._state_s == seen_s
            assert office.source.state()["age_s"] > 0
            assert office.source._glance is glance, "one question is under way, whoever looks"
        assert glance is not None
        late_s = glance.result(30).at_s
        office.source._loop, loop = None, office.source._loop
        office.source.state()
        assert office.source._state_s == late_s > seen_s
        office.source._loop = loop


def test_a_listing_that_nobody_answers_for_is_an_error(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMMAND_S", 0.05)
    with hanging(office):
        for question in (
            partial(office.source.files, "", "", 9),
            partial(office.source.folder, "", ""),
            partial(office.source.state, fresh=True),  # nor is there an old snapshot
        ):
            with pytest.raises(TimedOut):  # and not half a listing
                question()


def test_looks_and_listings_do_not_wait_for_a_large_scan(office: Office) -> None:
    """While 150,000 files were taken in, `ls` took half a minute and a snapshot was 6 s old."""

    def in_hand(engine: Engine, _now: float) -> int:
        return len(engine.wiring.own_folder._reading)

    office.loop.post(ShareSeen(present=True, reason=""))
    order, top = office.effect(Scan).order, office.effect(Scan).tops[0]
    for number in range(PAGES):
        page = [top.child(f"f{number:03}-{name:03}") for name in range(PAGE_FILES)]
        seen = tuple(PathSeen(path, Finding.FILE, STAT) for path in page)
        office.loop.post(TreeSeen(order, seen, (), number == PAGES - 1, complete=True))
    office.source._state_s = 0.0  # what was seen before is too old
    look = office.loop.inbox.look(in_hand)
    state, folder = office.source.state(), office.source.folder("", "")
    whole = office.loop.ask(in_hand, 60.0)
    assert whole == PAGES * PAGE_FILES
    assert look.result(10) < whole, "it was answered while pages waited"
    assert state["state"] == "busy"
    assert folder["known"]


def test_states_asked_for_in_quick_succession_cost_one_question(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FRESH_S", 60.0)
    questions: list[object] = []
    for whom, name in ((office.loop.inbox, "look"), (office.loop, "promise")):
        real = getattr(whom, name)

        def asked(*words: Any, real: Any = real) -> Any:
            questions.append(words)
            return real(*words)

        monkeypatch.setattr(whom, name, asked)
    assert office.source.state() == office.source.state()
    assert len(questions) == 1
    office.source.state(fresh=True)
    assert len(questions) == 2


# -- commands --------------------------------------------------------------------------------------
def test_an_act_is_answered_by_the_engine_or_refused_in_three_parts(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound) as caught:
        office.source.act(partial(ApproveAsked, name="bert"))
    assert caught.value.cause
    monkeypatch.setattr(
        office.source._commands, "ask", lambda *_: Reply(1, ok=True, text="bert is a member now.")
    )
    act = partial(ApproveAsked, name="bert")
    assert office.source.act(act) == {"text": "bert is a member now."}
    monkeypatch.setattr(office.source._commands, "ask", lambda *_: None)
    with pytest.raises(TimedOut, match="not known whether"):
        office.source.act(act)


def test_a_rescan_reaches_the_engine(office: Office) -> None:
    office.loop.post(ShareSeen(present=True, reason=""))
    before = len(office.done)
    office.source.rescan()
    assert office.loop.ask(lambda engine, _: engine.wiring.own_folder.work)
    until(lambda: len(office.done) > before)


def test_files_being_added_are_busy_until_the_engine_has_them(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.loop.post(ShareSeen(present=True, reason=""))
    scan = office.effect(Scan)
    office.loop.post(TreeSeen(scan.order, (), (), last=True, complete=True))
    until(lambda: office.source.state()["state"] == "in_sync")
    monkeypatch.setattr(module, "FRESH_S", 60.0)  # what was seen before must not be said again
    answers: list[Any] = []
    adding = threading.Thread(
        target=lambda: answers.append(office.source.add(["/x/song.mp3"], "copy"))
    )
    adding.start()
    wanted = office.effect(Import)
    assert (wanted.paths, wanted.mode) == (("/x/song.mp3",), "copy")
    assert (office.source.state()["state"], office.source.state()["reason"]) == (
        "busy",
        "adding files",
    )
    office.loop.post(Imported(wanted.order, ("song.mp3",), ()))
    adding.join(WAIT_S)
    assert answers == [{"ok": True, "text": "added song.mp3"}]
    assert (office.source.state()["state"], office.source.state()["reason"]) == (
        "busy",
        "looking at my files",
    )
    monkeypatch.setattr(module, "FRESH_S", 0.0)
    look = office.effect(Look)
    office.loop.post(
        TreeSeen(look.order, (PathSeen(look.paths[0], Finding.MISSING, None),), (), True, True)
    )
    until(lambda: office.source.state()["state"] == "in_sync")


def test_what_the_disk_does_not_take_is_told_as_that(office: Office) -> None:
    office.loop.post(ShareSeen(present=True, reason=""))
    answers = list[dict[str, Any]]()
    adding = threading.Thread(target=lambda: answers.append(office.source.add(["/x/a"], "copy")))
    adding.start()
    wanted = office.effect(Import)
    office.loop.post(Imported(wanted.order, (), (("/x/a", "disk full"),)))
    adding.join(WAIT_S)
    assert [(one["ok"], one["code"]) for one in answers] == [(False, "disk")]


def test_a_long_copy_goes_on_and_stays_busy(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMMAND_S", 0.05)
    office.loop.post(ShareSeen(present=True, reason=""))
    scan = office.effect(Scan)
    office.loop.post(TreeSeen(scan.order, (), (), last=True, complete=True))
    answer = office.source.add(["/x/film.mkv"], "move")
    assert answer["ok"]
    assert "still adding" in answer["text"]
    monkeypatch.setattr(module, "COMMAND_S", 5.0)
    assert office.source.state()["reason"] == "adding files"
    office.source.replied(Reply(1, ok=True, text=""))
    until(lambda: office.source.state()["state"] == "in_sync")
    office.source.replied(Reply(1, ok=True, text=""))  # a second one is nobody's
