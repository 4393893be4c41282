"""The schema: every key has a default that its own type accepts."""

from __future__ import annotations

import msgspec
import pytest

from potluck.config.sections import IN_USE, SECTIONS


@pytest.mark.parametrize("section", SECTIONS)
def test_every_default_is_what_its_own_type_accepts(section: str) -> None:
    struct = SECTIONS[section]
    defaults = msgspec.to_builtins(struct())
    assert msgspec.convert(defaults, struct) == struct()


def test_the_keys_in_use_are_keys() -> None:
    keys = {
        f"{name}.{key}" for name, struct in SECTIONS.items() for key in struct.__struct_fields__
    }
    assert keys >= IN_USE
