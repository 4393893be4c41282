"""What a person types for a file is that file, wherever the person is."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from potluck.core.errors import UsageError
from potluck.faces.cli.typed_paths import below_shared


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "F/Shared/ann/d").mkdir(parents=True)
    (tmp_path / "F/Shared/ann/d/x").touch()
    (tmp_path / "F/Shared/ann/link").symlink_to("nowhere")
    (tmp_path / "other").symlink_to(tmp_path / "F")
    return tmp_path / "F"


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        ("ann/d/x", "ann/d/x"),
        ("Shared/ann/d", "ann/d"),
        ("Shared", ""),
        ("Shared/", ""),
        (".", ""),
        ("ann/", "ann"),
        ("ann/gone", "ann/gone"),
        ("../up", "up"),
    ],
)
def test_elsewhere_a_path_is_as_the_listing_shows_it(
    folder: Path, typed: str, path: str, tmp_path: Path
) -> None:
    assert below_shared(typed, str(folder), tmp_path) == path


@pytest.mark.parametrize(
    ("at", "typed", "path"),
    [
        ("Shared/ann/d", "x", "ann/d/x"),
        ("Shared/ann/d", ".", "ann/d"),
        ("Shared/ann/d", "..", "ann"),
        ("Shared/ann", "link", "ann/link"),
        ("Shared", "ann", "ann"),
        ("Shared/ann/d", "ann/d/x", "ann/d/x"),  # not there by that name
        ("Shared/ann", "ben/gone", "ben/gone"),
        ("Shared/ann", "../..", ""),  # out of it, so as the listing shows it
    ],
)
def test_in_the_share_what_is_there_is_meant(folder: Path, at: str, typed: str, path: str) -> None:
    assert below_shared(typed, str(folder), folder / at) == path


def test_on_a_disk_that_fails_it_is_as_the_listing_shows_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_more: object) -> None:
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(os, "stat", fail)
    monkeypatch.setattr(os, "lstat", fail)
    assert below_shared("ann/d/x", str(folder), folder / "Shared/ann/d") == "ann/d/x"


def test_an_absolute_path_is_meant_by_every_name_of_the_share(folder: Path, tmp_path: Path) -> None:
    for top in (folder, tmp_path / "other"):
        for known in (folder, tmp_path / "other"):
            assert below_shared(str(top / "Shared/ann/d/x"), str(known), tmp_path) == "ann/d/x"
            assert below_shared(str(top / "Shared"), str(known), tmp_path) == ""
            assert below_shared(str(top / "Shared/ann/link"), str(known), tmp_path) == "ann/link"


@pytest.mark.parametrize("typed", ["/etc/passwd", "/"])
def test_what_is_elsewhere_is_not_in_the_share(folder: Path, typed: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not in the share") as error:
        below_shared(typed, str(folder), tmp_path)
    assert str(folder / "Shared") in error.value.cause
