"""Forgetting: whose folder goes, and by whose word."""

from __future__ import annotations

import pytest

from potluck.core.errors import NotFound, Refused, UsageError
from potluck.core.group.statements import Relabel, Remove, admit, sign_act, sign_removal
from potluck.core.keys.identity import short_id
from potluck.engine.group.forgetting import Forgetting
from tests.engine.builders import key
from tests.engine.group.test_membership import inside, of

ANNA = key(2).device


def forgetting(me: int = 1, *out: int) -> Forgetting:
    """The part of one of four devices, of which some were removed."""
    here, membership = inside(me, *[number for number in (1, 2, 3, 4) if number != me])
    roster = of(here)
    for number in out:
        said = Remove(roster.group, key(number).device, [], b"", None, b"", [])
        membership.add_records(sign_removal(key(1), said, roster.signed_by(key(number).device)))
    return Forgetting(here, membership)


def test_a_steward_has_the_folder_of_a_removed_device_forgotten() -> None:
    part = forgetting(1, 2)
    assert (part.knows("d2"), part.knows("d3"), part.knows("nobody")) == (True, False, False)
    assert part.frozen == {ANNA}
    text = f"The folder d2 ({short_id(ANNA)}) goes to the trash on every device that has it."
    assert part.forget("d2", preview=True) == text
    assert part.frozen == {ANNA}
    assert part.forget(short_id(ANNA).lower()) == text
    assert (part.is_steward, part.stewards) == (True, "d1")
    assert (part.frozen, repr(part)) == (set(), "<Forgetting: 1 forgotten>")
    with pytest.raises(NotFound):
        part.forget("d2")


def test_who_is_out_since_its_sponsor_was_removed_is_forgotten_like_others() -> None:
    here, membership = inside(1, 2, 3)
    roster, guest = of(here), key(4)
    let_in = admit(key(2), roster.group, guest.certificate, guest.sealing_public, "guest")
    said = Remove(roster.group, ANNA, [], b"", None, b"", [])
    membership.add_records([let_in])
    assert guest.device in roster.members
    membership.add_records(sign_removal(key(1), said, ()))
    assert guest.device in roster.former
    part = Forgetting(here, membership)
    assert part.knows("guest")
    assert (part.is_void(guest.device), part.is_void(ANNA)) == (True, False)
    assert part.meant("guest") == guest.device, "so it can be adopted"
    assert "goes to the trash on every device" in part.forget("guest")
    assert guest.device in roster.forgotten
    assert not part.knows("guest")


def test_who_is_no_steward_is_told_who_is() -> None:
    part = forgetting(1, 2)
    part._node.roster.standing.ranks.clear()  # type: ignore[union-attr]
    assert not part.is_steward
    with pytest.raises(Refused) as refused:
        part.forget("d2")
    assert refused.value.what.startswith("Only a steward can")


def test_of_a_member_nothing_is_forgotten() -> None:
    part = forgetting(1, 2)
    with pytest.raises(Refused) as refused:
        part.meant("d3")
    assert refused.value.fix.startswith("ls\n")
    assert "remove" not in refused.value.fix, "nobody asked for that"
    with pytest.raises(Refused) as refused:
        part.meant("d1")
    assert refused.value.what.endswith(" is this device."), "which does not remove itself"
    assert refused.value.fix == "ls"


def test_too_little_of_an_id_and_what_fits_several_is_not_guessed() -> None:
    part = forgetting(1, 2)
    with pytest.raises(NotFound):
        part.meant(short_id(ANNA)[:3])
    roster = of(part._node)
    word = Relabel(roster.group, key(3).device, short_id(ANNA)[:4], 1)
    part._membership.add_records([sign_act(key(3), word)])
    with pytest.raises(UsageError) as error:
        part.meant(short_id(ANNA)[:4].lower())
    assert f"d2 ({short_id(ANNA)})" in error.value.cause
    assert not part.knows(short_id(ANNA)[:4])


def test_what_the_roster_did_not_take_is_not_said_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    part = forgetting(1, 2)
    monkeypatch.setattr(part._membership, "add_records", lambda *_: None)
    with pytest.raises(Refused) as refused:
        part.forget("d2")
    assert refused.value.what == f"The folder d2 ({short_id(ANNA)}) stays."
    assert "no room" in refused.value.cause
    assert refused.value.fix == "on another steward: forget d2"
    assert part.frozen == {ANNA}
