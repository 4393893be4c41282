"""The command `wait`: blocks until something is true, for scripts and for who wants to unplug.

Strategy: what was heard so far cannot say that everything is here, so `wait` first asks every
device that is here to tell what is in its folder by now (the flush of engine/flushing.py). Then
`--synced` watches until this device stands at everything it heard of, and `--delivered` takes the
heads held at that moment and watches until the others have said that they hold them, or newer ones,
completely. A snapshot that was made before it was asked for says nothing: the next one is
waited for, and a potluck that does not answer at all is asked again. A device that is there and has
no link to this one (a cable, a firewall) cannot be asked, so nothing is true of all until it can,
or until nobody hears of it any more.

Guarantees: what it says is true was said by whoever has to know it, after the command was given; at
a terminal it says what it waits for, and again when that changes; on its time-out, half a second
later at most, it exits 6 and names what it still waits for, or what it could not find out. That
potluck is gone is noticed at once, however long it was silent before. Limits: a file that is still
being written, or that cannot be read or shared, is not waited for; `--delivered` names it. A
potluck that is stopped (Ctrl-Z) may go on, so it is waited for like one that is busy. A device that
is away, or whose share is offline, cannot say anything: `--delivered` waits for it (`--to` names
those who are enough), `--synced` does not, and says of whom it therefore knows nothing. For whom
two machines speak nobody knows what is in its folder: that is said at once (exit 11).
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar

from potluck.core.errors import NotFound, NotRunning, TimedOut, TwoMachines
from potluck.core.wording import listed
from potluck.faces.cli.client import CALL_S, Client
from potluck.faces.cli.comparing import waiting_words
from potluck.faces.cli.layout import held_there_words, no_room_there_words, skipped_words
from potluck.faces.cli.output import command, say, say_json, sentence
from potluck.faces.text import count, shown

POLL_S = 0.1  # between two looks whether it is so by now
FIRST_FLUSH_S = 1.0  # one question to all devices; then it is said who is silent
ONE_FLUSH_S = 8.0  # the same question, taken up as long as somebody is silent
ON_ITS_WAY_S = 0.5  # for an answer on its way when the time is up
SAY_AGAIN_S = 2.0  # at the earliest, for what changes all the time
NOT_SHARED = frozenset({"unreadable", "restless", "refused", "damaged", "written", "held", "older"})
"""Kinds of trouble with what is mine, because of which others have other files of it than I do."""
OLD = "potluck is in the middle of something long and does not answer"
Told = TypeVar("Told")
_FIGURE = re.compile(r"[\d.,]+( [KMGTP]?B)?")  # one that changes is no other thing to wait for


class Wish(NamedTuple):
    """What is waited for."""

    synced: bool
    delivered: bool
    to: tuple[str, ...]  # labels; none: every other device
    peers: int

    @classmethod
    def of(cls, *, synced: bool, delivered: bool, to: tuple[str, ...], peers: int | None) -> Wish:
        """Return what a command line means: who names nothing waits until everything is here."""
        delivered = delivered or bool(to)
        return cls(synced or (not delivered and peers is None), delivered, to, peers or 0)

    def words(self) -> str:
        """Return the wish as what is true once it is granted."""
        verb = "is" if self.peers == 1 else "are"
        online = f"{count(self.peers, 'other device')} {verb} online" if self.peers else ""
        whom = listed(map(shown, self.to)) or "every other device"
        delivered = f"what is here is whole on {whom}" if self.delivered else ""
        synced = "everything is here" if self.synced else ""
        return listed(part for part in (synced, delivered, online) if part)

    @property
    def flushes(self) -> bool:
        """Whether everybody has to tell first what is in its folder."""
        return self.synced or self.delivered


class Patience:
    """How long a command may still take."""

    def __init__(self, timeout_s: float | None, wish: str = "") -> None:
        """Begin now, for this `wish`; None: for ever."""
        self._timeout_s, self._wish = timeout_s, wish
        self._until_s = None if timeout_s is None else time.monotonic() + timeout_s
        self._said, self._say_s = "", time.monotonic()
        self._asked = False  # whoever answers, or is silent, was there then

    def __repr__(self) -> str:
        return f"Patience({self._timeout_s})"

    def left_s(self, most_s: float) -> float:
        """Return how long one step may take."""
        if self._until_s is None:
            return most_s
        return min(most_s, max(0.0, self._until_s - time.monotonic()))

    def ask(self, question: Callable[[float], Told]) -> Told:
        """Return the answer to a question, which is told how long it may take, and is asked again
        while there is time; raises TimedOut, NotRunning.
        """
        while True:
            try:
                answer = question(self.left_s(CALL_S) + ON_ITS_WAY_S)
            except TimedOut as error:
                if self._is_over():
                    what = f"{self._unknown()}: {error.what}"
                    raise TimedOut(what, error.cause, error.fix) from error
                silence = f"{error.what.rstrip('.')} ({error.fix})"
            except NotRunning as error:
                if not self._asked:
                    raise
                what = f"potluck ended before it was known whether {self._wish}."
                raise NotRunning(what, "it left, or was ended", error.fix) from error
            else:
                self._asked = True
                return answer
            self._asked = True
            self._pause(silence)

    def spend(self, missing: str, *, known: bool = True) -> None:
        """Wait a moment, and say for what; raises TimedOut, saying the same, if there is none left.

        `known`: it is not so yet; else nobody can say whether it is. A person at a terminal is
        told, a script is not.
        """
        if self._is_over():
            said = f"Not true after {self._timeout_s:g} s" if known else self._unknown()
            raise TimedOut(f"{said}: {missing}.", "", command("status"))
        self._pause(missing)

    def _is_over(self) -> bool:
        return self._until_s is not None and time.monotonic() >= self._until_s

    def _unknown(self) -> str:
        return f"Not known after {self._timeout_s:g} s whether {self._wish}"

    def _pause(self, missing: str) -> None:
        about, now = _FIGURE.sub("", missing), time.monotonic()
        if about != self._said and now >= self._say_s and _somebody_reads():
            self._said, self._say_s = about, now + SAY_AGAIN_S
            with suppress(OSError, ValueError):  # it is gone
                print(f"waiting: {missing}", file=sys.stderr, flush=True)
        time.sleep(POLL_S)


def _somebody_reads() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False  # closed, or there never was one


def wait_until(
    client: Client, wish: Wish, *, timeout_s: float | None = None, as_json: bool = False
) -> None:
    """Block until it is so, then say what is true; raises TimedOut, NotFound."""
    state = wait_for(client, wish, Patience(timeout_s, wish.words()))
    if as_json:
        say_json(state)
    else:
        say(*summary(state, delivered=wish.delivered, to=wish.to))


def wait_for(client: Client, wish: Wish, patience: Patience) -> dict[str, Any]:
    """Wait until it is so, and return the state of that moment; raises TimedOut, NotFound."""
    while missing := peers_missing(state_now(client, patience), wish.peers):
        patience.spend(missing)
    if wish.to:
        check_labels(state_now(client, patience), wish.to)
    if wish.flushes:
        ask_everybody(client, patience, () if wish.synced else wish.to)
    if wish.delivered:
        check_others(state_now(client, patience))
        goals = keepers_now(client, patience)["heads"]
        while missing := undelivered(keepers_now(client, patience), goals, wish.to):
            patience.spend(missing, known=False)
    state = state_now(client, patience)
    while missing := still_missing(state, wish):
        if wish.flushes:
            check_single(state)
        patience.spend(missing)
        state = state_now(client, patience)
    return state


def state_now(client: Client, patience: Patience) -> dict[str, Any]:
    """Return a snapshot made after this call; raises TimedOut if there is none in time."""
    while (state := patience.ask(client.newest)).get("age_s"):
        patience.spend(OLD, known=False)
    return state


def keepers_now(client: Client, patience: Patience) -> dict[str, Any]:
    """Return who holds what; raises TimedOut."""
    keepers: dict[str, Any] = patience.ask(partial(client.get, "/api/v1/keepers"))
    return keepers


def ask_everybody(client: Client, patience: Patience, labels: Sequence[str]) -> None:
    """Have everybody who is there asked; whoever is lost on the way may not have answered.

    Of those who cannot be reached only `labels` are waited for; none: everybody.
    """
    lost = True
    while lost:
        while missing := _unreached_now(client, patience, labels):
            patience.spend(missing, known=False)
        flush(client, patience)
        lost = bool(_unreached_now(client, patience, labels))


def _unreached_now(client: Client, patience: Patience, labels: Sequence[str]) -> str:
    state = state_now(client, patience)
    check_single(state)
    return unreached(state, keepers_now(client, patience), labels)


def flush(client: Client, patience: Patience) -> None:
    """Have everybody tell what is in its folder by now: one question, taken up until it ends."""
    began_s, most_s = time.monotonic(), FIRST_FLUSH_S
    while True:
        step_s, waited_s = patience.left_s(most_s), time.monotonic() - began_s
        most_s = ONE_FLUSH_S
        asked = {"patience_s": step_s, "waited_s": waited_s}
        answer = patience.ask(partial(client.post, "/api/v1/flush", asked))
        if answer["ok"]:
            return
        missing = f"no word yet of what is in the folder of {shown(answer['text'])}"
        patience.spend(missing, known=False)


def peers_missing(state: dict[str, Any], peers: int) -> str:
    """Return what is not true yet of who is online, "" if enough are."""
    online = sum(1 for device in state["devices"] if device["online"] and not device["me"])
    if online < peers:
        asks = waiting_words(state)
        said = f"{count(online, 'other device')} online, {peers} wanted"
        return f"{said}; {asks} ({command('pending')})" if asks else said
    return ""


def unreached(state: dict[str, Any], keepers: dict[str, Any], labels: Sequence[str]) -> str:
    """Return who (of `labels`) is there and cannot be asked, "" if nobody is; who is away is not
    there.
    """
    present = {one["id"] for one in state["devices"] if one["online"]}
    blocked = {one["subject"]: one["reason"] for one in state["troubles"] if one["kind"] == "link"}
    names, why = list[str](), ""
    asked = [one for one in keepers["devices"] if not labels or one["label"] in labels]
    for one in asked:
        if not one["online"] and (one["id"] in present or one["label"] in blocked):
            names.append(shown(one["label"]))
            why = why or blocked.get(one["label"], "")
    if not names:
        return ""
    said = f"{listed(names)} cannot be reached, so it is not known what is there"
    return f"{said} ({shown(why)})" if why else said


def unsynced(state: dict[str, Any]) -> str:
    """Return what is not here yet, "" if everything is."""
    if state["synced"]:
        return ""
    word, reason = state["state"].replace("_", " "), sentence(shown(state["reason"] or ""))
    if not reason or reason.startswith(word):
        return reason or word
    return f"{word}: {reason}"


def still_missing(state: dict[str, Any], wish: Wish) -> str:
    """Return what keeps a wish from being true at the end: who was online may have gone."""
    return (unsynced(state) if wish.synced else "") or peers_missing(state, wish.peers)


def check_single(state: dict[str, Any]) -> None:
    """Find out that one machine speaks for each device; raises TwoMachines."""
    for trouble in state["troubles"]:
        if trouble["kind"] == "clone":
            raise TwoMachines(
                f"Nobody can say what is in the folder of {shown(trouble['subject'])}.",
                sentence(shown(trouble["reason"])),
                command(trouble["command"] or "status"),
            )


def check_others(state: dict[str, Any]) -> None:
    """Find out that there is another device at all: to nobody nothing is delivered."""
    if all(device["me"] for device in state["devices"]):
        raise NotFound(
            "There is no other device to deliver to.",
            "this device is alone in its group",
            command("peers"),
        )


def check_labels(state: dict[str, Any], labels: Sequence[str]) -> None:
    """Find out that each name is one of another device; raises NotFound."""
    known = [device["label"] for device in state["devices"] if not device["me"]]
    for label in labels:
        if label not in known:
            from difflib import get_close_matches

            close = get_close_matches(label, known, 1, 0.5)
            names = ", ".join(map(shown, known)) or "none"
            hint = f"did you mean {shown(close[0])}?" if close else command("peers")
            raise NotFound(
                f"There is no other device “{shown(label)}”.", f"the others are: {names}", hint
            )


def undelivered(keepers: dict[str, Any], goals: list[dict[str, Any]], labels: Sequence[str]) -> str:
    """Return who does not hold these heads yet, "" if everybody who has to does."""
    others = [one for one in keepers["devices"] if not labels or one["label"] in labels]
    late = [one for one in others if not holds_all(one, goals)]
    if not late:
        return ""
    names = [shown(one["label"]) + _why_late(one) for one in late]
    said = f"not yet known to be whole on {listed(names)}"
    if all(one["online"] for one in late) or labels:
        return said
    return f"{said}; who is enough can be named with --to"


def _why_late(device: dict[str, Any]) -> str:
    """Return in brackets why it may not be whole there, as the device said itself, "" if not.

    Of one that is away it is not known whether there is room by now.
    """
    skipped, files, size_bytes = (
        sum(kept.get(what, 0) for kept in device["kept"])
        for what in ("skipped", "no_room_files", "no_room_bytes")
    )
    words = [f"skips {count(skipped, 'path')}, not fetched there"] if skipped else []
    if device["online"]:
        short = no_room_there_words({"no_room_files": files, "no_room_bytes": size_bytes})
        held = held_there_words(device, ", until that is confirmed there")
        words += [said for said in (short, held) if said]
    elif not words:
        words = ["away"]
    return f" ({'; '.join(words)})" if words else ""


def holds_all(device: dict[str, Any], goals: list[dict[str, Any]]) -> bool:
    """Say whether a device that is here said that it holds these heads, or newer ones, whole."""
    said = {(kept["head"]["owner"], kept["head"]["folder"]): kept for kept in device["kept"]}
    for goal in goals:
        kept = said.get((goal["owner"], goal["folder"]))
        if goal["owner"] == device["id"]:  # what it shares it has, but for what it says it lacks
            if kept is not None and kept["missing"]:
                return False
            continue
        if kept is None or kept["missing"] or _number(kept["head"]) < _number(goal):
            return False
    return bool(device["online"])


def _number(head: dict[str, Any]) -> tuple[int, int]:
    return head["generation"], head["seq"]


def summary(state: dict[str, Any], *, delivered: bool, to: Sequence[str] = ()) -> list[str]:
    """Return the last lines: how it is, and of whom and of what it is not said."""
    files = count(state["files"], "file")
    said = f"{count(len(state['devices']), 'device')}, {files}: "
    if delivered:
        here = next(one["have_files"] for one in state["devices"] if one["me"])
        files = count(here, "file") + (" that are here" if here < state["files"] else "")
        said = f"{count(len(state['devices']), 'device')}, {files}: "
        whom = f"{files}: delivered to {listed(map(shown, to))}." if to else f"{said}delivered."
        return [whom, *left_out(state)]
    first = f"{said}{_situation(state)}."
    if skipped := skipped_words(state):
        first += f" Skipped here, so not here: {skipped}."
    others = [one for one in state["devices"] if not one["me"]]
    away = [shown(one["label"]) for one in others if not one["online"]]
    offline = [shown(one["label"]) for one in others if one["online"] and one["offline"]]
    unknown = ((away, "Away"), (offline, "Lacking all that it shares"))
    return [first] + [
        f"{why}, so it is not known what is new there: {listed(names)}."
        for names, why in unknown
        if names
    ]


def left_out(state: dict[str, Any]) -> list[str]:
    """Return what is in the own folder and not shared as it is now, so nobody else has that."""
    mine = [one for one in state["troubles"] if one["kind"] in NOT_SHARED]
    if not mine:
        return []
    names = listed(f"{shown(one['subject'])} ({sentence(shown(one['reason']))})" for one in mine)
    return [f"Not shared as it is now, so not delivered: {names}."]


def _situation(state: dict[str, Any]) -> str:
    word = state["state"].replace("_", " ")
    return f"{word} ({sentence(shown(state['reason']))})" if state["reason"] else word
