"""How company reads: the lines of `peers`, groups that were found, and what was tried in vain.

Strategy: pure functions from the state of the local API to lines, for `peers` and for the story
that `up` and the live view tell. Being alone comes with what was tried, the likely cause, and the
next command on which machine. Guarantees: where somebody is heard and cannot be reached, or a known
device is away, that is said, and not that nobody answers. Limits: why a device is away is not
known, so likely causes are named.
"""

from __future__ import annotations

from typing import Any

from potluck.core.limits import PORT
from potluck.faces.advice import Advice, indented
from potluck.faces.cli.layout import Words, away_words, in_a_line, trouble_lines
from potluck.faces.text import count, shown, table


def peer_lines(state: dict[str, Any], words: Words) -> list[str]:
    """Return the lines of `peers`: devices, groups that were found, and why nobody is there."""
    others = [device for device in state["devices"] if not device["me"]]
    lines = []
    if others:
        rows = [["device", "", "node", "address", "found by"]]
        rows += [_peer_row(device) for device in others]
        lines += table(rows, indent="")
    for one in state["troubles"]:
        if one["kind"] == "link":
            first, *advice = trouble_lines(one, words)
            lines += [f"✗ {first}", *[indented(line, "  ") for line in advice]]
    lines += found_lines(state, words)
    if not any(device["online"] for device in others) and not state["found"]:
        lines += nobody_lines(state, words)
    return lines


def _peer_row(device: dict[str, Any]) -> list[str]:
    presence = "online" if device["online"] else away_words(device)
    node = "" if device["node"] is None else str(device["node"])
    address, found_by = device["address"] or "unknown", device["found_by"] or ""
    return [shown(device["label"]), presence, node, shown(address), shown(found_by)]


def nobody_lines(state: dict[str, Any], words: Words) -> list[str]:
    """Return what was tried when nobody answers, the likely causes, and the next command."""
    if not state["tried"]["interfaces"] and not state["tried"]["named"]:
        return [
            "Nobody is asked: this device is on no network that potluck uses.",
            "  why:  a cable is out, Wi-Fi is off, or no card in use has an IPv4 address",
            "  next: connect it; or leave here, and name a card that is left out by itself",
            Advice(" " * 10, words.of("down")),
            Advice(" " * 10, words.of("up --interface IF")),
        ]
    if any(one["kind"] == "link" for one in state["troubles"]):
        return []  # somebody is heard, and cannot be reached: that is said already
    ports, elsewhere = f"UDP {PORT} and TCP {state['port']}", f"{words.elsewhere} up"
    if away := [one for one in state["devices"] if not (one["me"] or one["online"])]:
        names = in_a_line(away, lambda one: f"{shown(one['label'])} {away_words(one)}")
        return [
            f"Nobody else is here: {', '.join(names)}. Tried: {tried_words(state)}.",
            f"  why:  off or asleep, not started, on another network, or a firewall drops {ports}",
            Advice("  next: if potluck does not run there: ", elsewhere),
        ]
    return [
        f"Nobody answers yet. Tried: {tried_words(state)}.",
        f"  why:  no other device is up, it is on another network, or a firewall drops {ports}",
        "  next: on the other device",
        Advice(" " * 10, elsewhere),
        "        or leave here, and name the other one's address",
        Advice(" " * 10, words.of("down")),
        Advice(" " * 10, words.of("up --peer ADDRESS")),
    ]


def asked_words(state: dict[str, Any]) -> str:
    """Return "6 neighbours on 2 networks"."""
    tried = state["tried"]
    return (
        f"{count(tried['neighbours'], 'neighbour')} on {count(len(tried['interfaces']), 'network')}"
    )


def tried_words(state: dict[str, Any]) -> str:
    """Return "6 neighbours on 2 networks (eth0, wlan0), and 192.168.1.9:7685 by UDP"."""
    tried = state["tried"]
    names = [shown(name) for name in tried["interfaces"]]
    said = asked_words(state) + (f" ({', '.join(names)})" if names else "")
    # a first contact goes by datagrams only: where they are blocked, an address does not help
    named = [shown(one) for one in tried["named"]]
    return said + (f", and {' and '.join(named)} by UDP" if named else "")


def found_lines(state: dict[str, Any], words: Words) -> list[str]:
    """Return, for each group that was found and is not ours, what it is and what to type on which
    machine.
    """
    return [line for found in state["found"] for line in one_found_lines(state, found, words)]


def one_found_lines(state: dict[str, Any], found: dict[str, Any], words: Words) -> list[str]:
    """Return the same for one of the groups that were found."""
    mine_open, label = state["door"]["open"], shown(found["label"])
    members = count(found["members"], "device") + ": " if found["members"] else ""
    lines = [f"Found “{shown(found['name'])}” ({members}{label}, {shown(found['address'])})."]
    machine = _machine(state, found)
    if mine_open and found["open"]:
        return [*lines, "  Both doors are open: " + _coming(found.get("joins", ""), machine)]
    lines.append("  To join it, both machines must say so (on a network you trust):")
    lines += _opening(f"on {machine}", words.elsewhere, is_open=found["open"])
    return lines + _opening("on this machine", words.here, is_open=mine_open)


def _machine(state: dict[str, Any], found: dict[str, Any]) -> str:
    """Return what tells a machine from all others: where two have one name, also its address.

    Labels are unique in a group, and these are of several; others tell no more of themselves.
    """
    others = [one for one in state["found"] if one is not found]
    known = (state["device"], *state["devices"], *others)
    label = shown(found["label"])
    alike = any(shown(one["label"]) == label for one in known)
    return f"{label} ({shown(found['address'])})" if alike else label


def _opening(where: str, potluck: str, *, is_open: bool) -> list[str]:
    """Return how a door is opened; at the prompt of an `up` that runs there the word will do."""
    if is_open:
        return [f"    {where}: the door is open already"]
    if not potluck:
        return [Advice(f"    {where}: type ", "open")]
    return [Advice(f"    {where}: type open at its prompt, or in a shell: ", f"{potluck} open")]


def _coming(joins: str, machine: str) -> str:
    """Return what comes of two open doors: of two devices only one joins the other."""
    if joins == "we":
        return "this device joins it."
    if joins == "they":
        return f"{machine} is to join this device, which stays where it is."
    return "nothing more is to be done here."
