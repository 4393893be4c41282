"""What the watcher of a share says."""

from __future__ import annotations

import pytest

from tests.shells.disk.watching.hints import Hints


@pytest.fixture
def hints() -> Hints:
    return Hints()
