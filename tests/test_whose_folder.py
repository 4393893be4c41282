"""A folder of another device: refused while its home is there, said when it is taken over."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from potluck.core.errors import Refused
from potluck.core.keys.identity import DeviceKey
from potluck.shells.state.home import KEY_NAME, AlreadyRunning, claim_folder
from potluck.shells.state.last_folder import remember_folder
from potluck.whose_folder import take_over, who_marked


def a_home(path: Path, number: int, *, shares: Path | None = None) -> str:
    path.mkdir()
    (path / KEY_NAME).write_bytes(bytes([number]) * 64)
    if shares is not None:
        remember_folder(str(path), str(shares))
    return str(path)


def mark(folder: Path, number: int, share: bytes = b"s" * 16) -> str:
    device = DeviceKey(bytes([number]) * 64).device
    ids = {"group": b"g" * 32, "device": device, "share": share}
    private = folder / ".potluck"
    private.mkdir(parents=True, exist_ok=True)
    (private / "marker").write_text(json.dumps({name: each.hex() for name, each in ids.items()}))
    return str(folder)


@pytest.fixture
def theirs(tmp_path: Path) -> str:
    """The home of a device that shared tmp_path/f, and has left."""
    home = a_home(tmp_path / "their home", 1, shares=tmp_path / "f")
    claim_folder(mark(tmp_path / "f", 1), home).release()
    return home


def seen(folder: Path) -> dict[str, bytes]:
    return {str(each): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_the_folder_of_a_device_that_only_does_not_run_is_refused_and_left_as_it_is(
    theirs: str, tmp_path: Path
) -> None:
    folder = tmp_path / "f"
    before = seen(folder)
    for mine in (str(tmp_path / "none yet"), a_home(tmp_path / "mine", 2)):
        with pytest.raises(Refused) as caught:
            take_over(str(folder), mine)
        assert caught.value.what == f"{folder} is the folder of another potluck."
        assert f"with the home {theirs}" in caught.value.cause
        steps = caught.value.fix.splitlines()
        assert steps[0].endswith(f": potluck --home '{theirs}' up {folder}")
        assert seen(folder) == before
    assert take_over(str(folder), theirs) == [], "it is its own"


def test_what_is_advised_for_a_device_that_is_not_wanted_any_more_leads_on(
    theirs: str, tmp_path: Path
) -> None:
    mine, folder = a_home(tmp_path / "mine", 2), str(tmp_path / "f")
    with pytest.raises(Refused) as caught:
        take_over(folder, mine)
    assert theirs in caught.value.cause
    assert os.system(caught.value.fix.splitlines()[-1]) == 0
    assert take_over(folder, mine) == []


@pytest.mark.parametrize("how", ["another device since", "no key that can be read"])
def test_a_home_that_shared_it_last_has_it_whatever_its_device_is(
    theirs: str, tmp_path: Path, how: str
) -> None:
    key = Path(theirs, KEY_NAME)
    key.write_bytes(bytes([3]) * 64 if how == "another device since" else b"")
    with pytest.raises(Refused, match="of another potluck"):
        take_over(str(tmp_path / "f"), str(tmp_path / "mine"))


def test_a_home_that_cannot_be_looked_at_is_taken_for_there(
    theirs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(Path, "stat", denied)
    with pytest.raises(Refused, match="of another potluck"):
        take_over(str(tmp_path / "f"), str(tmp_path / "mine"))


def test_while_it_runs_its_process_is_named(theirs: str, tmp_path: Path) -> None:
    held = claim_folder(str(tmp_path / "f"), theirs)
    with pytest.raises(AlreadyRunning):
        take_over(str(tmp_path / "f"), str(tmp_path / "mine"))
    held.release()


@pytest.mark.parametrize("text", ["", "{}", "no marker", '{"group": 1}'])
def test_a_marker_that_cannot_be_read_may_be_of_a_home_that_is_there(
    theirs: str, tmp_path: Path, text: str
) -> None:
    folder = tmp_path / "f"
    (folder / ".potluck" / "marker").write_text(text)
    with pytest.raises(Refused, match="of another potluck"):
        take_over(str(folder), str(tmp_path / "mine"))
    assert take_over(str(folder), theirs) == [], "it shared this last"
    shutil.rmtree(theirs)
    said = take_over(str(folder), a_home(tmp_path / "mine", 2))
    assert said[0] == f"! {folder} may have been the folder of another device."


LOCKS = ["of a home that is gone", "of an emptied one", "of another device by now"]


@pytest.mark.parametrize("lock", [*LOCKS, "of this home", "none", "without one"])
def test_after_a_machine_was_set_up_anew_it_is_taken_over_and_that_is_said(
    theirs: str, tmp_path: Path, lock: str
) -> None:
    mine, folder = a_home(tmp_path / "mine", 2), tmp_path / "f"
    path = folder / ".potluck" / "lock"
    why = "Which home that one had is not known."
    if lock == "of a home that is gone":
        shutil.rmtree(theirs)
        why = f"That one had the home {theirs}, which is not there now."
    elif lock == "of an emptied one":
        Path(theirs, KEY_NAME).unlink()
        why = f"That one had the home {theirs}, in which there is no device any more."
    elif lock == "of another device by now":
        shutil.rmtree(theirs)
        a_home(Path(theirs), 3, shares=tmp_path / "g")
        why = f"That one had the home {theirs}, which is another device by now."
    elif lock == "of this home":
        path.write_text(f"1\n{mine}\n")
        why = "That one had this home, as far as is known."
    elif lock == "none":
        path.unlink()
    else:
        path.write_text("1\n")
    before = seen(folder)
    assert take_over(str(folder), mine) == [
        f"! {folder} was the folder of another device.",
        "  It becomes that of this one now, with all that lies in it.",
        f"  {why}",
    ]
    assert seen(folder) == before


def test_where_the_disk_knows_no_locks_nobody_has_it(
    theirs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("potluck.whose_folder.fcntl.flock", none)
    shutil.rmtree(theirs)
    assert len(take_over(str(tmp_path / "f"), str(tmp_path / "mine"))) == 3


def test_a_device_that_shares_another_folder_takes_none_over(theirs: str, tmp_path: Path) -> None:
    shutil.rmtree(theirs)
    mine = a_home(tmp_path / "mine", 2, shares=tmp_path / "own")
    with pytest.raises(Refused) as caught:
        take_over(str(tmp_path / "f"), mine)
    assert caught.value.what == f"{tmp_path}/f is the folder of another device."
    assert f"potluck up {tmp_path}/own" in caught.value.fix


def test_of_the_last_folder_and_one_without_a_marker_nothing_is_said(
    theirs: str, tmp_path: Path
) -> None:
    mine = a_home(tmp_path / "mine", 2, shares=tmp_path / "f")
    shutil.rmtree(theirs)
    assert take_over(str(tmp_path / "f"), mine) == [], "its marker says that it is offline"
    (tmp_path / "g" / ".potluck").mkdir(parents=True)
    assert take_over(str(tmp_path / "g"), mine) == []


def test_the_last_folder_is_refused_while_the_home_that_marked_it_since_is_there(
    theirs: str, tmp_path: Path
) -> None:
    folder = str(tmp_path / "f")
    mine = a_home(tmp_path / "mine", 2, shares=tmp_path / "f")
    with pytest.raises(Refused) as caught:
        take_over(folder, mine)
    assert f"with the home {theirs}" in caught.value.cause
    steps = caught.value.fix.splitlines()
    assert steps[0].endswith(f": potluck --home '{theirs}' up {folder}")
    assert steps[-1].endswith(f": potluck up {folder} --repair")
    assert (
        who_marked(folder, mine)
        == f"Whoever marked it since has it no more; the home {theirs} had it last."
    )
    for key in (b"", bytes([3]) * 64):
        Path(theirs, KEY_NAME).write_bytes(key)
        assert take_over(folder, mine) == [], "its marker says what it is"
    claim_folder(folder, mine).release()
    assert who_marked(folder, mine) == "Whoever marked it since has it no more."


def test_a_former_folder_of_this_device_is_refused_while_the_one_that_it_has_is_there(
    tmp_path: Path,
) -> None:
    former, now = mark(tmp_path / "former", 2), mark(tmp_path / "now", 2, b"n" * 16)
    mine = a_home(tmp_path / "mine", 2, shares=tmp_path / "now")
    with pytest.raises(Refused) as caught:
        take_over(former, mine)
    assert caught.value.what == f"{former} is not the folder of this device any more."
    assert caught.value.fix.splitlines()[0].endswith(f": potluck up {now}")
    assert take_over(now, mine) == []
    moved = mark(tmp_path / "moved", 2, b"n" * 16)
    assert take_over(moved, mine) == [], "a copy of it, or it was moved"
    shutil.rmtree(now)
    assert take_over(former, mine) == [], "nobody knows which one it has"
