"""What `up` says when its daemon answers, and when it has ended."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest  # noqa: TC002 - its fixtures are read at run time

from potluck.faces.cli.up_face import UpFace


def test_the_open_door_is_said_before_anything_starts(capsys: pytest.CaptureFixture[str]) -> None:
    started = list[str]()
    face = UpFace([lambda: started.append(capsys.readouterr().out)], 60.0)
    face.started({})
    assert started[0].startswith("OPEN")
    UpFace([lambda: started.append(capsys.readouterr().out)], None).started({})
    assert started[1] == ""
    assert repr(face) == "UpFace(1 to start)"


def test_the_last_words_say_why_it_ended(tmp_path: Path) -> None:
    (tmp_path / ".potluck").mkdir()
    face = UpFace([], None)
    face.state({})
    face.told("joined", "hello", "info", "")
    assert face.last_words(str(tmp_path)) == [f"potluck has left; your files stay in {tmp_path}."]
    out = "this device was removed from “Home” by alder; its files stay here; to begin anew: up"
    face.told("removed", out, "warning", "")
    face.told("saved", "anything else", "info", "")
    first, last = face.last_words(str(tmp_path))
    said = "this device was removed from “Home” by alder"
    assert first == f"potluck has ended: {said}. Your files stay in {tmp_path}."
    assert last.startswith("  to begin anew, as a new device: ")
    assert last.endswith(" up")


def test_of_a_folder_that_is_not_there_nothing_else_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, face = tmp_path / "f", UpFace([], None)
    assert face.last_words(str(folder)) == [f"potluck has left; {folder} is not there."]
    folder.mkdir()
    empty = f"potluck has left; {folder} has nothing of potluck in it."
    assert face.last_words(str(folder)) == [empty]
    face.told("removed", "this device was removed; its files stay here", "warning", "")
    said = f"potluck has ended: this device was removed. {folder} has nothing of potluck in it."
    assert face.last_words(str(folder))[0] == said
    face, goes_on = UpFace([], None), threading.Event()

    def fails(_path: str) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "lstat", fails)
    failing = f"potluck has left; {folder} cannot be read (Input/output error)."
    assert face.last_words(str(folder)) == [failing]
    monkeypatch.setattr(os, "lstat", lambda _path: goes_on.wait(60))
    monkeypatch.setattr("potluck.faces.cli.up_face._LOOK_S", 0.01)
    assert face.last_words(str(folder)) == [f"potluck has left; {folder} does not answer."]
    goes_on.set()
