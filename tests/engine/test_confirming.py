"""Confirming: whose deletes are let go, and what is said where none are held."""

from __future__ import annotations

import pytest

from potluck.core.errors import NotFound
from potluck.engine.confirming import Confirming
from tests.engine.builders import group, node


class Holder:
    """Holds something, or nothing."""

    def __init__(self, follows: str | None) -> None:
        self.follows = follows

    def confirm(self) -> str | None:
        """Return what follows, once."""
        follows, self.follows = self.follows, None
        return follows


def confirming(follows: str | None) -> Confirming:
    """The part of device 1 of three."""
    here = node(1)
    here.roster = group(1, 2, 3)
    return Confirming(here, Holder(follows))


@pytest.mark.parametrize("name", ["", "d1"])
def test_the_own_deletes_are_let_go_without_a_name_and_by_the_own_one(name: str) -> None:
    part = confirming("30 files go.")
    assert repr(part) == "<Confirming on d1>"
    assert part.confirm(name) == "30 files go."
    with pytest.raises(NotFound) as error:
        part.confirm(name)
    assert error.value.what == "No deletes of d1 are held here."
    assert error.value.fix == "status"


def test_of_another_device_nothing_is_held() -> None:
    part = confirming("30 files go.")
    with pytest.raises(NotFound) as error:
        part.confirm("d2")
    assert error.value.what == "No deletes of d2 are held here."
    assert part.confirm("") == "30 files go.", "its own are another matter"


def test_a_name_that_nobody_has_is_refused() -> None:
    with pytest.raises(NotFound) as error:
        confirming("30 files go.").confirm("d9")
    assert error.value.what == "There is no device called d9 in the group."
    assert error.value.fix == "peers"
