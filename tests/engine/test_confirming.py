"""Confirming: whose deletes are let go, and what is said where none are held."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import Amount, ManifestName
from potluck.core.errors import NotFound
from potluck.core.keys.identity import DeviceId, short_id
from potluck.engine.confirming import Confirming
from tests.engine.builders import group, key, node


class Holder:
    """Holds something, or nothing."""

    def __init__(self, follows: str | None) -> None:
        self.follows = follows

    def confirm(self, path: bytes = b"") -> str | None:
        """Return what follows, once; nothing is held at c."""
        if path == b"c":
            return None
        follows, self.follows = self.follows, None
        return follows


class Losses:
    """Holds something of devices 2 and 4, of whom 4 is no member."""

    @property
    def owners(self) -> list[DeviceId]:
        """Of whom."""
        return [key(2).device, key(4).device]

    def confirm(self, device: DeviceId) -> str | None:
        """Return what follows."""
        return f"what {short_id(device)} lost goes." if device in self.owners else None


class Left:
    """Holds what device 3 came back without: a, and nothing else."""

    def amount(self, name: ManifestName) -> Amount:
        """Return how much."""
        return Amount(int(name.owner == key(3).device), 0, 0)

    def let_go(self, name: ManifestName, path: bytes = b"") -> str | None:
        """Return what follows."""
        held = name.owner == key(3).device and path in {b"", b"a"}
        return f"what d3 lacks at {path.decode()!r} goes." if held else None


def confirming(follows: str | None) -> Confirming:
    """The part of device 1 of three."""
    here = node(1)
    here.roster = group(1, 2, 3)
    return Confirming(here, Holder(follows), Losses(), Left())


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
        part.confirm("d3")
    assert error.value.what == "No deletes of d3 are held here."
    assert error.value.fix == "confirm d3/", "what it came back without is another matter"
    assert part.confirm("") == "30 files go.", "its own are another matter"


def test_what_others_lost_is_let_go_also_of_one_who_was_removed() -> None:
    part = confirming(None)
    assert part.confirm("d2") == f"what {short_id(key(2).device)} lost goes."
    removed = short_id(key(4).device)
    assert part.confirm(removed) == f"what {removed} lost goes."


def test_a_name_that_nobody_has_is_refused() -> None:
    with pytest.raises(NotFound) as error:
        confirming("30 files go.").confirm("d9")
    assert error.value.what == "There is no device called d9 in the group."
    assert error.value.fix == "peers"


def test_a_path_of_the_own_folder_lets_go_what_is_held_there() -> None:
    assert confirming("1 file goes.").confirm("d1/a/b") == "1 file goes."
    for name in ("d1/c", "d3/b", "d1/../a", "d9/a", "d1/"):
        with pytest.raises(NotFound) as error:
            confirming("1 file goes.").confirm(name)
        assert error.value.what == f"Nothing at {name} is held here."


def test_who_confirms_deletes_is_told_what_is_another_matter() -> None:
    here = node(1)
    here.roster = group(1, 2, 3)

    class Both(Left):
        def amount(self, name: ManifestName) -> Amount:
            return Amount(2, 0, 5)

    part = Confirming(here, Holder(None), Losses(), Both())
    assert part.confirm("d2").endswith(
        " lost goes. What d2 came back without, 2 files (5 B), stays here; if nobody needs it,"
        " type: confirm d2/"
    )


def test_a_path_of_another_device_lets_go_what_that_came_back_without() -> None:
    part = confirming(None)
    assert part.confirm("d3/") == "what d3 lacks at '' goes."
    assert part.confirm("d3/a") == "what d3 lacks at 'a' goes."
    for name in ("d3/b", "d9/"):
        with pytest.raises(NotFound) as error:
            part.confirm(name)
        assert error.value.what == f"Nothing at {name} is held here."
    for name in ("d2/", "d2/x/y"):
        with pytest.raises(NotFound) as error:
            part.confirm(name)
        assert error.value.what == f"Nothing at {name} is let go by its path."
        assert error.value.fix == "confirm d2"
