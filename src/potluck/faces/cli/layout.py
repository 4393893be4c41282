"""How a snapshot reads: the lines of `status` and `peers`, and the sentences about groups that were
found.

Strategy: pure functions from the state of the local API to lines. They explain as well as show: a
refusal comes with its reason, waiting with what is waited for, and being alone with what was tried,
the likely cause, and the next command on which machine. Limits: long lists are cut after 20
entries, with the number of the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from potluck.core.limits import PORT
from potluck.faces.cli.output import command, program
from potluck.faces.text import count, duration, rate, shown, size, table

LONGEST_LIST = 20
_STATES = {
    "in_sync": "in sync",
    "busy": "busy",
    "paused": "paused",
    "trouble": "in trouble",
    "waiting": "waiting",
}


@dataclass(frozen=True, slots=True)
class Words:
    """What a person types to run potluck."""

    here: str  # on this machine, for this home, up to the command
    elsewhere: str  # on another machine

    @classmethod
    def of_this_run(cls) -> Words:
        """Return the words as this process was started."""
        return cls(command("").rstrip(), program())


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


def state_words(state: dict[str, Any]) -> str:
    """Return "in sync · 14 files · 1.6 GB"."""
    parts = [_STATES.get(state["state"], shown(state["state"]))]
    if state["reason"]:
        parts.append(shown(state["reason"]))
    parts += [count(state["files"], "file"), size(state["bytes"])]
    if state["need_files"] or state["need_bytes"]:
        parts.append(f"{count(state['need_files'], 'file')} ({size(state['need_bytes'])}) to come")
    return " · ".join(parts)


def door_words(state: dict[str, Any]) -> str:
    """Return whether strangers are admitted, and for how long."""
    door = state["door"]
    if not door["open"]:
        return "closed"
    until = door["until_s"]
    return "OPEN: anyone on this network may join" + (
        "" if until is None else f", {duration(until)} more"
    )


def status_lines(state: dict[str, Any]) -> list[str]:
    """Return the lines of `status`."""
    rates = state["rates"]
    facts = [
        ["group", group_words(state)],
        ["state", state_words(state)],
        ["folder", shown(state["folder"]) + f"   (mine: {shown(state['own_folder'])})"],
        ["network", f"port {state['port']} · ↓ {rate(rates['down'])} · ↑ {rate(rates['up'])}"],
        ["door", door_words(state)],
    ]
    lines = [title(state), *table(facts)]
    if state["devices"]:
        lines += ["", "devices", *table([_device_row(device) for device in state["devices"]])]
    if state["transfers"]:
        lines += [
            "",
            "transfers",
            *table([_transfer_row(one) for one in state["transfers"][:LONGEST_LIST]]),
        ]
        lines += _rest(state["transfers"])
    if state["refused"]:
        lines += [
            "",
            "not shared",
            *table([_refused_row(one) for one in state["refused"][:LONGEST_LIST]]),
        ]
        lines += _rest(state["refused"])
    if state["unshared"]["files"]:
        lines += [
            "",
            f"{count(state['unshared']['files'], 'file')} here not shared yet: see `add --help`.",
        ]
    return lines


def peer_lines(state: dict[str, Any], words: Words) -> list[str]:
    """Return the lines of `peers`: devices, groups that were found, and why nobody is there."""
    others = [device for device in state["devices"] if not device["me"]]
    lines = []
    if others:
        rows = [["device", "", "node", "address", "found by"]]
        rows += [_peer_row(device) for device in others]
        lines += table(rows, indent="")
    lines += found_lines(state, words)
    if not any(device["online"] for device in others) and not state["found"]:
        lines += nobody_lines(state, words)
    return lines


def _peer_row(device: dict[str, Any]) -> list[str]:
    presence = "online" if device["online"] else "away"
    node = "" if device["node"] is None else str(device["node"])
    address, found_by = device["address"] or "unknown", device["found_by"] or ""
    return [shown(device["label"]), presence, node, shown(address), shown(found_by)]


def nobody_lines(state: dict[str, Any], words: Words) -> list[str]:
    """Return what was tried when nobody answers, the likely causes, and the next command."""
    ports = f"UDP {PORT} and TCP {state['port']}"
    by_name = f"or name it here: `{words.here} up --peer ADDRESS`"
    return [
        f"Nobody answers yet. Tried: {tried_words(state)}.",
        f"  why:  no other device is up, it is on another network, or a firewall drops {ports}",
        f"  next: on the other device `{words.elsewhere} up`; {by_name}",
    ]


def asked_words(state: dict[str, Any]) -> str:
    """Return "6 neighbours on 2 networks"."""
    tried = state["tried"]
    return (
        f"{count(tried['neighbours'], 'neighbour')} on {count(len(tried['interfaces']), 'network')}"
    )


def tried_words(state: dict[str, Any]) -> str:
    """Return "6 neighbours on 2 networks (eth0, wlan0), by beacon and neighbours"."""
    tried = state["tried"]
    names = [shown(name) for name in tried["interfaces"]]
    said = asked_words(state) + (f" ({', '.join(names)})" if names else "")
    return said + (
        f", by {' and '.join(shown(one) for one in tried['sources'])}"
        if tried.get("sources")
        else ""
    )


def found_lines(state: dict[str, Any], words: Words) -> list[str]:
    """Return, for each group that was found and is not ours, what it is and what to type on which
    machine.
    """
    lines = []
    mine_open = state["door"]["open"]
    for found in state["found"]:
        label = shown(found["label"])
        members = count(found["members"], "device") + ": " if found["members"] else ""
        lines.append(
            f"Found “{shown(found['name'])}” ({members}{label}, {shown(found['address'])})."
        )
        if mine_open and found["open"]:
            lines.append("  Both doors are open: " + _coming(found.get("joins", ""), label))
            continue
        lines.append("  To join it, both machines must say so (on a network you trust):")
        there = "is open already" if found["open"] else f"type open, or: {words.elsewhere} open"
        here = "is open already" if mine_open else f"type open, or: {words.here} open"
        lines += table([[f"on {label}", there], ["on this machine", here]], indent="    ")
    return lines


def _coming(joins: str, label: str) -> str:
    """Return what comes of two open doors: of two devices only one joins the other."""
    if joins == "we":
        return "this device joins it."
    if joins == "they":
        return f"{label} is to join this device, which stays where it is."
    return "nothing more is to be done here."


def _device_row(device: dict[str, Any]) -> list[str]:
    place = "this device"
    if not device["me"]:
        place = shown(device["address"] or "") if device["online"] else "away"
    node = "" if device["node"] is None else f"node {device['node']}"
    need = device["need_files"]
    has = f"has {count(device['have_files'], 'file')}"
    return [
        shown(device["label"]),
        node,
        place,
        has,
        f"needs {need:,} ({size(device['need_bytes'])})" if need else "",
    ]


def _transfer_row(one: dict[str, Any]) -> list[str]:
    sources = ", ".join(shown(label) for label in one["from"])
    return [
        shown(one["path"]),
        f"{size(one['done'])} of {size(one['size'])}",
        rate(one["rate"]),
        f"from {sources}",
    ]


def _refused_row(one: dict[str, Any]) -> list[str]:
    return [shown(one["path"]), shown(one["reason"])]


def _rest(entries: list[Any]) -> list[str]:
    more = len(entries) - LONGEST_LIST
    return [f"  … and {more:,} more"] if more > 0 else []
