"""The command `wait`: it asks first, is never early, and says what it waits for when it gives up.

Strategy: the command line against a source whose answers a test decides; sentences as functions.
"""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from potluck.core.errors import TimedOut, TwoMachines
from potluck.faces.cli.client import CALL_S
from potluck.faces.cli.main import run_command
from potluck.faces.cli.waiting import (
    Patience,
    check_single,
    holds_all,
    summary,
    undelivered,
    unreached,
    unsynced,
)
from tests.faces import fakes
from tests.faces.fakes import (
    ME,
    OTHER,
    FakeSource,
    alone,
    asked,
    device,
    request,
    running,
    state,
    trouble,
)
from tests.fair_time import FairTime

SILENCE = TimedOut("potluck runs but does not answer.", "it is busy", "try again in a moment")


def head(owner: str = ME, seq: int = 3, generation: int = 1) -> dict[str, Any]:
    return {"owner": owner, "folder": "own", "generation": generation, "seq": seq}


def keeper(*kept: dict[str, Any], label: str = "laptop", online: bool = True) -> dict[str, Any]:
    return {"id": OTHER, "label": label, "online": online, "kept": list(kept)}


def kept(seq: int = 3, missing: int = 0, **other: Any) -> dict[str, Any]:
    return {"head": head(seq=seq, **other), "missing": missing}


def wait(home: Path, *words: str) -> int:
    return run_command(["--home", str(home), "wait", *words])


# -- sentences -------------------------------------------------------------------------------------
def test_only_who_said_so_of_this_head_or_a_newer_one_has_it() -> None:
    goals = [head(), head(OTHER)]
    assert holds_all(keeper(kept()), goals), "its own folder it has"
    assert holds_all(keeper(kept(), kept(owner=OTHER)), goals)
    assert not holds_all(keeper(kept(), kept(owner=OTHER, missing=1)), goals), "but by its word"
    assert holds_all(keeper(kept(seq=4)), goals)
    assert holds_all(keeper(kept(seq=0, generation=2)), goals)
    assert not holds_all(keeper(kept(seq=2)), goals)
    assert not holds_all(keeper(kept(missing=1)), goals)
    assert not holds_all(keeper(), goals)
    assert not holds_all(keeper(kept(), online=False), goals)


def test_who_is_late_is_named() -> None:
    late = {"heads": [], "devices": [keeper(), keeper(label="nas", online=False)]}
    assert undelivered(late, [head()], ()) == (
        "not yet known to be whole on laptop and nas (away); who is enough can be named with --to"
    )
    assert undelivered(late, [head()], ["nas"]) == "not yet known to be whole on nas (away)"
    assert undelivered(late, [], ["laptop"]) == ""


def test_why_it_is_not_synced_is_said() -> None:
    assert unsynced(state(synced=True)) == ""
    assert unsynced(state(synced=False, state="busy", reason="reading")) == "busy: reading"
    assert unsynced(state(synced=False, state="in_sync", reason=None)) == "in sync"


def unlinked(*labels: str, **kinds: Any) -> str:
    """What is said when nas has no link, with this state."""
    keepers = {"heads": [], "devices": [keeper(), keeper(label="nas", online=False) | {"id": "N"}]}
    return unreached(state(**kinds), keepers, labels)


def test_who_is_there_without_a_link_cannot_be_asked() -> None:
    me, laptop = state()["devices"]
    nas = device("nas", id="N", online=False)
    assert unlinked() == unlinked(devices=[me, laptop, nas]) == "", "it is away"
    there = [me, laptop, nas | {"online": True}]
    assert unlinked(devices=there) == "nas cannot be reached, so it is not known what is there"
    assert unlinked("laptop", devices=there) == "", "nobody waits for it"
    assert unlinked("nas", devices=there)
    link = trouble("nas", kind="link", reason="a cable is out")
    assert unlinked(devices=[me, laptop, nas], troubles=[trouble("nas"), link]) == (
        "nas cannot be reached, so it is not known what is there (a cable is out)"
    )
    assert unlinked(troubles=[trouble("laptop", kind="link")]) == "", "it has a link by now"


# -- the command -----------------------------------------------------------------------------------
def test_everybody_is_asked_before_anything_is_believed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path, FakeSource()) as source:
        source.flushed = [{"ok": False, "text": "laptop"}]
        assert wait(tmp_path) == 0
    assert [one for one in source.asked if one != "keepers"] == ["flush", "flush"]
    assert source.waited_s[0] < source.waited_s[1], "it takes its own question up"
    assert source.freshness[-1], "an old snapshot may say what was true a moment ago"
    assert capsys.readouterr().out == "2 devices, 14 files: in sync.\n"


def test_a_silent_device_is_named_when_time_is_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path, FakeSource()) as source:
        source.flushed = [{"ok": False, "text": "laptop"}] * 99
        assert wait(tmp_path, "--timeout", "0.3") == 6
    assert "no word yet of what is in the folder of laptop" in capsys.readouterr().err


def test_what_is_not_here_is_said_when_time_is_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path, FakeSource()) as source:
        source.current = state(synced=False, state="receiving", reason="1 file to come from laptop")
        assert wait(tmp_path, "--synced", "--timeout", "0.2") == 6
    assert "receiving: 1 file to come from laptop" in capsys.readouterr().err
    assert unsynced(state(synced=False, state="waiting", reason="waiting for nas: a.txt")) == (
        "waiting for nas: a.txt"
    )


def test_delivered_is_asked_of_the_heads_held_when_it_was_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path, FakeSource()) as source:
        source.kept = {"heads": [head()], "devices": [keeper(kept())]}
        assert wait(tmp_path, "--delivered") == 0
        assert source.asked == ["keepers", "flush", "keepers", "keepers", "keepers"]
        source.kept = {"heads": [head(seq=9)], "devices": [keeper(kept())]}
        assert wait(tmp_path, "--to", "laptop", "--timeout", "0.3") == 6
    said = capsys.readouterr()
    assert said.out == "2 devices, 14 files: delivered.\n"
    assert "Not known after 0.3 s whether " in said.err
    assert "not yet known to be whole on laptop" in said.err


def test_who_has_it_is_named_if_not_everybody_was_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path, FakeSource()) as source:
        source.kept = {"heads": [head()], "devices": [keeper(kept())]}
        assert wait(tmp_path, "--to", "laptop") == 0
    assert capsys.readouterr().out == "14 files: delivered to laptop.\n"


def test_what_is_mine_and_not_shared_is_not_said_to_be_delivered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path, FakeSource()) as source:
        source.kept = {"heads": [head()], "devices": [keeper(kept())]}
        others = trouble("laptop/film", kind="blocked")
        source.current = state(troubles=[trouble("kitchen-pc/s.txt"), others], trouble_count=2)
        assert wait(tmp_path, "--delivered") == 0
    assert capsys.readouterr().out == (
        "2 devices, 14 files: delivered.\n"
        "Not shared as it is now, so not delivered: kitchen-pc/s.txt (permission denied).\n"
    )


TWICE = trouble("bert", kind="clone", reason="it runs twice", command="")


@pytest.mark.parametrize("words", [(), ("--delivered",), ("--synced", "--timeout", "60")])
def test_for_whom_two_machines_speak_nobody_knows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    source = FakeSource()
    source.current = state(synced=False, troubles=[TWICE])
    with running(tmp_path, source):
        assert wait(tmp_path, *words) == 11
    said = capsys.readouterr().err
    assert "Nobody can say what is in the folder of bert." in said
    assert "it runs twice" in said


def test_two_machines_that_are_seen_at_the_end_are_told_too() -> None:
    with pytest.raises(TwoMachines):
        check_single(state(troubles=[TWICE]))
    check_single(state(troubles=[trouble("bert/x", kind="refused")]))


def test_a_device_that_is_none_is_an_error_with_a_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path, FakeSource()):
        assert wait(tmp_path, "--to", "lapto") == 7
        assert wait(tmp_path, "--to", "kitchen-pc") == 7
    said = capsys.readouterr().err
    assert "There is no other device “lapto”." in said
    assert "did you mean laptop?" in said
    assert "the others are: laptop" in said


def test_peers_are_counted_without_asking_anybody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path, FakeSource()) as source:
        assert wait(tmp_path, "--peers", "1") == 0
        assert source.asked == []
        away = device(online=False)
        source.current = state(devices=[state()["devices"][0], away])
        assert wait(tmp_path, "--peers", "1", "--timeout", "0.2") == 6
        assert "0 other devices online, 1 wanted." in capsys.readouterr().err
        source.current = asked(request(), devices=[state()["devices"][0], away])
        assert wait(tmp_path, "--peers", "1", "--timeout", "0.2") == 6
    said = capsys.readouterr().err
    assert "1 wanted; bert asks to join, which somebody has to answer (" in said
    assert "pending)." in said


def test_who_has_to_be_online_is_so_at_the_end_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path, FakeSource()) as source:

        def cable_out(*_: object) -> dict[str, Any]:
            source.current = state(devices=[state()["devices"][0], device(online=False)])
            return {"ok": True, "text": ""}

        monkeypatch.setattr(source, "flush", cable_out)
        assert wait(tmp_path, "--synced", "--peers", "1", "--timeout", "0.5") == 6
    assert "0 other devices online, 1 wanted" in capsys.readouterr().err


def test_json_has_the_state_of_that_moment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path, FakeSource()) as source:
        source.current = state(state="trouble", reason="x: y")
        assert wait(tmp_path, "--json") == 0
        assert wait(tmp_path) == 0
    first, _, rest = capsys.readouterr().out.partition("\n")
    assert json.loads(first)["data"]["state"] == "trouble"
    assert rest == "2 devices, 14 files: trouble (x: y).\n"


def test_to_nobody_nothing_is_delivered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running(tmp_path, FakeSource()) as source:
        source.current = alone()
        assert wait(tmp_path, "--delivered") == 7
    said = capsys.readouterr()
    assert said.out == ""
    assert "There is no other device to deliver to." in said.err


def test_only_what_is_here_is_said_to_be_delivered() -> None:
    me, laptop = state()["devices"]
    some = state(devices=[me | {"have_files": 12}, laptop])
    assert summary(some, delivered=True, to=["laptop"])[0] == (
        "12 files that are here: delivered to laptop."
    )
    assert summary(some, delivered=True)[0] == "2 devices, 12 files that are here: delivered."


def test_whose_share_is_offline_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    me, laptop = state()["devices"]
    with running(tmp_path, FakeSource()) as source:
        source.current = state(devices=[me, laptop | {"offline": True}])
        assert wait(tmp_path, "--synced") == 0
    assert capsys.readouterr().out.splitlines() == [
        "2 devices, 14 files: in sync.",
        "Lacking all that it shares, so it is not known what is new there: laptop.",
    ]


def test_nothing_is_true_of_all_while_one_cannot_be_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path, FakeSource()) as source:
        source.kept = {"heads": [], "devices": [keeper(online=False)]}
        for words in ((), ("--synced",), ("--delivered",), ("--to", "laptop")):
            assert wait(tmp_path, *words, "--timeout", "0.2") == 6
            assert "laptop cannot be reached" in capsys.readouterr().err
        assert "flush" not in source.asked
        source.current = state(devices=[state()["devices"][0], device(online=False)])
        assert wait(tmp_path, "--timeout", "5") == 0
    assert capsys.readouterr().out.splitlines() == [
        "2 devices, 14 files: in sync.",
        "Away, so it is not known what is new there: laptop.",
    ]


def test_who_is_lost_while_it_is_asked_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(tmp_path, FakeSource()) as source:
        lost = {"heads": [], "devices": [keeper(online=False)]}
        whole = {"heads": [], "devices": [keeper()]}
        monkeypatch.setattr(source, "keepers", iter([whole, lost, lost, whole, whole]).__next__)
        assert wait(tmp_path, "--timeout", "20") == 0
    assert source.asked == ["flush", "flush"]


@pytest.mark.parametrize("words", [["--peers", "1"], ["--synced"], ["--delivered"]])
def test_an_old_snapshot_makes_nothing_true(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
) -> None:
    with running(tmp_path, FakeSource()) as source:
        source.kept = {"heads": [head()], "devices": [keeper(kept())]}
        source.current = state(age_s=7.0)
        assert wait(tmp_path, *words, "--timeout", "0.2") == 6
        assert "in the middle of something long" in capsys.readouterr().err
        later = iter([state(age_s=7.0), *[state()] * 9])
        monkeypatch.setattr(source, "state", lambda **_: next(later))
        assert wait(tmp_path, *words, "--timeout", "20") == 0, "it goes on when potluck does"


@pytest.mark.parametrize(
    ("words", "wish"),
    [
        ((), "everything is here"),
        (("--peers", "1"), "1 other device is online"),
        (("--delivered", "--peers", "3"),
         "what is here is whole on every other device and 3 other devices are online"),
        (("--synced", "--to", "nas"), "everything is here and what is here is whole on nas"),
    ],
)  # fmt: skip
def test_a_potluck_that_hangs_takes_no_longer_than_there_is_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], wish: str
) -> None:
    with socket.socket(socket.AF_UNIX) as silent, FairTime() as clock:
        silent.bind(str(tmp_path / "control.sock"))
        silent.listen()
        assert wait(tmp_path, *words, "--timeout", "0.2") == 6
    assert clock.spent() < CALL_S / 3
    said = " ".join(capsys.readouterr().err.split())
    assert f"Not known after 0.2 s whether {wish}: potluck runs but does not answer." in said


@pytest.mark.parametrize("words", [["--synced"], ["--delivered"], ["--synced", "--timeout", "60"]])
def test_a_potluck_that_is_silent_for_a_while_is_asked_again(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
) -> None:
    """After nine seconds of silence it once gave up, however much time was left."""
    with running(tmp_path, FakeSource()) as source:
        source.kept = {"heads": [head()], "devices": [keeper(kept())]}
        for name in ("state", "keepers", "flush"):
            real, silences = getattr(source, name), [True, True]

            def now_and_then(
                *told: Any, real: Any = real, silences: list[bool] = silences, **more: Any
            ) -> Any:
                if silences and silences.pop():
                    raise SILENCE
                return real(*told, **more)

            monkeypatch.setattr(source, name, now_and_then)
        assert wait(tmp_path, *words) == 0
    assert "14 files: " in capsys.readouterr().out


def test_a_potluck_that_ends_after_a_silence_is_not_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = list[int]()
    waiting = threading.Thread(target=lambda: code.append(wait(tmp_path, "--delivered")))
    with running(tmp_path, FakeSource()) as source:
        source.failure = SILENCE
        waiting.start()
        fakes.wait_for(lambda: len(source.freshness) > 1)
        assert not code
    with FairTime() as clock:
        waiting.join(CALL_S)
    assert code == [3]
    assert clock.spent() < CALL_S / 3
    said = " ".join(capsys.readouterr().err.split())
    whole = "what is here is whole on every other device"
    assert said.startswith(f"potluck: potluck ended before it was known whether {whole}.")


def test_who_was_never_there_has_not_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wait(tmp_path) == 3
    assert "No potluck is running here." in capsys.readouterr().err


def test_what_nobody_can_say_is_not_said_to_be_untrue(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = "Not known after 0.2 s whether everything is here: "
    with running(tmp_path, FakeSource()) as source:
        source.current = state(age_s=7.0)
        assert wait(tmp_path, "--timeout", "0.2") == 6
        assert unknown + "potluck is in the middle" in capsys.readouterr().err
        source.current, source.flushed = state(), [{"ok": False, "text": "laptop"}] * 99
        assert wait(tmp_path, "--timeout", "0.2") == 6
        assert unknown + "no word yet of what is in" in capsys.readouterr().err
        source.kept = {"heads": [], "devices": [keeper(online=False)]}
        assert wait(tmp_path, "--timeout", "0.2") == 6
        assert unknown + "laptop cannot be reached" in capsys.readouterr().err


def test_at_a_terminal_it_says_what_it_waits_for_and_when_that_changes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("time.sleep", lambda _: None)
    patience = Patience(None)
    patience.spend("a script is not told")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    for now[0], missing in enumerate(
        ("3 files (2.0 MB) to come", "2 files (900 KB) to come", "reading", "reading", "2 to come")
    ):
        patience.spend(missing)
    assert capsys.readouterr().err.splitlines() == [
        "waiting: 3 files (2.0 MB) to come",
        "waiting: reading",
        "waiting: 2 to come",
    ]


def test_who_skips_some_is_never_whole_and_that_is_said() -> None:
    skips = kept(missing=2) | {"skipped": 2}
    assert not holds_all(keeper(skips), [head()])
    late = {"heads": [], "devices": [keeper(skips)]}
    assert undelivered(late, [head()], ()) == (
        "not yet known to be whole on laptop (skips 2 paths, not fetched there)"
    )


def test_who_has_no_room_for_some_is_told_from_who_is_only_late() -> None:
    short = kept(missing=3) | {"no_room_files": 3, "no_room_bytes": 1_200_000_000}

    def said(**changes: Any) -> str:
        late = {"heads": [], "devices": [keeper(short | changes), keeper(label="nas")]}
        return undelivered(late, [head()], ())

    laptop = "not yet known to be whole on laptop"
    assert said() == f"{laptop} (no room there for 3 files (1.2 GB)) and nas"
    assert said(skipped=1) == (
        f"{laptop} (skips 1 path, not fetched there; no room there for 3 files (1.2 GB)) and nas"
    )
    away = {"heads": [], "devices": [keeper(short) | {"online": False}]}
    assert undelivered(away, [head()], ("laptop",)) == f"{laptop} (away)"


def test_who_keeps_something_as_it_was_is_late_for_that() -> None:
    late = keeper(kept(seq=2)) | {"held_files": 30, "held_bytes": 3000}
    laptop = "not yet known to be whole on laptop"

    def said(**changes: Any) -> str:
        return undelivered({"heads": [], "devices": [late | changes]}, [head()], ("laptop",))

    assert said() == (
        f"{laptop} (keeps 30 files (3.0 KB) as before, until that is confirmed there)"
    )
    assert said(online=False) == f"{laptop} (away)"
