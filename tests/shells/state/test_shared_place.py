"""Shared place: below `Shared/` of a share, whatever links lead there."""

from __future__ import annotations

from pathlib import Path

from potluck.shells.state.shared_place import is_shared_place


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
