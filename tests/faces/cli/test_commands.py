"""Each command of the table is where the table says it is."""

from __future__ import annotations

import importlib

import click
import pytest

from potluck.faces.cli.commands import COMMANDS, EVERYDAY


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_where_the_table_says(name: str) -> None:
    module, function, purpose = COMMANDS[name]
    found = getattr(importlib.import_module(f"potluck.faces.cli.{module}"), function)
    assert isinstance(found, click.Command)
    assert purpose


def test_what_is_needed_every_day_is_a_command() -> None:
    assert set(EVERYDAY) <= COMMANDS.keys()
