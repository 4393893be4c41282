"""How company reads: the lines of `peers`, groups that were found, and what was tried in vain.

Strategy: pure functions from the state of the local API to lines, for `peers` and for the story
that `up` and the live view tell. Being alone comes with what was tried, the likely cause, and the
next command on which machine; a group that was found with what lets a device in: the same three
words on both screens, or an open door; another group with others with what brings a device of one
to the other. Guarantees: where somebody is heard and cannot be reached, or a known device is away,
that is said, and not that nobody answers. Limits: why a device is away is not known, so likely
causes are named.
"""

from __future__ import annotations

from typing import Any

from potluck.core.limits import PORT
from potluck.core.wording import typable
from potluck.faces.advice import Advice, indented
from potluck.faces.cli.comparing import request_lines, requests_of, who
from potluck.faces.cli.layout import (
    Words,
    away_words,
    fate_words,
    in_a_line,
    is_shut,
    trouble_lines,
)
from potluck.faces.text import count, duration, shown, table

_SHOWN = "Once three words are shown, compare them, and say yes"
_MOMENT_S = 1.0  # who is about to go elsewhere says no for so long, which is no news
_COMPARED = "show three words; say yes on both if they are the same."


def peer_lines(state: dict[str, Any], words: Words) -> list[str]:
    """Return the lines of `peers`: devices, groups that were found, and why nobody is there."""
    others = [device for device in state["devices"] if not device["me"]]
    lines = request_lines(state, words)
    lines += [""] if lines else []
    if others:
        rows = [["device", "", "node", "address", "found by"]]
        rows += [_peer_row(device) for device in others]
        lines += table(rows, indent="")
    for one in state["troubles"]:
        if one["kind"] == "link":
            first, *advice = trouble_lines(one, words)
            lines += [f"✗ {first}", *[indented(line, "  ") for line in advice]]
    lines += found_lines(state, words)
    if not any(device["online"] for device in others) and not is_near(state):
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
    if state["tried"].get("heard"):  # an earlier version does not tell it
        return _unanswered_lines(state, words)
    ports, elsewhere = f"UDP {PORT} and TCP {state['port']}", f"{words.elsewhere} up"
    if away := [one for one in state["devices"] if not (one["me"] or one["online"])]:
        names = in_a_line(away, lambda one: f"{shown(one['label'])} {away_words(one)}")
        return [
            f"Nobody else is here: {', '.join(names)}. Tried: {tried_words(state)}.",
            f"  why:  off or asleep, not started, on another network, or a firewall drops {ports}",
            Advice("  next: if potluck does not run there: ", elsewhere),
        ]
    if is_shut(state):
        return [
            f"Nobody answers yet. Tried: {tried_words(state)}.",
            "  why:  the door here is shut, so nobody is answered who asks",
            Advice("  next: ", words.of("open")),
        ]
    return [
        f"Nobody answers yet. Tried: {tried_words(state)}.",
        f"  why:  none is up, its door is shut, on another network, or a firewall drops {ports}",
        "  next: on the other device",
        Advice(" " * 10, elsewhere),
        "        or leave here, and name the other one's address",
        Advice(" " * 10, words.of("down")),
        Advice(" " * 10, words.of("up --peer ADDRESS")),
    ]


def _unanswered_lines(state: dict[str, Any], words: Words) -> list[str]:
    """Return the same where another group is heard: who has a code, or an open door, answers."""
    return [
        f"A group is near, and none of its devices answers. Tried: {tried_words(state)}.",
        f"  why:  its door is shut, nobody there can be asked, or a firewall drops UDP {PORT}",
        "  next: on a device of that group, for a code that is then typed here",
        Advice(" " * 10, f"{words.elsewhere} invite"),
        Advice(" " * 10, words.of("join")),
        "        or there, where anyone on this network may join then",
        Advice(" " * 10, f"{words.elsewhere} open"),
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
    """Return, for each group that was found and is not ours, what it is and how one gets there, and
    what makes this device ask, should it not do so by itself.
    """
    lines = list[str]()
    for found in strangers(state):
        lines += one_found_lines(state, found)
        lines += ask_lines(state, found, words)
    others = has_company(state) and any(one["members"] != 1 for one in strangers(state))
    return lines + (_way_over_lines(state, words) if others else [])


def _way_over_lines(state: dict[str, Any], words: Words) -> list[str]:
    """Return how a device goes from one group with others to another; it never does by itself."""
    shut = Advice("  The door here is shut. For one that comes here: ", words.of("open"))
    return [
        *([shut] if is_shut(state) else []),
        "  Groups never merge by themselves. To bring one of its devices here, type on that one",
        Advice(" " * 10, f"{words.elsewhere} leave"),
        Advice(" " * 10, f"{words.elsewhere} up"),
        f"  or the same here to go there. Then both screens {_COMPARED}",
        "  The only steward of a group with others names another one first",
        Advice(" " * 10, f"{words.elsewhere} admin add NAME"),
    ]


def ask_lines(state: dict[str, Any], found: dict[str, Any], words: Words) -> list[str]:
    """Return what makes this device ask a group, should it not do so by itself; or nothing."""
    both_open = found["open"] and state["door"]["open"] and not _asked_words(found)
    asked = {one["group"] for one in requests_of(state)}
    if has_company(state) or both_open or tries_code(state) or found["name"] in asked - {""}:
        return []
    bar, is_first = found.get("bar"), rests_s(found) == 0 and not _last_words(found)
    if bar == "removed":
        return []  # with this key it is asked in vain for good
    now = "  to ask there: " if is_first else "  to ask there now: "
    now = "  once that is done, to ask there at once: " if bar else now
    return [Advice(now, words.of(f"approve {_typed(state, found)}"))]


def _typed(state: dict[str, Any], found: dict[str, Any]) -> str:
    """Return what is typed to mean a group: its name, or its address where that is unknown, hard to
    type or another's too.
    """
    name, address = found["name"], str(found["address"])
    alike = sum(one["name"] == name for one in state["found"])
    return typable(name if alike == 1 else "", address)


def told_found_lines(state: dict[str, Any], found: dict[str, Any], words: Words) -> list[str]:
    """Return the same for one group as it is told when it is found, or a request there is over."""
    lines = one_found_lines(state, found)
    return lines + (ask_lines(state, found, words) if _asked_words(found) else [])


def one_found_lines(state: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Return what one of the groups that were found is, and how one gets there."""
    machine, mine_open = _machine(state, found), state["door"]["open"]
    lines = [f"Found {_group_found(found)}."]
    if found.get("bar"):  # an earlier version does not tell it
        return [*lines, f"  No words can be compared with it: {shown(found['ended'])}."]
    is_other = has_company(state) and found["members"] > 1  # then nobody goes to the other
    if mine_open and found["open"] and not (is_other or tries_code(state)):
        return [*lines, f"  {_between_open_doors(found, machine)}"]
    if has_company(state):
        lines.append("  This device is in a group with others, so it joins no other one by itself.")
        is_lonely = found["members"] == 1 and not is_shut(state)  # else it cannot ask
        return lines + ([f"  If {machine} asks, both screens {_COMPARED}"] if is_lonely else [])
    return [*lines, f"  {_way_in(state, found, machine)}"]


def _way_in(state: dict[str, Any], found: dict[str, Any], machine: str) -> str:
    """Return what brings a lonely device and a group together, unless both doors are open."""
    if tries_code(state):
        return "A code is being tried here, so it is not asked now."
    if is_shut(state):
        return f"The door here is shut: {machine} cannot ask, and this device does not by itself."
    return _asked_words(found) or _first_words(state, found, machine)


def _first_words(state: dict[str, Any], found: dict[str, Any], machine: str) -> str:
    """Return the same for two that nothing came of yet."""
    if asks := [one for one in requests_of(state) if one["side"] == "joiner"]:
        return f"It is not asked while this device asks {who(asks[0])}."
    if found["open"]:
        return f"The door there is open: only this device asks. {_SHOWN} here."
    if state["door"]["open"]:
        return f"The door here is open: only {machine} asks. {_SHOWN} there."
    return (
        f"To become one group this device and {machine} show three words once one asks the other; "
        "say yes on both if they are the same."
    )


def _asked_words(found: dict[str, Any]) -> str:
    """Return what became of the last request between the two, and what follows; "" for none."""
    pause_s, last = rests_s(found), _last_words(found)
    again = "not asked again by itself."
    if pause_s is not None:
        again = f"asked again in about {duration(pause_s)}."
    if pause_s == 0 or (last and found["asked_here"]):
        return f"{last} Either side can ask again." if last else ""
    return f"{last or 'It was asked in vain.'} It is {again}"


def _last_words(found: dict[str, Any]) -> str:
    """Return what became of the last request between the two, "" if there was none lately."""
    ended = found.get("ended", "")  # an earlier version does not tell it
    if not ended:
        return ""
    asked = "Somebody there asked to be let in here" if found["asked_here"] else "It was asked"
    return f"{asked}; that is over: {shown(ended)}."


def rests_s(found: dict[str, Any]) -> float | None:
    """Return for how long a group that was asked in vain is not asked; None: never by itself."""
    pause_s: float | None = found.get("rests_s", 0.0)  # an earlier version does not tell it
    return 0.0 if pause_s is not None and pause_s < _MOMENT_S else pause_s


def _group_found(found: dict[str, Any]) -> str:
    """Return which group it is; behind a closed door neither its name nor its label is told."""
    address = shown(found["address"])
    if not (found["name"] or found["label"]):
        return f"another group near by ({address})"
    members = count(found["members"], "device") + ": " if found["members"] else ""
    named = f"“{shown(found['name'])}”" if found["name"] else "another group near by"
    where = f"{shown(found['label'])}, {address}" if found["label"] else address
    return f"{named} ({members}{where})"


def strangers(state: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the groups that were found but for those one talks to, which the request is about."""
    talks = requests_of(state)
    return [one for one in state["found"] if not any(_is_with(each, one) for each in talks)]


def _is_with(request: dict[str, Any], found: dict[str, Any]) -> bool:
    """Say whether a conversation is with that group: with the machine that answered, or by name."""
    address = found["address"]
    if request["address"] in {address, address.rpartition(":")[0]}:
        return True
    named = request["side"] == "joiner" and bool(found["name"])
    return named and request["group"] == found["name"]


def tries_code(state: dict[str, Any]) -> bool:
    """Say whether a code was typed here and is being tried: no other group is asked then."""
    return bool(state["door"].get("joins"))


def is_near(state: dict[str, Any]) -> bool:
    """Say whether a device is near that is no member: found, or one asks the other."""
    return bool(state["found"] or requests_of(state))


def has_company(state: dict[str, Any]) -> bool:
    """Say whether this device is in a group with others, here or away."""
    return any(not one["me"] for one in state["devices"])


def _machine(state: dict[str, Any], found: dict[str, Any]) -> str:
    """Return what tells a machine from all others: where two have one name, also its address.

    Labels are unique in a group, and these are of several; others tell no more of themselves.
    """
    others = [one for one in state["found"] if one is not found]
    known = (state["device"], *state["devices"], *others)
    label = shown(found["label"])
    if not label:
        return shown(found["address"])
    alike = any(shown(one["label"]) == label for one in known)
    return f"{label} ({shown(found['address'])})" if alike else label


def _between_open_doors(found: dict[str, Any], machine: str) -> str:
    """Return what comes of two open doors: of two devices only one joins the other.

    After a request that ended otherwise nobody has to come by itself.
    """
    joins, pause_s, last = found.get("joins", ""), rests_s(found), _last_words(found)
    if joins == "we":
        when = f", in about {duration(pause_s)}" if pause_s else ""
        return f"Both doors are open: this device joins it{when}."
    if joins == "they" and not last:
        return f"Both doors are open: {machine} is to join this device, which stays where it is."
    if last and (pause_s == 0 or found["asked_here"]):
        return f"{last} Both doors are open: whoever asks the other now is let in without words."
    return _asked_words(found) or "Both doors are open: nothing more is to be done here."


def former_lines(state: dict[str, Any]) -> list[str]:
    """Return a line for each device that is in the group no more."""
    return [f"{shown(one['label'])}  {fate_words(one)}" for one in state["former"]]
