"""Shared place: below `Shared/` of a share, whatever links lead there."""

from __future__ import annotations

from pathlib import Path

import pytest

from potluck.core.errors import Refused
from potluck.shells.state.shared_place import check_no_part, is_shared_place


def test_what_lies_below_the_shared_folder_of_a_share_is_shared(tmp_path: Path) -> None:
    deep = tmp_path / "pot" / "Shared" / "me" / "deep"
    deep.mkdir(parents=True)
    (tmp_path / "link").symlink_to(deep)
    assert not is_shared_place(str(deep / "code")), "nothing is shared from there yet"
    (tmp_path / "pot" / ".potluck").mkdir()
    (tmp_path / "pot" / ".potluck" / "marker").write_bytes(b"")
    for place in (deep, tmp_path / "link", deep.parent.parent, deep / "not there"):
        assert is_shared_place(str(place / "code"))
    assert not is_shared_place(str(tmp_path / "pot" / "code"))
    assert not is_shared_place(str(tmp_path / "pot" / ".potluck" / "code"))


def test_a_part_of_a_share_is_no_folder_for_another_one(tmp_path: Path) -> None:
    part = tmp_path / "pot" / "Shared" / "me"
    part.mkdir(parents=True)
    check_no_part(str(part))
    (tmp_path / "pot" / ".potluck").mkdir()
    (tmp_path / "pot" / ".potluck" / "marker").write_bytes(b"")
    for folder in (part, part.parent, part / "not there"):
        with pytest.raises(Refused) as refused:
            check_no_part(str(folder))
        assert str(folder) in refused.value.what
        assert refused.value.fix == "choose another folder: potluck up FOLDER"
    check_no_part(str(tmp_path / "pot"))
    check_no_part(str(tmp_path / "another"))
