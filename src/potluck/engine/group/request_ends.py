"""Request ends: why a request is over, in words that are true on the screen where they stand.

Strategy: one table for both sides of the door. *Here* is the side of the screen, *there* the other
one. What a side knows of an end is who had said yes by then, and what the other side's last words
were (in a BYE, or as the cause of a no):

    a no         here: "you said no", or who did; there: "the other side said no"
    silence      of here, of there, or of both, by who had not said yes
    link broken  nobody said anything any more
    ended        potluck was, on the other side, by whoever ends it there
    no link      to the member that talks to the newcomer, on the screens of the others
    taken back   the newcomer does not want to come in any more, or is let in elsewhere
    shut         the door there is, and nobody there is asked
    version      the two do not understand each other
    BUSY         people there are asked about nobody new just now
    in           a member now

Guarantees: pure; nobody is said to have been silent who said yes. Limits: what the other side says
of itself is believed; a yes that was on its way when the time was over counts as none.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from potluck.core import limits
from potluck.core.wire.catalogue import Cause
from potluck.engine.events import NO_COMMON_VERSION, LinkClosed

# in a BYE: the other side knows these, and says so to its people
SAID_NO = "the person here said no"
TOO_SLOW = "too slow"
DOOR_SHUT = "the door is closed"
DOOR_FULL = "too many at the door"
REGROUPED = "this device is in another group now"
SWITCHED_OFF = "potluck is ended here"
DOOR_CLOSED = "the door here is closed by now"

NO_THERE = "the other side said no"
BROKEN = "the connection broke"
ENDED_THERE = "potluck was ended there"
VERSIONS_APART = "the two run versions of potluck that do not understand each other"
OTHER_VERSION = f"{VERSIONS_APART}; the older one has to be brought up to date"
NOBODY_ASKED = (
    "nobody there is asked about this device: its door is shut (to open it, type there: open), or "
    "too many stand at it"
)
RULES_BROKEN = "the other side broke the rules"
REFUSALS = {  # why a group let this device not in, but for silence
    Cause.DENIED: "somebody there said no",
    Cause.BUSY: "nobody there is asked about this device just now: it asked too often within a "
    "minute, others ask, the door there is shut, or it is about to join another group itself",
    Cause.REMOVED: "this device was removed from that group; it needs a new key: another --home",
    Cause.OTHER: "its door is closed by now, or that group takes nobody more",
}

_VERSION_THERE = re.compile(rf"{NO_COMMON_VERSION}: ([0-9]{{1,9}})\b")


class Bar(StrEnum):
    """What keeps two from comparing words, however often one asks the other."""

    NONE = ""
    VERSION = "version"  # until the older one is brought up to date
    REMOVED = "removed"  # with the key it has
    SHUT = "shut"  # until the door there is opened


class Yeses(NamedTuple):
    """Who had said yes when a request ended."""

    here: bool = False
    there: bool = False


def of_silence(said: Yeses) -> str:
    """Return who did not answer in time; what ends in a yes was about one that was given here."""
    if said.here and said.there:
        return "it did not come to its end in time, though both sides said yes"
    if said.here:
        return "nobody there answered in time, though somebody here said yes"
    if said.there:
        return "the other side said yes, but nobody here answered in time"
    return "nobody answered in time, neither here nor there"


def of_teller(by: str, *, said_yes: bool) -> str:
    """Return that the member `by`, which talks to a newcomer, is not linked any more."""
    void = f"; the yes that was said here counts only if {by} still runs" if said_yes else ""
    return f"there is no link any more to {by}, which talked to it{void}"


def of_versions(reason: str) -> str:
    """Return that two versions do not go together, and which is older if the other side told it."""
    said = _VERSION_THERE.search(reason)
    theirs = limits.PROTOCOL_VERSION if said is None else int(said[1])
    if theirs > limits.PROTOCOL_VERSION:
        return f"{VERSIONS_APART}; the one there is newer, this one has to be brought up to date"
    if theirs < limits.PROTOCOL_VERSION:
        return f"{VERSIONS_APART}; the one there is older and has to be brought up to date"
    return OTHER_VERSION


def bar_of(why: str) -> Bar:
    """Return what keeps words from following on another try, after a request that ended so."""
    if why.startswith(VERSIONS_APART):
        return Bar.VERSION
    return {REFUSALS[Cause.REMOVED]: Bar.REMOVED, NOBODY_ASKED: Bar.SHUT}.get(why, Bar.NONE)


def of_dial(reason: str) -> str:
    """Return why a group could not even be asked; `reason` as in FailedWish."""
    if NO_COMMON_VERSION in reason:
        return of_versions(reason)
    return f"no connection with it could be made ({reason})" if reason else NOBODY_ASKED


def is_switched_off(gone: LinkClosed | None) -> bool:
    """Say whether the other side hung up since potluck was ended there."""
    return gone is not None and gone.clean and gone.reason == SWITCHED_OFF


def of_newcomer(gone: LinkClosed | None, said: Yeses) -> str:
    """Return why a newcomer asks here no more; None: it said what it may not say."""
    ended = _of_link(gone, said)
    return ended or "the other side took it back"


def of_group(gone: LinkClosed | None, said: Yeses) -> str:
    """Return why a group that this device asked talks to it no more."""
    ended = _of_link(gone, said)
    if not ended and gone is not None:
        known = {
            DOOR_SHUT: NOBODY_ASKED,
            DOOR_FULL: "too many stand at its door",
            REGROUPED: "it is in another group now",
        }
        ended = known.get(gone.reason, "")
    return ended or "the other side ended it"


def _of_link(gone: LinkClosed | None, said: Yeses) -> str:
    if gone is None:
        return RULES_BROKEN
    if not gone.clean:
        return BROKEN
    if gone.reason == TOO_SLOW:
        return of_silence(said)
    return {SAID_NO: NO_THERE, SWITCHED_OFF: ENDED_THERE}.get(gone.reason, "")
