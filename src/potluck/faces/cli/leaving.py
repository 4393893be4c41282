"""Leaving: who still lacks what, the question that is asked once, and `down` with its other name
`exit`.

Strategy: `parting` is a pure function from a snapshot to sentences and to whether they are worth a
question; the command and the prompts of `up` and `watch` ask it. Somebody here that has everything
makes the question needless: the others get it there. While the index of this device cannot be made
safe nobody is said to have everything: others were not told of what is held back. Who is away
lacked things before, too, and is only mentioned, and so is what is not shared of the own folder, in
the words of `wait`. Own files that no other device is, or was, known to have are worth a question
whoever is here, since they may be the only ones. Ctrl-C asks what `exit` asks (interrupts.py).

Guarantees: nothing is said of a device that is not known. At a terminal one is asked once; --yes,
a pipe or a script is never asked, and told all the same. `down` returns when the process has let go
of its home, so that a following `up` cannot collide. Limits: what is said is as old as the
snapshot.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any, Protocol

import click

from potluck.core.errors import PotluckError, Refused, TimedOut
from potluck.faces.cli.acts import json_option
from potluck.faces.cli.client import Client, client_of
from potluck.faces.cli.layout import lacks_words, no_room_there_words
from potluck.faces.cli.output import command, say, say_json
from potluck.faces.cli.waiting import POLL_S, left_out
from potluck.faces.text import count, lacking_words, shown
from potluck.shells.state.home import holder_of, home_paths

DOWN_S = 15.0  # three times what a device may take to leave; then something hangs
NAMED_DEVICES = 5  # in these sentences; more are counted
LEAVE_WORDS = frozenset({"exit", "quit", "down", "stop"})  # `leave` is for good: removing.py
UNSAFE = "the index is not safe on its disk: changes made here may not be shared"
_SURE = frozenset({"--yes", "-y"})
_QUICK_S = 2.0  # whoever presses Ctrl-C is not kept waiting


# -- what is said ----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Parting:
    """What is to be said before this device leaves."""

    lines: tuple[str, ...] = ()
    asks: bool = False  # whether it is worth a question


def parting(state: dict[str, Any]) -> Parting:
    """Return who still lacks what, from a snapshot (empty: nothing is known yet)."""
    others = [one for one in state["devices"] if not one["me"]] if state else []
    unshared = left_out(state) if others else []
    unsafe = [UNSAFE] if others and _index_fails(state) else []
    if not state or not state["files"]:
        return Parting((*unsafe, *unshared), bool(unsafe))
    here = [one for one in others if one["online"]]
    lacking = [one for one in state["deliveries"] if one["online"] and one["known"]]
    unknown = [one for one in state["deliveries"] if one["online"] and not one["known"]]
    away = [one for one in state["deliveries"] if not one["online"]]
    open_ids = {one["id"] for one in state["deliveries"]}
    whole = [one for one in here if one["known"] and one["id"] not in open_ids and not unsafe]
    only_here = [] if lacking and len(others) == 1 else only_here_lines(state)
    lines = [_lacking_line(one, alone=len(others) == 1) for one in lacking[:NAMED_DEVICES]]
    lines = [*unsafe, *only_here, *lines]
    lines += [f"{shown(one['label'])} has not said yet what it has" for one in _few(unknown)]
    lines += [f"{shown(one['label'])} is away: it is not known what it has" for one in _few(away)]
    told = sum(min(len(each), NAMED_DEVICES) for each in (lacking, unknown, away))
    more = len(state["deliveries"]) - told
    lines += [f"{count(more, 'more device')} not known to have everything"] if more > 0 else []
    if lacking and not (whole or unsafe) and len(others) > 1:
        lines.append("nobody else who is here is known to have everything")
    if whole and lacking + unknown:
        lines.append(f"{shown(whole[0]['label'])} has everything, so they can get it there")
    unfinished = bool(here and state["state"] == "busy" and not state["need_files"])
    if unfinished:
        lines.append(f"this device is not done yet: {shown(state['reason'])}")
    lines += unshared
    asks = unfinished or bool(unsafe or only_here or (not whole and (lacking or unknown)))
    return Parting(tuple(lines), asks)


def only_here_lines(state: dict[str, Any]) -> list[str]:
    """Return how much of this device nobody else is, or was, known to have, at most.

    A potluck of an earlier version does not tell it.
    """
    files = state.get("undelivered_files", 0)
    if not files:
        return []
    what = lacking_words(files, 0, state["undelivered_bytes"])
    return [f"up to {what} of this device may be on no other one"]


def _index_fails(state: dict[str, Any]) -> bool:
    return any(one["kind"] == "index" for one in state["troubles"])


def _few(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return entries[:NAMED_DEVICES]


def _lacking_line(one: dict[str, Any], *, alone: bool) -> str:
    """Return "kitchen-pc still lacks 2 files (1.0 GB)"; `alone`: there is no third device."""
    line = f"{shown(one['label'])} still lacks {lacks_words(one)}"
    line += " that only this device has" if alone else ""
    return line + no_room_there_words(one, "; no room there")


# -- at the prompt ---------------------------------------------------------------------------------
class PromptLeaving(Protocol):
    """Answers the words at a prompt that are about leaving."""

    def answer(self, line: str) -> list[str] | None:
        """Return what to show; None if the line is about something else."""

    def decided(self, *, yes: bool) -> list[str]:
        """Return what to show after a yes or a no to the question; nothing if none is open."""


class UpLeaving:
    """The prompt of `up`: `exit` leaves the group, after a question where there is one."""

    def __init__(self, client: Client, *, asks: bool) -> None:
        """Leave over `client`; `asks`: somebody sits at a terminal."""
        self._client, self._asks = client, asks
        self._again = ""  # what leaves after the question, "" if none is open

    def __repr__(self) -> str:
        return f"UpLeaving(asks={self._asks})"

    def answer(self, line: str) -> list[str] | None:
        """Leave if the line says so: the second time whatever is lacking."""
        word, *others = line.split() or [""]
        if word.casefold() not in LEAVE_WORDS or not _SURE.issuperset(others):
            return None  # of `exit --help` the parser knows more
        try:
            said = parting(self._client.newest())
            if self._asks and said.asks and not others:
                self._asks, self._again = False, f"Type {word} once more to leave."
                return [*said.lines, f"Leave anyway? {self._again}"]
            self._client.post("/api/v1/leave")
        except PotluckError as error:
            return str(error).splitlines()
        return [*said.lines, "Leaving…"]

    def interrupted(self) -> list[str]:
        """Return what whoever pressed Ctrl-C is asked, once; nothing if there is no need.

        Raises PotluckError.
        """
        said = parting(self._client.newest(_QUICK_S)) if self._asks else Parting()
        if not said.asks:
            return []
        self._asks, self._again = False, "Press Ctrl-C once more to leave."
        return [*said.lines, f"Leave anyway? {self._again}"]

    def decided(self, *, yes: bool) -> list[str]:
        """Return how to leave, or that potluck goes on; after a no the question is asked anew.

        A yes alone does not leave: it may have been meant for a request that has gone.
        """
        if not self._again:
            return []
        if yes:
            return [self._again]
        self._asks, self._again = True, ""
        return ["potluck goes on."]


# -- the command -----------------------------------------------------------------------------------
@click.command()
@click.option("-y", "--yes", is_flag=True, help="Do not ask, whoever still lacks something.")
@json_option
@click.pass_obj
def down(shared: dict[str, Any], yes: bool, as_json: bool) -> None:
    """Leave the group gracefully and end: transfers are parked, the others are told."""
    as_json = as_json or shared["json"]
    client = client_of(shared["home"])
    said = parting(client.newest())
    if not as_json:
        say(*said.lines)
    if said.asks and not (yes or as_json) and _at_a_terminal() and not _agreed():
        raise Refused("potluck goes on.", "you did not say yes", f"{command('down')} --yes")
    client.post("/api/v1/leave")
    _wait_for_end(home_paths(shared["home"]).state_dir)
    if as_json:
        say_json({"said": list(said.lines)})
    else:
        say("potluck has left and ended.")


def _agreed() -> bool:
    try:
        answer = input("Leave anyway? [y/N] ")
    except (EOFError, UnicodeError):  # a letter of another encoding is no yes
        return False
    return answer.strip().casefold() in {"y", "yes"}


def _at_a_terminal() -> bool:
    try:
        return sys.stdin.isatty() and sys.stdout.isatty()
    except (AttributeError, ValueError):
        return False  # closed, or there never was one


def _wait_for_end(state_dir: str) -> None:
    deadline = time.monotonic() + DOWN_S
    while (holder := holder_of(state_dir)) is not None:
        if time.monotonic() > deadline:
            raise TimedOut(
                f"potluck (process {holder}) has not ended after {DOWN_S:.0f} s.",
                "its disk is slow, or something hangs",
                f"wait, then: {command('status')}\nas a last resort: kill {holder}",
            )
        time.sleep(POLL_S)
