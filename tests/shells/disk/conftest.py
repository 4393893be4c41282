"""A share with an own folder, for whatever works on one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from potluck.shells.disk.fsops import Share


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Share]:
    with Share(str(tmp_path)) as opened:
        (tmp_path / "Shared/me").mkdir()
        yield opened


@pytest.fixture
def own(share: Share) -> Path:
    return Path(share.folder) / "Shared/me"
