"""The Protocols of the local API: what stands in for the program answers all of it."""

from __future__ import annotations

import inspect

from potluck.shells.api.api_source import AnswersOfPaths, ApiSource, ApiVersions
from potluck.shells.api.path_questions import PathQuestions
from potluck.shells.api.source import RunningSource
from potluck.shells.api.versions import TrashVersions


def test_the_program_has_every_call_with_the_same_parameters() -> None:
    pairs = [(ApiSource, RunningSource), (ApiVersions, TrashVersions)]
    for needed, made in [*pairs, (AnswersOfPaths, PathQuestions)]:
        for name, call in inspect.getmembers(needed, inspect.isfunction):
            if not name.startswith("_"):
                theirs = inspect.signature(getattr(made, name)).parameters
                assert list(theirs) == list(inspect.signature(call).parameters), name
