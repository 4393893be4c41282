"""A request to join as the live view shows it: on top, in full, with the keys that answer it.

Strategy: a pure function from a snapshot to rows. One request is asked about at a time, the first
that came or the one that a person stepped to; each other one has a row with its words below it, so
that whoever comes first hides nobody; what needs no answer here has a line each after that. The
words stand apart from all
else, side by side where they fit and below each other where they do not. Guarantees: no row is
wider than the terminal, from 20 columns on; where rows lack, everything else is left out before the
words and the keys: the other requests late, and last of all that only the asking machine's screen
counts. A name is set off as it is everywhere, and no word stands on a row that a name could have
made up. Limits: what could be drawn is for `words_stand_in` and `listed_in` to say, of the picture
as it stands.
"""

from __future__ import annotations

from typing import Any

from potluck.core.wording import set_off
from potluck.faces.cli.comparing import (
    AskedRequest,
    asker_words,
    capitals,
    is_answerable,
    look_words,
    requests_of,
    standing_words,
    time_words,
    typed_name,
    unanswered,
)
from potluck.faces.rows import Pieces
from potluck.faces.text import columns, count, fitted, shown, wrapped

_STANDING = 3  # requests that need no answer here; more are counted
_KEYS = "y = yes, they are the same · n = no"
_ONLY = "Only the asking machine's screen counts."
_STEP = " · Tab = the next one in full"
_RULE = "─"
_RULE_COLUMNS = 72
_INDENT, _GAP = "    ", "  "
_BELOW = _GAP * 3  # words that stand below the name they belong to


def on_top(state: dict[str, Any], chosen: str = "") -> AskedRequest | None:
    """Return the request that is asked about: the chosen one, else who came first."""
    asked = unanswered(state)
    return next((one for one in asked if one["id"] == chosen), asked[0] if asked else None)


def step_from(state: dict[str, Any], chosen: str) -> str:
    """Return the id of the request that comes after the one on top, "" if none is there."""
    top, asked = on_top(state, chosen), [str(one["id"]) for one in unanswered(state)]
    return "" if top is None else asked[(asked.index(str(top["id"])) + 1) % len(asked)]


def asking_rows(state: dict[str, Any], width: int, room: int, chosen: str = "") -> list[Pieces]:
    """Return what is asked, in at most `room` rows where that goes; nothing if nobody asks."""
    asked, first = unanswered(state), on_top(state, chosen)
    standing = _standing(state, width)
    if first is None:
        return standing
    several = len(asked) > 1
    place = f" ({asked.index(first) + 1} of {len(asked)})" if several else ""
    head = _sentence(f"{asker_words(first)}{place}", width, "bold yellow")
    look = _sentence(look_words(first), width, "")
    words = _word_rows(first, width)
    keys = _sentence(_KEYS + _STEP * several, width, "bold")
    time = _sentence(time_words(first), width, "dim")
    gap: list[Pieces] = [[("", "")]]
    rule: list[Pieces] = [[(_RULE * min(width, _RULE_COLUMNS), "yellow")]]
    only = _sentence(_ONLY, width, "") if first["side"] == "member" else []
    others = [_listed(one, width) for one in asked if one != first]
    ways = (
        [*rule, *head, *look, *gap, *words, *gap, *keys, *time, *gap],
        [*head, *look, *words, *keys, *time],
        [*head, *look, *words, *keys],
        [*head, *only, *words, *keys],
        [*only, *words, *keys],
    )
    whole = [*ways[0], *[row for one in others for row in one], *standing]
    if len(whole) <= room:
        return whole
    for way in ways[1:]:
        if len(way) <= room:
            return [*way, *_as_many(others, width, room - len(way))]
    return [*words, *keys, *only]


def _listed(request: AskedRequest, width: int) -> list[Pieces]:
    """Return a request that is not on top, with its words: in one row, or in two."""
    name, words = _called(request), "  ".join(capitals(request))
    for who in (f"{name} ({shown(request['address'])})", name):
        if columns(f"{_GAP}{who}{_GAP}{words}") <= width:
            return [[(_GAP, ""), (f"{who}{_GAP}{words}", "")]]
    rows = [words] if columns(f"{_BELOW}{words}") <= width else capitals(request)
    every = [(_GAP, name), *((_BELOW, row) for row in rows)]
    return [[(by, ""), (fitted(row, width - len(by)).rstrip(), "")] for by, row in every]


def _called(request: AskedRequest) -> str:
    """Return what a request is called in the list, and what is typed for it where that differs."""
    name, typed = set_off(shown(request["name"])), typed_name(request)
    return f"{name} = {typed}" if typed == request["id"] != request["name"] else name


def _as_many(others: list[list[Pieces]], width: int, room: int) -> list[Pieces]:
    """Return as many of these as there is room for, and how many are left out."""
    rows = list[Pieces]()
    for number, one in enumerate(others):
        left = len(others) - number
        if len(rows) + len(one) + (left > 1) > room:
            more = _sentence(f"{_GAP}… and {count(left, 'more request')}: pending", width, "dim")
            return [*rows, *more[: max(0, room - len(rows))]]
        rows += one
    return rows


def listed_in(state: dict[str, Any], picture: str, width: int, chosen: str = "") -> dict[str, str]:
    """Return the requests that can be read in a picture, by their ids: what answers each.

    Of those that are not on top each whole row has to stand there, name and words.
    """
    listed, first = dict[str, str](), on_top(state, chosen)
    for one in unanswered(state):
        rows = ["".join(piece for piece, _ in row) for row in _listed(one, width)]
        stands = "\n" + "\n".join(rows) + "\n" in f"\n{picture}\n"
        if words_stand_in(one, picture) if one == first else stands:
            listed[str(one["id"])] = str(one["name"])
    return listed


def words_stand_in(request: AskedRequest, picture: str) -> bool:
    """Say whether a picture shows all words of a request."""
    return all(word in picture for word in capitals(request))


def _word_rows(request: AskedRequest, width: int) -> list[Pieces]:
    """Return the words, set off by colour and room."""
    boxes = [f" {word} " for word in capitals(request)]
    if columns(_INDENT) + sum(map(columns, boxes)) + len(_GAP) * 2 <= width:
        row: Pieces = [(_INDENT, "")]
        for number, box in enumerate(boxes):
            row += [(_GAP, "")] if number else []
            row.append((box, "bold reverse"))
        return [row]
    return [[(_GAP, ""), (box[: width - len(_GAP)], "bold reverse")] for box in boxes]


def _standing(state: dict[str, Any], width: int) -> list[Pieces]:
    """Return what is on its way without an answer from here: a few, and how many more."""
    others = [one for one in requests_of(state) if not is_answerable(one)]
    rows = [row for one in others[:_STANDING] for row in _sentence(standing_words(one), width, "")]
    more = len(others) - _STANDING
    return rows + (_sentence(count(more, "more request"), width, "dim") if more > 0 else [])


def _sentence(text: str, width: int, style: str) -> list[Pieces]:
    return [[(line, style)] for line in wrapped(text, width, "  ")]
