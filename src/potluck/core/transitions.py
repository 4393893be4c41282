"""Transitions: how every state machine of the program takes a step.

Strategy: a state machine is an Enum of its states, an Enum of what can happen to it, and one
literal table {(state, input): next state} below the essay of its module. `follow` is the only way
from one state to the next, so the table is the whole truth, tests can draw every pair, and
docs/state-machines.md is drawn from the tables. Guarantee: what a table does not name raises
ProtocolError and changes nothing. Limits: what is *done* on the way stands in the machine's code.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from potluck.core.errors import ProtocolError

S = TypeVar("S", bound=Enum)  # a state
N = TypeVar("N", bound=Enum)  # what happened


def follow(table: Mapping[tuple[S, N], S], state: S, happened: N) -> S:
    """Return the state after `happened`; raises ProtocolError if it may not come in `state`."""
    try:
        return table[state, happened]
    except KeyError:
        raise ProtocolError(f"{happened.name} may not come while {state.name}") from None
