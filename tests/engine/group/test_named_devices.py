"""Named devices: what may be typed for a device, and what is too little."""

from __future__ import annotations

import pytest

from potluck.core.errors import Refused, UsageError
from potluck.core.group.statements import Appoint, sign_act
from potluck.core.keys.identity import short_id
from potluck.engine.group.named_devices import (
    ID_CHARACTERS_MIN,
    NO_STEWARD,
    PEERS,
    called,
    fitting,
    members_fitting,
    need_steward,
    the_one,
)
from potluck.engine.node import stewards_in
from tests.engine.builders import group, key, node

ANNA, BERT = key(2).device, key(3).device
NAMED = {ANNA: ("anna", "Anna of old"), BERT: ("Bert",)}


def test_a_whole_label_is_a_name_in_any_case_and_a_part_of_it_is_none() -> None:
    for name in ("anna", "ANNA", "anna of OLD"):
        assert fitting(name, NAMED) == [ANNA]
    for name in ("", "a", "ann", "nobody"):
        assert fitting(name, NAMED) == []
    assert fitting("bert", NAMED | {ANNA: ("bert",)}) == [ANNA], "as it stands comes first"
    assert fitting("BERT", NAMED | {ANNA: ("bert",)}) == [ANNA, BERT]


def test_of_an_id_four_characters_are_a_name_and_three_are_none() -> None:
    shown = short_id(BERT)
    for size in range(ID_CHARACTERS_MIN):
        assert fitting(shown[:size], NAMED) == []
    for name in (shown[:4], shown[:4].lower(), shown[:5], shown, shown.replace("-", "").lower()):
        assert fitting(name, NAMED) == [BERT]
    assert fitting(shown + "0", NAMED) == []


def test_a_label_like_the_id_of_another_is_the_name_of_neither_alone() -> None:
    shown = short_id(BERT)
    assert fitting(shown, NAMED | {ANNA: (shown,)}) == [ANNA, BERT]
    assert fitting(shown, NAMED | {BERT: (shown,)}) == [BERT]
    assert called("anna", ANNA) == f"anna ({short_id(ANNA)})"


def test_the_one_that_a_name_fits_is_meant_and_of_several_none() -> None:
    labels = {ANNA: "anna", BERT: "bert"}
    assert the_one("a", [ANNA], labels.__getitem__) == ANNA
    assert the_one("a", [], labels.__getitem__) is None
    with pytest.raises(UsageError) as refused:
        the_one("a b", [BERT, ANNA], labels.__getitem__)
    assert (refused.value.what, refused.value.fix) == ("“a b” fits several devices.", PEERS)
    assert refused.value.cause == f"it may be anna ({short_id(ANNA)}) and bert ({short_id(BERT)})"


def test_members_are_meant_by_the_labels_they_have() -> None:
    here = node(1)
    assert members_fitting(here, "d2") == []
    here.roster = group(1, 2)
    assert members_fitting(here, "D2") == [ANNA]


def test_a_steward_is_who_was_appointed_and_is_a_member() -> None:
    here = node(2)
    assert stewards_in(here) == []
    with pytest.raises(Refused) as refused:
        need_steward(here, "Only a steward can do that.")
    assert (refused.value.cause, refused.value.fix) == (NO_STEWARD, "leave")
    here.roster = roster = group(1, 2)
    stranger = sign_act(key(1), Appoint(roster.group, key(3).certificate))
    roster.add([stranger])
    assert stewards_in(here) == [key(1).device], "who was appointed and let in by nobody is none"
    with pytest.raises(Refused) as refused:
        need_steward(here, "Only a steward can do that.")
    assert refused.value.what == "Only a steward can do that."
    assert refused.value.cause == "this device is none; steward is d1"
    assert refused.value.fix == "ask there for it"
    here.withheld.begin(key(1).device, 1)
    with pytest.raises(Refused, match="the others follow neither of them") as refused:
        need_steward(here, "Only a steward can do that.")
    assert "on the one that is to be d1, if there is one: clone keep-here" in refused.value.fix
    here.withheld.end(key(1).device)
    roster.add([sign_act(key(1), Appoint(roster.group, key(2).certificate))])
    need_steward(here, "Only a steward can do that.")
