"""What is worth a line: turns snapshots and notices into the sentences a person reads while potluck
runs.

Strategy: a small pure machine, `on_state`, `on_notice`, `on_tick`, each returning lines. It
remembers what it has said, so that a state that comes four times a second is told once. The same
story is told by the live view and by plain lines. To who only watches, the group that is there from
the start is shown as what it is, and nobody is welcomed to it.

Guarantees: being alone, waiting and having unshared files are always explained with the next step;
nothing is repeated while it does not change. That all files are on so many devices counts those
only that are here and said so of the newest files; who is away, or has not said so yet, is named.
Limits: who joined and left, and what happened to files, comes as notices from the engine.
"""

from __future__ import annotations

from typing import Any

from potluck.core.wording import set_off
from potluck.faces.advice import Advice
from potluck.faces.cli.company import (
    asked_words,
    is_near,
    nobody_lines,
)
from potluck.faces.cli.comparing import (
    is_about_request,
    printed_lines,
    requests_of,
    unanswered,
)
from potluck.faces.cli.layout import Words, is_shut, next_step, title
from potluck.faces.cli.output import sentence
from potluck.faces.ended_requests import EndedRequests
from potluck.faces.line_budget import LineBudget
from potluck.faces.near_groups import NearGroups
from potluck.faces.silence import ALONE_S, Silence, is_heard
from potluck.faces.text import count, shown, size

FOUNDED_S = 2.5  # a provisional group may still dissolve into one that is found
JOINING_S = 10.0  # a group was found: if both doors are open it is joined by then
SETTLED_S = 1.5  # between two files everything is settled, too; and what happened is told first
GREETED_S = 30.0  # so long a device that was let in is not told to be here as well
ADMITTED_S = 1.0  # before a new member is told: by whom it was let in says more
UNKNOWN_S = 5.0  # a device that is here says within seconds what it has
LINES_MAX = 1000  # transfers that are remembered as told
NAMED = 3  # devices in a line; more are counted
BIG_BYTES = 8_000_000  # smaller ones are here before the line is read
REQUEST_LINES = 10  # requests told in full in a minute: more than honest people bring
_TOLD_HERE = frozenset(
    {"founded", "waiting", "joined", "request"}
)  # told from the state, with the next step
_MARKS = {"warning": "! ", "error": "✗ "}


class Story:
    """What was said so far."""

    def __init__(self, words: Words, now: float, *, prompt: bool, watching: bool = False) -> None:
        """Begin at `now`, in seconds of a clock that only goes forward.

        `prompt`: one can type; `watching`: what is typed ends the view, not potluck.
        """
        self._words = words
        self._way_out = _way_out(words, prompt=prompt, watching=watching)
        self._watching = watching
        self._begun_s = now
        self._silence = Silence(now)
        self._found_s: float | None = None  # the last time that another group was near
        self._is_out = False  # this device was removed: nobody is welcome any more
        self._said: dict[str, object] = {}
        # by label: when a device became a member, and the line for it unless that was told
        self._guests: dict[str, tuple[float, str]] = {}
        self._state: dict[str, Any] | None = None
        self._settled: tuple[object, float] = (None, now)
        self._held: tuple[object, int] = (None, 0)  # what was said to be on how many devices
        self._transfers: set[str] = set()
        self._near_groups = NearGroups(words)
        self._told_requests: dict[str, bool] = {}  # by id; False: it was only counted
        self._asks, self.ended = LineBudget(REQUEST_LINES), EndedRequests()

    def __repr__(self) -> str:
        return f"Story({len(self._said)} topics told, {len(self._transfers)} transfers)"

    def on_notice(self, notice: dict[str, Any], now: float) -> list[str]:
        """Return the line for something a person was told; for a guest there is one."""
        code, guest = notice["code"], notice["subject"]
        self._is_out = self._is_out or code == "removed"
        line = _MARKS.get(notice["level"], "") + shown(notice["text"])
        if code in _TOLD_HERE:
            return []
        if code == "request_over" and not self.ended.may_tell(notice["text"], now):
            return []
        if code == "member_new":
            self._guests[guest] = (now, line)
            return []
        if code == "admitted":
            self._guests[guest] = (now, "")
        if code == "node_joined" and guest in self._guests:
            told = self._guests[guest][1]
            self._guests[guest] = (now, "")
            return [told] if told else []
        return _advised(line, shown(notice.get("command", "")), self._words)

    def _guest_lines(self, now: float) -> list[str]:
        """Return the new members that nobody here let in, once that is known."""
        fresh = {
            guest: line
            for guest, (came_s, line) in self._guests.items()
            if line and now - came_s >= ADMITTED_S
        }
        self._guests |= dict.fromkeys(fresh, (now, ""))
        self._guests = {
            guest: told for guest, told in self._guests.items() if now - told[0] < GREETED_S
        }
        return list(fresh.values())

    def on_state(self, state: dict[str, Any], now: float) -> list[str]:
        """Return the lines for what is new in a snapshot."""
        begins, self._state = self._state is None, state
        self.ended.on_state(state, now)
        if begins and self._watching:
            self._near_groups.on_watched(state, now)
        lines = []
        if self._first("title", state["device"]["id"]):
            lines.append(title(state))
        if begins and self._watching and state["group"] is not None:
            self._first("group", state["group"]["id"])
            lines.append(f"In the group {_group_words(state)}.")
        lines += self._waiting_lines(state)
        lines += self._unshared_lines(state)
        return lines + self.on_tick(now)

    def on_tick(self, now: float) -> list[str]:
        """Return the lines that time alone makes true: alone for long, settled for a moment."""
        state, lines = self._state, self._guest_lines(now) + self._summed_lines(now)
        if state is None:
            return lines
        near = is_near(state)
        if near:
            self._found_s = now
        lines += self._near_groups.lines(state, now)
        lines += self._group_lines(state, now) + self._folder_lines(state)
        online = _others_are_here(state)
        if online:
            self._first("alone", "said")  # whoever leaves later is told in a line of its own
        silence = self._silence.kind(state, now, here=online, near=near)
        if silence and self._first(silence, "said"):
            lines += nobody_lines(state, self._words)
        return lines + self._settled_lines(state, now)

    def transfer_lines(self, state: dict[str, Any]) -> list[str]:
        """Return a line for each large transfer that has begun: for screens without bars."""
        coming = [one for one in state["transfers"] if one["size"] >= BIG_BYTES]
        going = [one for one in state["uploads"] if one["size"] >= BIG_BYTES]
        lines = [_transfer_line(one) for one in coming] + [_upload_line(one) for one in going]
        fresh = [line for line in lines if line not in self._transfers]
        over = not (lines or state["need_bytes"] or state["deliveries"])
        if over or len(self._transfers) > LINES_MAX:
            self._transfers.clear()
        self._transfers.update(lines)  # one pauses between two requests, and is no new one then
        return fresh

    def request_lines(self, state: dict[str, Any], now: float, *, keys: bool) -> list[str]:
        """Return the requests that a person has to answer, each once: for screens without picture.

        `keys`: somebody who reads it can type there, and a key answers the first one; so that is
        told when it becomes the first.
        """
        asked, lines = unanswered(state), list[str]()
        known = self._told_requests
        self._told_requests = {one["id"]: known[one["id"]] for one in asked if one["id"] in known}
        first = asked[0]["id"] if asked else None
        is_new_first = self._first("request", first) and keys
        for one in asked:
            by_key = keys and one["id"] == first
            is_new = one["id"] not in known
            may_tell = is_new and self._asks.take(now)
            if may_tell or (by_key and is_new_first):
                lines += printed_lines(state, one, None if by_key else self._words)
                self._told_requests[one["id"]] = True
            elif is_new:
                self._told_requests[one["id"]] = False
        return lines

    def readable(self, state: dict[str, Any]) -> dict[str, str]:
        """Return the requests that such lines have told and that wait still: names by ids."""
        told = self._told_requests
        return {one["id"]: one["name"] for one in unanswered(state) if told.get(one["id"])}

    def _summed_lines(self, now: float) -> list[str]:
        """Return what a flood of requests was, once a minute."""
        asked, lines = self._asks.due(now), list[str]()
        if asked:
            lines.append(f"! {count(asked, 'more request')} to join came within a minute.")
            lines.append(Advice("  those that still wait: ", self._words.of("pending")))
        return lines + self.ended.lines(now)

    def _first(self, topic: str, value: object) -> bool:
        """Say whether `value` is new for `topic`, and remember it."""
        if self._said.get(topic) == value:
            return False
        self._said[topic] = value
        return True

    def _group_lines(self, state: dict[str, Any], now: float) -> list[str]:
        group, accompanied = state["group"], len(state["devices"]) > 1
        if self._is_out or group is None or (state["state"] == "waiting" and not accompanied):
            return []
        near, talks = is_near(state), requests_of(state)
        if talks and not accompanied:
            return []  # which group this will be is being answered
        wait_s = JOINING_S if near else FOUNDED_S
        settled = now - self._begun_s >= wait_s
        if accompanied:  # the others may have put it out while it was off: until one is here
            settled = _others_are_here(state) or now - self._begun_s >= ALONE_S
        if self._found_s is not None and not (accompanied or near):
            settled = now - self._found_s >= JOINING_S  # one may be about to join the other
        if not settled or not self._first("group", group["id"]):
            return []
        name = shown(group["name"])
        if accompanied:
            first = f"Welcome to {_group_words(state)}."
        elif near:
            first = f"For now this device is alone in the group “{name}”."
        elif self._found_s is not None:
            first = f"Nobody else is in the group “{name}” of this device."
        else:
            first = (
                f"No other device found here (asked {asked_words(state)}): "
                f"this device is the group “{name}”."
            )
        if accompanied or near:
            return [first]
        return [first, *_next_machine(state, self._words)]

    def _folder_lines(self, state: dict[str, Any]) -> list[str]:
        """Say where files go once the group was told, unless another folder stands in its place."""
        there = all(one["known"] for one in state["devices"] if one["me"])
        if "group" not in self._said or not there:
            return []
        if not self._first("own folder", state["own_folder"]):
            return []
        return [Advice("Put files in ", shown(state["own_folder"])), self._way_out]

    def _waiting_lines(self, state: dict[str, Any]) -> list[str]:
        """Say what is waited for, once a wait: how long it takes changes all the time."""
        if state["state"] != "waiting":
            self._said.pop("waiting", None)
            return []
        reason = sentence(shown(state["reason"] or ""), self._words.of)
        if not reason or state["found"] or is_about_request(state) or is_heard(state):
            return []  # the last is told with its causes, once it is so for long
        if not self._first("waiting", "for an owner" if state["group"] else reason):
            return []
        return [
            reason[0].upper() + reason[1:] if reason.startswith("wait") else f"Waiting: {reason}"
        ]

    def _unshared_lines(self, state: dict[str, Any]) -> list[str]:
        number = state["unshared"]["files"]
        if not number or not self._first("unshared", "said"):
            return []
        folder, are = shown(state["folder"]), "is" if number == 1 else "are"
        it, copies = "it" if number == 1 else "them", f"copies into {shown(state['own_folder'])}"
        shares = "--reflink shares the disk blocks (no extra space)"
        return [
            f"{count(number, 'file')} in {folder} {are} not shared yet, and left alone.",
            Advice(f"  to share {it}: ", self._words.of("add PATH…")),
            f"  That {copies}; --move moves {it} instead, {shares}.",
        ]

    def _settled_lines(self, state: dict[str, Any], now: float) -> list[str]:
        """Say once that everything is everywhere, when it has held for a moment."""
        devices = state["devices"]
        whole = [one for one in devices if one["known"] and not _lacking(one)]
        behind = [one for one in devices if one["online"] and one["known"] and _wants(one)]
        unknown = [one for one in devices if one["online"] and not one["known"]]
        away = [one for one in devices if not one["online"]]
        settled = bool(state["synced"] and state["files"] and not behind)
        facts = (settled, state["files"], state["bytes"], len(whole), len(unknown))
        if facts != self._settled[0]:
            self._settled = (facts, now)
        wait_s = UNKNOWN_S if unknown else SETTLED_S
        if not settled or now - self._settled[1] < wait_s:
            return []
        amounts, holders = (state["files"], state["bytes"]), len(whole)
        told, most = self._held
        if told == amounts and holders <= most:
            return []  # fewer than before: who went away is told in its own line
        self._held = (amounts, holders)
        where = "only on this device so far"
        if len(devices) > 1:
            where = f"on {holders} of {count(len(devices), 'device')}"
        missed = [f"{shown(one['label'])} away" for one in away[:NAMED]]
        missed += [f"{shown(one['label'])} not known yet" for one in unknown[:NAMED]]
        skips = [one for one in devices if one["online"] and one["known"] and _lacking(one)]
        missed += [f"{shown(one['label'])} skips some" for one in skips[:NAMED]]
        more = len(away) + len(unknown) + len(skips) - len(missed)
        missed += [f"{more:,} more"] if more else []
        line = f"✓ {count(state['files'], 'file')} · {size(state['bytes'])} · verified · {where}"
        return [line + (f" ({', '.join(missed)})" if missed else "")]


def _way_out(words: Words, *, prompt: bool, watching: bool) -> str:
    if not prompt:
        return Advice("To leave: ", words.of("down"))
    return f"To leave type {'down' if watching else 'exit, or press Ctrl-C'}."


def _others_are_here(state: dict[str, Any]) -> bool:
    return any(one["online"] for one in state["devices"] if not one["me"])


def _group_words(state: dict[str, Any]) -> str:
    """Return "“Home” (3 devices) · node 1 of 2": alone in the ring a number would tell nothing."""
    node, devices = state["node"], count(len(state["devices"]), "device")
    linked = node is not None and node["of"] > 1
    place = f" · node {node['number']} of {node['of']}" if linked else ""
    return f"“{shown(state['group']['name'])}” ({devices}){place}"


def _advised(line: str, command: str, words: Words) -> list[str]:
    """Return a notice, and on a line of its own the command that it ends in, as it is typed."""
    if not command or not line.endswith(command):
        return [sentence(line, words.of)]
    said, _, how = line.removesuffix(command).rpartition("; ")
    return [said, Advice(f"  {how}", next_step(command, words))]


def _next_machine(state: dict[str, Any], words: Words) -> list[str]:
    """Return how another machine comes in; through a shut door none does."""
    if is_shut(state):
        return [Advice("The door here is shut. So that others can ask: ", words.of("open"))]
    there = Advice("On the other machine: ", f"{words.elsewhere} up")
    return [there, "  Both screens will then show three words to compare."]


def _transfer_line(one: dict[str, Any]) -> str:
    """Return what has begun to come; from whom is left out, since that changes on the way."""
    files = f" · {count(one['files'], 'file')}" if one["files"] > 1 else ""
    return f"↓ {_path(one)}{files} · {size(one['size'])}"


def _upload_line(one: dict[str, Any]) -> str:
    return f"↑ {_path(one)} · {size(one['size'])} to {shown(one['to'])}"


def _path(one: dict[str, Any]) -> str:
    return set_off(shown(one["path"]))


def _wants(device: dict[str, Any]) -> bool:
    """Say whether a device lacks more than what a person does not want there."""
    skips = device.get("skips_files", 0) + device.get("skips_folders", 0)
    return bool(_lacking(device) > skips)


def _lacking(device: dict[str, Any]) -> int:
    """Return how many files and folders a device lacks, also those that nobody wants there."""
    return int(device["need_files"] + device.get("need_folders", 0))
