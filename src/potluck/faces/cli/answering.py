"""The commands `pending`, `approve` and `deny`: what a person says to a request to join.

Strategy: a request is found by its name in a snapshot of now, and answered by its id, so a yes goes
to the conversation whose words were shown and to no other that bears the same name. `approve`
prints the words and asks whether the other screen shows the same; a script gives them (`--words`)
or says that it compared (`--yes`), and then which request that was: by its id, or as NAME@ID, since
another device may ask under a name by the time the script runs. At the prompt of `up`, which cannot
ask, a name means the request that could be read there under that name when the line was begun
(answer_keys.py); of any other one the words are shown first, with its id, which no later request
has.

Guarantees: Enter, the end of the input, or anything but a yes answers nothing; words that are
others are refused before anything is said to anybody. No error names the words of a request for a
script to give back, which compares nothing. Several requests and no name is an error that names
them. Limits: whether a person really looked at the other screen is not known here; a group that is
not asked at this moment (it was told no, or never asked) has no words yet, so `approve` of it only
makes this device ask, by an act that answers nothing whatever has come meanwhile.
"""

from __future__ import annotations

import re
import time
from typing import Any

import click

from potluck.core.errors import NotFound, Refused, TimedOut, UsageError
from potluck.core.wording import listed, set_off, typable
from potluck.faces.cli.acts import json_option
from potluck.faces.cli.client import Client, client_of
from potluck.faces.cli.comparing import (
    AskedRequest,
    answering_lines,
    asker_words,
    capitals,
    look_words,
    request_lines,
    requests_of,
    standing_words,
    time_words,
    typed_name,
    unanswered,
    who,
)
from potluck.faces.cli.layout import Words
from potluck.faces.cli.output import at_prompt, command, say, say_json
from potluck.faces.text import shown

WORDS_S = 5.0  # until both sides have told their words; it takes moments
WORDS_LOOK_S = 0.1
TYPED_WORDS = "--words 'W W W'"
_YES, _NO = frozenset({"y", "yes"}), frozenset({"n", "no"})
_WORD = re.compile(r"[^\W\d_]+")  # whatever stands between the words is none of them


@click.command()
@json_option
@click.pass_obj
def pending(shared: dict[str, Any], as_json: bool) -> None:
    """Show who asks to join, or where this device asks, with the words to compare."""
    state = client_of(shared["home"]).state()
    if as_json or shared["json"]:
        say_json(list(state.get("requests", ())))
        return
    say(*(request_lines(state, Words.of_this_run()) or ["Nobody waits for an answer."]))


@click.command()
@click.argument("name", default="")
@click.option("--words", metavar="WORDS", help="The three words that the other screen shows.")
@click.option("-y", "--yes", is_flag=True, help="The words are the same: do not ask.")
@click.option(
    "--replace", metavar="OLD", default=None, help="It gets the name and files of this removed one."
)
@json_option
@click.pass_obj
def approve(
    shared: dict[str, Any],
    name: str,
    words: str | None,
    yes: bool,
    replace: str | None,
    as_json: bool,
) -> None:
    """Say yes to who asks to join, or to the group that this device asks to let it in.

    Say it only if the same three words stand on the other device's screen.
    """
    client, as_json = client_of(shared["home"]), as_json or shared["json"]
    state = client.state()
    seen = _seen(state, shared.get("seen") or {}, name)
    replaces = replace is not None
    if not (seen or replaces) and name and state["found"] and not _named(state, name):
        _tell(client, _asked_for(client, state, name), None, as_json=as_json)
        return
    if replaces and name and not (seen or _named(state, name)):  # it is in already
        _tell(
            client, client.act("approve", {"name": name, "replace": replace}), None, as_json=as_json
        )
        return
    if yes and words is None and not (name or at_prompt()):
        raise _unnamed()
    request = _with_words(client, seen or _meant(state, name))
    if request["answer"] != "needed" and not replaces:
        _tell(client, standing_words(request), request, as_json=as_json)
        return
    if words is not None:
        _compare(request, words)
    act = "approve"
    is_needed = words is None and not seen and request["answer"] == "needed"
    if is_needed and yes and not (_is_exact(request, name) or at_prompt()):
        raise _unsure(request)
    if is_needed and not (yes and _is_exact(request, name)):
        act = _ask(request, _typed_again(request, replace), as_json=as_json)
    body = {"name": request["id"]}
    if replaces and act == "approve":
        body["replace"] = replace
    _tell(client, client.act(act, body), request, as_json=as_json)


@click.command()
@click.argument("name", default="")
@json_option
@click.pass_obj
def deny(shared: dict[str, Any], name: str, as_json: bool) -> None:
    """Say no to who asks to join, or to the group that this device asks."""
    client = client_of(shared["home"])
    state = client.state()
    request = _seen(state, shared.get("seen") or {}, name) or _meant(state, name)
    text = client.act("deny", {"name": request["id"]})
    _tell(client, text, request, as_json=as_json or shared["json"])


def _tell(client: Client, text: str, request: AskedRequest | None, *, as_json: bool) -> None:
    """Say what came of it; as JSON with how the request stands by now, null once it is over."""
    if as_json:
        every = [] if request is None else client.state().get("requests", ())
        now = next((one for one in every if request and one["id"] == request["id"]), None)
        say_json({"text": text, "request": now})
    else:
        say(*[shown(line) for line in text.splitlines()])


# -- which one -------------------------------------------------------------------------------------
def _seen(state: dict[str, Any], seen: dict[str, str], name: str) -> AskedRequest | None:
    """Return the request that could be read as `name` when the line was begun; None: none could.

    Raises Refused if it is over by now: who asks under that name today is somebody else.
    """
    folded = name.casefold()
    fitting = [one for one, called in seen.items() if name == called]
    fitting = fitting or [one for one in seen if name == one]
    fitting = fitting or [one for one, called in seen.items() if called.casefold() == folded]
    if not name:
        fitting = list(seen)
    if len(fitting) != 1 or (not name and len(unanswered(state)) > 1):
        return None
    every = requests_of(state)
    request = next((one for one in every if one["id"] == fitting[0]), None)
    if request is None:
        another = "; another one asks" if every else ""
        raise Refused(
            f"That request is over{another}: nothing was answered.",
            "it was answered on another screen, taken back, or its time was over",
            command("pending"),
        )
    return request


def _named(state: dict[str, Any], name: str) -> list[AskedRequest]:
    """Return the requests that a name, or else an id, means, or else one in other capitals."""
    every, folded = requests_of(state), name.casefold()
    exact = [one for one in every if name == one["name"]]
    exact = exact or [one for one in every if _is_exact(one, name)]
    return exact or [one for one in every if str(one["name"]).casefold() == folded]


def _is_exact(request: AskedRequest, name: str) -> bool:
    """Say whether `name` means that conversation and no later one: its id, or its NAME@ID."""
    called, at, conversation = name.rpartition("@")
    is_called = not at or called.casefold() == str(request["name"]).casefold()
    return conversation == request["id"] and is_called


def _meant(state: dict[str, Any], name: str) -> AskedRequest:
    """Return the one request that is meant; raises NotFound, UsageError."""
    every = requests_of(state)
    fitting = _named(state, name) if name else unanswered(state) or every
    if len(fitting) == 1:
        return fitting[0]
    if fitting and not name and not unanswered(state):
        raise NotFound(
            "No request waits for an answer from here.",
            f"the other side is waited for: {listed(who(one) for one in fitting)}",
            command("pending"),
        )
    if fitting:
        steps = [command(f"approve {typed_name(one)}") for one in fitting]
        names = listed(set_off(shown(one["name"])) for one in fitting)
        raise UsageError(
            f"{len(fitting)} requests wait for an answer.",
            f"each is answered by its name: {names}",
            "\n".join(steps),
        )
    if not every:
        raise NotFound(
            "Nobody waits for an answer.",
            _why_nobody(state),
            command("peers"),
        )
    raise NotFound(
        f"No request is called “{shown(name)}”.",
        f"these wait: {listed(set_off(shown(one['name'])) for one in every)}",
        command("pending"),
    )


def _why_nobody(state: dict[str, Any]) -> str:
    """Return why there is nothing to answer, nor anybody to ask."""
    if state["tried"].get("heard"):
        return "a group is near, and none of its devices answers, so it cannot be asked"
    return "nobody asks, it was answered on another screen, or its time is over"


def _asked_for(client: Client, state: dict[str, Any], name: str) -> str:
    """Have a group near by asked that nobody asks just now; raises PotluckError."""
    try:
        return client.act("ask", {"name": name})  # potluck knows best what is near
    except NotFound:
        if state.get("requests"):
            _meant(state, name)  # rather one of these was meant: raises NotFound
        raise


def _unnamed() -> UsageError:
    """Return why a yes says to whom: whoever asked when it was typed may be gone by now."""
    return UsageError(
        "--yes needs the id of the request that is meant.",
        "without one it would let in whoever asks by now, whose words nobody compared",
        command("pending --json"),
    )


def _unsure(request: AskedRequest) -> UsageError:
    """Return why a name is not enough for a yes that shows no words."""
    name = typed_name(request)
    exact = typable(f"{request['name']}@{request['id']}", str(request["id"]))
    return UsageError(
        f"--yes needs the id of the request, not only the name {set_off(shown(request['name']))}.",
        "another device may ask under that name by now, whose words nobody compared",
        f"{command(f'approve {name} {TYPED_WORDS}')}, as the other screen shows them"
        f"\nif nobody compares words, with the id that `{command('pending --json')}` names: "
        f"{command(f'approve {exact} --yes')}",
    )


def _with_words(client: Client, request: AskedRequest) -> AskedRequest:
    """Return the same request once its words are known; raises TimedOut, Refused."""
    until_s = time.monotonic() + WORDS_S
    while request["answer"] == "needed" and not request["words"]:
        if time.monotonic() >= until_s:
            raise TimedOut(
                f"There are no words to compare with {who(request)} yet.",
                "the other device does not answer",
                command("pending"),
            )
        time.sleep(WORDS_LOOK_S)
        request = _still(client, request)
    return request


def _still(client: Client, request: AskedRequest) -> AskedRequest:
    """Return how a request stands now; raises Refused if it is over."""
    for one in requests_of(client.state()):
        if one["id"] == request["id"]:
            return one
    raise Refused(
        f"The request of {who(request)} is over.",
        "it was answered on another screen, taken back, or its time was over",
        command("pending"),
    )


# -- whether the words are the same ----------------------------------------------------------------
def _compare(request: AskedRequest, words: str) -> None:
    """Find out that the words given are those of the request; raises Refused."""
    given = _WORD.findall(words.upper())
    if given != capitals(request):
        raise Refused(
            "The words of this request are others: nothing was answered.",
            "one was mistyped, the other screen shows another request, "
            "or somebody on the network stands between the two devices",
            f"{command('pending')}\nif the screens really differ: "
            f"{command(f'deny {typed_name(request)}')}",
        )


def _typed_again(request: AskedRequest, replace: str | None) -> str:
    """Return the command with which somebody who compared the words says the same yes."""
    heir = "" if replace is None else f" --replace {typable(replace, 'OLD')}"
    return command(f"approve {typed_name(request)} {TYPED_WORDS}{heir}")


def _ask(request: AskedRequest, given: str, *, as_json: bool) -> str:
    """Ask the person whether the words are the same; returns the act, or raises Refused.

    `given`: what to type where nobody can be asked.
    """
    if as_json:
        raise UsageError(
            "With --json nobody can be asked.",
            "the words have to be compared by somebody",
            f"{given}, as the other screen shows them",
        )
    if at_prompt():
        say(*answering_lines(request, Words.of_this_run()))
        raise UsageError(
            "Nobody could read this request on the screen when that was typed.",
            "compare these words first",
            command(f"approve {request['id']} --yes"),
        )
    say(f"{asker_words(request)}.", look_words(request), "")
    say(f"    {'  '.join(capitals(request))}", "", time_words(request))
    answer = _typed("Are they the same? [y/n] ")
    if answer in _YES:
        return "approve"
    if answer in _NO:
        return "deny"
    if answer is None:
        say("")
        why = "the input ended before a yes or no"
        raise Refused("Nothing was answered.", why, f"{given}, as the other screen shows them")
    raise Refused("Nothing was answered.", "you did not say yes or no", command("pending"))


def _typed(question: str) -> str | None:
    """Return what is typed; None if nothing more can be."""
    try:
        return input(question).strip().casefold()
    except EOFError:
        return None
    except UnicodeError:  # a letter of another encoding is no yes
        return ""
