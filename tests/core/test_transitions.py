"""Transitions: a table is the whole truth."""

from __future__ import annotations

from enum import Enum, auto

import pytest

from potluck.core.errors import ProtocolError
from potluck.core.transitions import follow


class Lamp(Enum):
    DARK = auto()
    LIT = auto()


class Press(Enum):
    ON = auto()
    OFF = auto()


TABLE: dict[tuple[Lamp, Press], Lamp] = {
    (Lamp.DARK, Press.ON): Lamp.LIT,
    (Lamp.LIT, Press.OFF): Lamp.DARK,
}


def test_what_the_table_names_is_the_next_state() -> None:
    assert follow(TABLE, Lamp.DARK, Press.ON) is Lamp.LIT
    assert follow(TABLE, Lamp.LIT, Press.OFF) is Lamp.DARK


def test_what_the_table_does_not_name_may_not_come() -> None:
    with pytest.raises(ProtocolError, match="ON may not come while LIT"):
        follow(TABLE, Lamp.LIT, Press.ON)
