"""How a snapshot reads: the lines of `status`.

Strategy: pure functions from the state of the local API to lines. They explain as well as show: a
refusal comes with its reason, and waiting with what is waited for. Guarantees: of a device nothing
is said that is not known: who is away, or has not spoken since the newest files, is said to be so,
and what it said before is not shown as if it were so now. Limits: long lists are cut after 20
entries, with the number of the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from potluck.faces.advice import Advice, indented
from potluck.faces.cli.comparing import is_about_request, request_lines
from potluck.faces.cli.output import (
    command,
    is_for_a_shell,
    is_ours,
    program,
    sentence,
    shell_line,
)
from potluck.faces.text import (
    amount,
    count,
    duration,
    lacking_words,
    percent,
    rate,
    shown,
    size,
    table,
    upload_words,
)

LONGEST_LIST = 20
ROWS_IN_A_LINE = 6  # devices; more are counted
_STATES = {
    "in_sync": "in sync",
    "sending": "sending",
    "receiving": "receiving",
    "busy": "busy",
    "paused": "paused",
    "trouble": "in trouble",
    "waiting": "waiting",
}
_TO_COME = "to come"  # a reason that has these words says how much


class Words(NamedTuple):
    """What a person types to run potluck."""

    here: str  # on this machine, for this home, up to the command
    elsewhere: str  # on another machine
    shell: str  # on this machine, for this home, in a shell: also for those who are at a prompt

    @classmethod
    def of_this_run(cls) -> Words:
        """Return the words as this process was started."""
        return cls(command("").rstrip(), program(), shell_line("").rstrip())

    @classmethod
    def of_view(cls, *, prompt: bool) -> Words:
        """Return the words for a view in which a person can type, or cannot."""
        words = cls.of_this_run()
        return words._replace(here="") if prompt else words

    def of(self, words: str) -> str:
        """Return the whole line for a command of ours on this machine."""
        if is_for_a_shell(words):
            return f"{self.shell} {words}"
        return f"{self.here} {words}".lstrip()


def title(state: dict[str, Any]) -> str:
    """Return "potluck 0.1.0 · kitchen-pc · 7F3A-91C2"."""
    device = state["device"]
    return f"potluck {state['version']} · {shown(device['label'])} · {short(device['id'])}"


def short(device_id: str) -> str:
    """Return an id as people see it: what is short already stays."""
    return device_id if len(device_id) <= 12 else device_id[:9]


def group_words(state: dict[str, Any]) -> str:
    """Return "Home · node 1 of 3 · last kitchen-pc · next attic"."""
    if state["group"] is None:
        return "in no group yet"
    words = shown(state["group"]["name"])
    node = state["node"]
    if node is None:
        return words
    words += f" · node {node['number']} of {node['of']}"
    return (
        words
        if node["of"] == 1
        else words + f" · last {shown(node['last'])} · next {shown(node['next'])}"
    )


def reason_words(state: dict[str, Any], words: Words) -> str:
    """Return "in sync", "receiving · 3 files (2.0 MB) to come from laptop": the word and why."""
    word = _STATES.get(state["state"], shown(state["state"]))
    reason = sentence(shown(state["reason"] or ""), words.of)
    if not reason:
        return word
    return reason if reason.startswith(word) else f"{word} · {reason}"


def amount_words(state: dict[str, Any]) -> str:
    """Return "14 files · 1.6 GB · 3 files (2.0 MB) to come"; what is to come not said twice."""
    parts = [count(state["files"], "file")]
    parts += [count(state["folders"], "folder")] if state["folders"] else []
    parts.append(size(state["bytes"]))
    to_come = lacking_words(state["need_files"], state["need_folders"], state["need_bytes"])
    if to_come and _TO_COME not in (state["reason"] or ""):
        parts.append(f"{to_come} {_TO_COME}")
    return " · ".join(parts)


def next_step(advice: str, words: Words) -> str:
    """Return what to type: one of our commands in full, a line for the shell as it is."""
    return shown(words.of(advice) if is_ours(advice) else advice)


def delivery_words(deliveries: list[dict[str, Any]]) -> str:
    """Return "kitchen-pc 35 % · nas lacks 2 files (1.0 GB) · attic not known yet · desk away".

    How far it is is said while something comes there.
    """
    return " · ".join(in_a_line(deliveries, _delivery_words))


def in_a_line(entries: list[dict[str, Any]], words: Callable[[dict[str, Any]], str]) -> list[str]:
    """Return the words of the first of these, and how many more there are."""
    said, more = [words(one) for one in entries[:ROWS_IN_A_LINE]], len(entries) - ROWS_IN_A_LINE
    return [*said, f"{more:,} more"] if more > 0 else said


def _delivery_words(one: dict[str, Any]) -> str:
    label = shown(one["label"])
    if not one["online"]:
        return f"{label} away"
    held = held_there_words(one)
    if not one["known"]:
        return f"{label} {held or 'not known yet'}"
    if one["whole_bytes"] and one.get("moves", True):
        done, whole = one["done_bytes"], one["whole_bytes"]
        return f"{label} {percent(min(done, whole - 1), whole)}"
    words = f"{label} lacks {lacks_words(one)}{no_room_there_words(one, ', no room')}"
    return f"{words}, {held}" if held else words


def trouble_lines(trouble: dict[str, Any], words: Words) -> list[str]:
    """Return what is wrong, and on a line of its own what to do and when it is tried next."""
    first = f"{shown(trouble['subject'])}: {sentence(shown(trouble['reason']), words.of)}"
    times = [f"for {duration(trouble['since_s'])}"] if trouble["since_s"] >= 1 else []
    if trouble["next_s"] is not None:
        again = f"tried again in {duration(trouble['next_s'])}"
        times.append(again if trouble["next_s"] > 0 else "being tried now")
    lines = [first + (f" ({', '.join(times)})" if times else "")]
    if trouble["command"]:
        lines.append(Advice("next: ", next_step(trouble["command"], words)))
    return lines


def is_shut(state: dict[str, Any]) -> bool:
    """Say whether nobody may even ask this device; an earlier version does not tell it."""
    return bool(state["door"].get("shut"))


def door_words(state: dict[str, Any]) -> str:
    """Return whether strangers are admitted, and for how long."""
    door = state["door"]
    if not door["open"]:
        return "shut: nobody can ask this device until: open" if is_shut(state) else "closed"
    until = door["until_s"]
    return "OPEN: anyone on this network may join" + (
        "" if until is None else f", {duration(until)} more"
    )


def status_lines(state: dict[str, Any], words: Words | None = None) -> list[str]:
    """Return the lines of `status`; `words` as this process was started unless given."""
    rates, words = state["rates"], words or Words.of_this_run()
    others = delivery_words(state["deliveries"])
    lines = [title(state), *_asking_lines(state, words)]
    lines += [_fact("group", group_words(state)), _fact("state", reason_words(state, words))]
    if state["command"] and not is_about_request(state):
        lines.append(Advice(_fact("next"), next_step(state["command"], words)))
    lines.append(_fact("files", amount_words(state)))
    if others:
        lines.append(_fact("others", others))
    lines += [
        Advice(_fact("folder"), shown(state["folder"])),
        Advice(_fact("mine"), shown(state["own_folder"])),
        _fact("network", f"port {state['port']} · ↓ {rate(rates['down'])} · ↑ {rate(rates['up'])}"),
        _fact("door", door_words(state)),
        *_code_lines(state, words),
    ]
    lines += _listed("devices", state["devices"], _device_row)
    lines += _listed("no members any more", state["former"], _former_row)
    lines += _found_lines(state, words)
    lines += _listed("receiving", state["transfers"], _transfer_row)
    lines += _listed("sending", state["uploads"], _upload_row)
    lines += _trouble_lines(state, words)
    troubled = {one["subject"] for one in state["troubles"]}
    refused = [one for one in state["refused"] if one["path"] not in troubled]
    lines += _listed("not shared", refused, _refused_row)
    lines += _skipped_lines(state)
    lines += _ignored_lines(state.get("ignored", 0))
    unshared = state["unshared"]["files"]
    if unshared:
        lines += [
            "",
            Advice(f"{count(unshared, 'file')} here not shared yet: ", words.of("add --help")),
        ]
    return lines


def _code_lines(state: dict[str, Any], words: Words) -> list[str]:
    """Return that a code is in force here, by which one device comes in without being asked about.

    A potluck of an earlier version does not tell it.
    """
    code = state.get("invite")
    if code is None:
        return []
    tries = "1 try" if code["tries"] == 1 else f"{code['tries']} tries"
    said = f"in force for {duration(code['left_s'])} and {tries} more; to take it back: "
    return [Advice(_fact("code", said), words.of("uninvite"))]


def _skipped_lines(state: dict[str, Any]) -> list[str]:
    """Return how much of others lacks here because a person does not want it."""
    what = skipped_words(state)
    return ["", f"skipped here: {what} of others"] if what else []


def skipped_words(state: dict[str, Any], named: str = "skipped") -> str:
    """Return "3 files (2.0 GB)" of what is skipped here, or "skips" there; "" for nothing."""
    amounts = (state.get(f"{named}_{what}", 0) for what in ("files", "folders", "bytes"))
    return lacking_words(*amounts)


def _ignored_lines(ignored: int) -> list[str]:
    """Return how much is left out; a folder counts as one, so these are neither files nor folders.

    A potluck of an earlier version does not tell it.
    """
    if not ignored:
        return []
    ways = "1 path of mine is" if ignored == 1 else f"{ignored:,} paths of mine are"
    return ["", f"{ways} not shared because of my .potluckignore"]


def _asking_lines(state: dict[str, Any], words: Words) -> list[str]:
    """Return who asks to join, or where this device asks: first, as its time is short."""
    asked = [indented(line, "  ") for line in request_lines(state, words)]
    return ["", "asking to join", *asked, ""] if asked else []


def _fact(name: str, words: str = "") -> str:
    return f"  {name:<9}{words}"


def _listed(
    heading: str, entries: list[dict[str, Any]], row: Callable[[dict[str, Any]], list[str]]
) -> list[str]:
    """Return a heading and a row for each entry, the first twenty, and the number of the rest."""
    if not entries:
        return []
    more = len(entries) - LONGEST_LIST
    rest = [f"  … and {more:,} more"] if more > 0 else []
    return ["", heading, *table([row(one) for one in entries[:LONGEST_LIST]]), *rest]


def _trouble_lines(state: dict[str, Any], words: Words) -> list[str]:
    troubles = state["troubles"]
    if not state["trouble_count"]:
        return []
    lines = ["", "troubles"]
    for one in troubles[:LONGEST_LIST]:
        first, *others = trouble_lines(one, words)
        said = one["command"] == state["command"] and one["reason"] in (state["reason"] or "")
        lines += [f"  {first}", *[indented(line, "    ") for line in others if not said]]
    more = state["trouble_count"] - min(len(troubles), LONGEST_LIST)
    return [*lines, f"  … and {more:,} more"] if more > 0 else lines


def _device_row(device: dict[str, Any]) -> list[str]:
    place = "this device"
    if not device["me"]:
        place = shown(device["address"] or "") if device["online"] else away_words(device)
    node = "" if device["node"] is None else f"node {device['node']}"
    return [shown(device["label"]), node, place, holding_words(device)]


def _found_lines(state: dict[str, Any], words: Words) -> list[str]:
    """Return the groups near by that are not ours, and where it stands what can be done.

    While one of them is talked to, the request says more.
    """
    found = [] if state["requests"] else state["found"]
    lines = _listed("groups near by that this device is not in", found, _found_row)
    return [*lines, Advice("  what can be done: ", words.of("peers"))] if lines else []


def _found_row(found: dict[str, Any]) -> list[str]:
    """Return what is known of a group: behind a closed door neither its name nor a label is."""
    members = count(found["members"], "device") if found["members"] else ""
    name = shown(found["name"]) or "(its name is not known)"
    return [name, members, shown(found["label"]), shown(found["address"])]


def _former_row(former: dict[str, Any]) -> list[str]:
    return [shown(former["label"]), fate_words(former)]


def fate_words(former: dict[str, str]) -> str:
    """Return why a device is in the group no more."""
    if former["why"] == "left":
        return "left the group for good"
    if former["why"] == "removed":
        return f"removed by {shown(former['by'])}"
    return "out, since whoever let it in was removed"


def away_words(device: dict[str, Any]) -> str:
    """Return "away", with for how long where that is known."""
    away_s = device["away_s"]
    return "away" if away_s is None else f"away for {duration(away_s)}"


def holding_words(device: dict[str, Any]) -> str:
    """Return what is known of what a device holds, and that it is not known where it is not."""
    words, held = _has_words(device), held_there_words(device)
    return f"{words}, {held}" if held else words


def _has_words(device: dict[str, Any]) -> str:
    lacks, skips = lacks_words(device), skipped_words(device, "skips")
    if device["known"] and not (lacks or skips):
        return f"has {_all_files(device['have_files'])}"
    if device["known"]:
        what = [f"has {count(device['have_files'], 'file')}"]
        what += [f"lacks {lacks}"] if lacks else []
        what += [f"skips {skips}"] if skips else []
        return ", ".join(what) + no_room_there_words(device, ", no room")
    if device["spoke_s"] is None:
        to_come = device["online"] and not device["me"]
        return "not known yet what it has" if to_come else "not known what it has"
    skipped = f", skipped {skips}," if skips else ""
    return f"not known now; lacked {lacks or 'nothing'}{skipped} {duration(device['spoke_s'])} ago"


def lacks_words(one: dict[str, Any]) -> str:
    """Return how much another device lacks; what is skipped there it does not lack."""
    amounts = ("files", "folders", "bytes")
    return lacking_words(*(one.get(f"need_{a}", 0) - one.get(f"skips_{a}", 0) for a in amounts))


def no_room_there_words(one: dict[str, Any], words: str = "no room there") -> str:
    """Return "no room there for 3 files (1.2 GB)" of a device, as it said; "" for nothing."""
    amount = lacking_words(one.get("no_room_files", 0), 0, one.get("no_room_bytes", 0))
    return f"{words} for {amount}" if amount else ""


def held_there_words(one: dict[str, Any], until: str = "") -> str:
    """Return "keeps 30 files (3.0 KB) as before" of a device, as it said; "" for nothing."""
    amount = lacking_words(one.get("held_files", 0), 0, one.get("held_bytes", 0))
    keeps = "keeps" if one["online"] else "kept"
    return f"{keeps} {amount} as before{until}" if amount else ""


def _all_files(number: int) -> str:
    """Return how many files somebody has who lacks none."""
    if not number:
        return "no files"
    return count(number, "file") if number == 1 else f"all {count(number, 'file')}"


def _transfer_row(one: dict[str, Any]) -> list[str]:
    sources = ", ".join(shown(label) for label in one["from"])
    if one["files"] > 1:
        return [shown(one["path"]), f"{count(one['files'], 'file')} to come", "", f"from {sources}"]
    done = amount(one["done"], one["size"])
    return [shown(one["path"]), done, rate(one["rate"]), f"from {sources}"]


def _upload_row(one: dict[str, Any]) -> list[str]:
    return [shown(one["path"]), upload_words(one), f"to {shown(one['to'])}"]


def _refused_row(one: dict[str, Any]) -> list[str]:
    return [shown(one["path"]), shown(one["reason"])]
