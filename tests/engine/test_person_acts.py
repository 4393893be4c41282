"""Person acts: each bears the number of its one Reply first."""

from __future__ import annotations

import dataclasses
from typing import get_args

import pytest

from potluck.engine.person_acts import PersonAct


@pytest.mark.parametrize("kind", get_args(PersonAct))
def test_an_act_is_frozen_and_bears_the_number_of_its_reply(kind: type) -> None:
    assert dataclasses.fields(kind)[0].name == "command"
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined] # the library's own
    assert kind.__doc__
