"""The bootstrap `pot.py`: what can be checked without fetching anything.

Strategy: the file is loaded as a module with its paths pointed at a temporary checkout; the set-up
itself is exercised whenever these tests run at all, since `python3 pot.py test` got them here.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "pot.py"


@pytest.fixture
def pot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("pot", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, path in {
        "ROOT": tmp_path,
        "VENV": tmp_path / ".venv",
        "PYTHON": tmp_path / ".venv" / "bin" / "python",
        "INCOMPLETE": tmp_path / ".venv" / "incomplete",
    }.items():
        monkeypatch.setattr(module, name, str(path))
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "runtime.lock").write_text("a==1\n", encoding="utf-8")
    return module


def make_environment(pot: ModuleType) -> None:
    python = Path(pot.PYTHON)
    python.parent.mkdir(parents=True)
    python.write_text("", encoding="utf-8")
    python.chmod(0o755)
    pot.write(pot.stamp_path("runtime"), pot.wanted_stamp("runtime"))


def test_it_parses_on_python_3_6() -> None:
    ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 6))


def test_it_stays_short() -> None:
    assert len(SOURCE.read_text(encoding="utf-8").splitlines()) <= 250


def test_an_environment_with_the_right_stamp_is_ready(pot: ModuleType) -> None:
    assert not pot.is_ready("runtime")
    make_environment(pot)
    assert pot.is_ready("runtime")


def test_another_lock_makes_it_stale(pot: ModuleType) -> None:
    make_environment(pot)
    Path(pot.ROOT, "requirements", "runtime.lock").write_text("a==2\n", encoding="utf-8")
    assert not pot.is_ready("runtime")


def test_another_python_makes_it_stale(pot: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    make_environment(pot)
    monkeypatch.setattr(sys, "version_info", (3, 99, 0))
    assert not pot.is_ready("runtime")


def test_an_interrupted_set_up_is_not_ready(pot: ModuleType) -> None:
    make_environment(pot)
    pot.write(pot.INCOMPLETE, "")
    assert not pot.is_ready("runtime")


def test_a_ready_environment_needs_neither_lock_file_nor_pip(pot: ModuleType) -> None:
    make_environment(pot)
    pot.prepare("runtime")
    assert not Path(pot.ROOT, ".pot.lock").exists()


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("[Errno 30] Read-only file system", "read-only"),
        ("[Errno 13] Permission denied", "belongs to somebody else"),
        ("ensurepip is not available", "without ensurepip"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "damaged download"),
        ("NewConnectionError … No matching distribution found", "No network"),
        ("No matching distribution found for a==1", "No ready-made wheel"),
        ("what is this", "Unknown"),
    ],
)
def test_failures_have_three_parts(
    pot: ModuleType, capsys: pytest.CaptureFixture[str], output: str, cause: str
) -> None:
    assert isinstance(pot.diagnose(output), SystemExit)
    said = capsys.readouterr().err
    assert cause.lower() in said.lower()
    assert "\n  why:  " in said
    assert "\n  next: " in said


def test_an_old_python_is_told_which_to_use(
    pot: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 6, 0))
    monkeypatch.setattr(pot.shutil, "which", lambda name: name if name == "python3.12" else None)
    with pytest.raises(SystemExit):
        pot.check_platform()
    said = capsys.readouterr().err
    assert "Python 3.6 is too old" in said
    assert "next: python3.12 pot.py" in said


def test_windows_is_pointed_to_wsl(
    pot: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pot.os, "name", "nt")
    with pytest.raises(SystemExit):
        pot.check_platform()
    monkeypatch.undo()
    assert "wsl --install" in capsys.readouterr().err


def test_python_without_ensurepip_is_told_the_package(
    pot: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(SystemExit):
        pot.install("runtime", 0)
    assert "apt install python3-venv" in capsys.readouterr().err
    assert not Path(pot.VENV).exists()
