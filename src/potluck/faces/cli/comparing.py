"""How a request to join reads: who asks, the three words, and what a yes needs.

Strategy: pure functions from the requests of a snapshot to lines, for every face that shows one.
What a person must answer is put in one order everywhere, who came first on top: what others say of
their time moves nobody. The words are written in capitals everywhere, so that two screens are
compared letter by letter. A newcomer bears the name by which it is answered, which no member has,
and not what it calls itself: every member shows its words, so a screen that is merely called alike
proves nothing. Guarantees: what another device is called is shown so that it cannot be read as
words of ours; where words are to be compared it is said that the screen of the machine that asks
is to be looked at, and who it is not (no machine is called new: of two that meet for the first time
either one may have been there before); a request whose words are not known yet is not said to be
answerable. Limits: what became of a request is told by the engine, in a notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from potluck.core.content.paths import collision_key
from potluck.core.group.look_alikes import look_alike, looks_alike, why_numbered
from potluck.core.wording import set_off, typable
from potluck.faces.advice import Advice
from potluck.faces.text import count, duration, shown

if TYPE_CHECKING:
    from potluck.faces.cli.layout import Words

_ALIKE = "the two names only look alike"

AskedRequest = dict[str, Any]
"""An entry of `requests` of the local API."""


def requests_of(state: dict[str, Any]) -> list[AskedRequest]:
    """Return the requests of a snapshot, the oldest first, each with its `namesake`.

    `beside_door`: the door here is open, and that is no yes to it.
    """
    beside = bool(state.get("door", {}).get("open"))
    return [
        one | {"namesake": _namesake(state, one), "beside_door": beside}
        for one in state.get("requests", ())
    ]


def _namesake(state: dict[str, Any], request: AskedRequest) -> str:
    """Return who else is called what a newcomer calls itself, or looks like it; "" if nobody is."""
    if request["side"] == "joiner" or not request["label"]:
        return ""
    label, own = str(request["label"]), str(state["device"]["label"])
    others = [one for one in state["requests"] if one is not request and one["side"] == "member"]
    if looks_alike(own, label):
        return f"this device, {_called(own, label)}"
    member = look_alike(label, [str(one["label"]) for one in state["devices"]])
    if member:
        alike = "" if _is_same(member, label) else f": {_ALIKE}"
        return f"{set_off(shown(member))}, which is a member{alike}"
    other = look_alike(label, [str(one["label"]) for one in others])
    if not other:
        return ""
    if _is_same(other, label):
        return f"the other machine that calls itself {set_off(shown(label))} and asks, too"
    return f"{set_off(shown(other))}, another machine that asks: {_ALIKE}"


def _called(own: str, label: str) -> str:
    """Return how this device is called, beside a newcomer that is called like it, or alike."""
    called = f"which is called {set_off(shown(own))}"
    return f"{called}, too" if _is_same(own, label) else f"{called}: {_ALIKE}"


def _is_same(one: str, other: str) -> bool:
    return collision_key(one) == collision_key(other)


def unanswered(state: dict[str, Any]) -> list[AskedRequest]:
    """Return what a person here must answer, and can: its words are known."""
    return [one for one in requests_of(state) if is_answerable(one)]


def is_answerable(request: AskedRequest) -> bool:
    """Say whether a person can answer it now."""
    return request["answer"] == "needed" and bool(request["words"])


def capitals(request: AskedRequest) -> list[str]:
    """Return the words as every screen shows them."""
    return [shown(word).upper() for word in request["words"]]


def asker_words(request: AskedRequest) -> str:
    """Return "bert (10.88.0.2) asks to join “Home”", or whom this device asks."""
    label, address = who(request), shown(request["address"])
    if request["side"] == "joiner":
        return f"Join {_group(request)}? {label} ({address}) answers there"
    by = f", met by {set_off(shown(request['by']))}" if request["by"] else ""
    itself = who(request | {"name": ""})
    if label != itself or request.get("namesake") or request.get("becomes"):
        would = request.get("becomes", "")  # an earlier version does not tell it
        would = f" and would be called {set_off(shown(would))}" if would else ""
        if label == itself:
            label = f"A machine that calls itself {itself}{would}"
            return f"{label} ({address}{by}) asks to join {_group(request)}"
        label = f"{label}, a machine that calls itself {itself}{would}"
        return f"{label} ({address}{by}), asks to join {_group(request)}"
    return f"{label} ({address}{by}) asks to join {_group(request)}"


def who(request: AskedRequest) -> str:
    """Return what the other side is called: a newcomer as it is answered, unless that is an id."""
    name = str(request["name"])
    if request["side"] == "member" and name not in {"", request["id"]}:
        return set_off(shown(name))
    return set_off(shown(request["label"])) if request["label"] else "a device"


def _group(request: AskedRequest) -> str:
    return f"“{shown(request['group'])}”" if request["group"] else "a group"


def look_words(request: AskedRequest) -> str:
    """Return what a person has to do before a yes."""
    same = "the same three words must stand there, too."
    if request["side"] == "joiner":
        others = " or of any other device of that group" if request["devices"] > 1 else ""
        return f"Look at the screen of {who(request)}{others}: {same}"
    namesake = request.get("namesake")
    this = f"This is not {namesake}. " if namesake else _numbered_words(request)
    look = f"Look at the screen of the machine that asks, {who(request)}: {same}"
    return f"{this}{look} Only that screen counts: members show the same words."


def _numbered_words(request: AskedRequest) -> str:
    """Return why a newcomer has a number behind its name, "" if it has none or nobody says why."""
    if "becomes" not in request:  # an earlier version does not tell it
        return ""
    why = why_numbered(str(request["label"]), str(request["name"]), str(request["becomes"]))
    return f"It is called {who(request)} here: {why}. " if why else ""


def time_words(request: AskedRequest) -> str:
    """Return how long an answer is waited for, and that an open door gives none."""
    door = "That the door here is open does not answer it: it waits for a yes. "
    silence = f"No answer counts as no, in {duration(max(0.0, request['left_s']))}."
    return f"{door if request.get('beside_door') else ''}{silence}"


def standing_words(request: AskedRequest) -> str:
    """Return how a request stands that nobody here must answer now, in one line."""
    if request["answer"] == "needed":
        return f"{asker_words(request)}: the three words come in a moment."
    subject = f"{who(request)} ({shown(request['address'])})"
    if request["side"] == "joiner":
        subject = f"{_group(request)} of {subject}"
    said = "the yes on this side is given"
    if request["answer"] == "open":
        said = "the door here is open, so nobody is asked here"
    words = f" ({'  '.join(capitals(request))})" if request["words"] else ""
    if request["other"] == "yes":
        return f"{subject}: {said}{words}; the other side said yes, too."
    left = duration(max(0.0, request["left_s"]))
    return f"{subject}: {said}{words}; waiting for the other side, {left} more."


def typed_name(request: AskedRequest) -> str:
    """Return what is typed to mean a request: its name, or its id where that is hard to type."""
    return typable(str(request["name"]), str(request["id"]))


def answering_lines(request: AskedRequest, words: Words) -> list[str]:
    """Return one request in full, with the commands that answer it: for `pending` and `status`."""
    if not is_answerable(request):
        return [standing_words(request)]
    name = typed_name(request)
    return [
        f"{asker_words(request)}.",
        f"  {look_words(request)}",
        f"    {'  '.join(capitals(request))}",
        Advice("  yes: ", words.of(f"approve {name}")),
        Advice("  no:  ", words.of(f"deny {name}")),
        f"  {time_words(request)}",
    ]


def request_lines(state: dict[str, Any], words: Words) -> list[str]:
    """Return all requests, each in full."""
    return [line for one in requests_of(state) for line in answering_lines(one, words)]


def printed_lines(state: dict[str, Any], request: AskedRequest, words: Words | None) -> list[str]:
    """Return a request as plain lines show it once; `words` None: it is answered by a key."""
    waiting, name = len(unanswered(state)), typed_name(request)
    more = f" ({count(waiting, 'request')} in all)" if waiting > 1 else ""
    spelt = f"      {'  '.join(capitals(request))}"
    lines = [f"! {asker_words(request)}{more}.", f"  {look_words(request)}", spelt]
    if words is None:
        return [*lines, f"  Type y for yes or n for no. {time_words(request)}"]
    return [
        *lines,
        Advice("  yes: ", words.of(f"approve {name}")),
        Advice("  no:  ", words.of(f"deny {name}")),
        f"  {time_words(request)}",
    ]


def is_about_request(state: dict[str, Any]) -> bool:
    """Say whether the reason of a state is a request that is shown in full beside it."""
    named = str(state["command"] or "").startswith("approve")
    return state["state"] == "waiting" and named and bool(unanswered(state))


def waiting_words(state: dict[str, Any]) -> str:
    """Return "bert asks to join (approve bert)" for who waits for company, "" if nobody asks."""
    asked = unanswered(state)
    if not asked:
        return ""
    first, *others = asked
    more = f" and {count(len(others), 'more request')}" if others else ""
    asks = "asks to join"
    if first["side"] == "joiner":
        asks = f"can let this device into {_group(first)}"
    return f"{who(first)} {asks}{more}, which somebody has to answer"
