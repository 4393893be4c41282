"""What `up` says when its daemon answers, and when it has ended."""

from __future__ import annotations

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


def test_the_last_words_say_why_it_ended() -> None:
    face = UpFace([], None)
    face.state({})
    face.told("joined", "hello", "info", "")
    assert face.last_words("/f") == ["potluck has left; your files stay in /f."]
    out = "this device was removed from “Home” by alder; its files stay here; to begin anew: up"
    face.told("removed", out, "warning", "")
    face.told("saved", "anything else", "info", "")
    first, last = face.last_words("/f")
    said = "this device was removed from “Home” by alder"
    assert first == f"potluck has ended: {said}. Your files stay in /f."
    assert last.startswith("  to begin anew, as a new device: ")
    assert last.endswith(" up")
