"""The flight recorder: what is kept, how it is bounded, what a file of it says, who may read it.

Strategy: calls are made by hand; that a loop notes them is tested with the loop, that a trace can
be replayed with engine/recording.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from potluck.core import limits
from potluck.core.content.paths import parse_wire_path
from potluck.core.wire.catalogue import Address
from potluck.engine.effects import Effect, Look, Reply, Transmit
from potluck.engine.events import DatagramHeard, Event, OrderId, PathsTouched, RescanAsked
from potluck.engine.recording import Call, Moment
from potluck.shells.loop.recorder import VALUE_BYTES, Recorder, weight_bytes
from potluck.shells.loop.redaction import SALT_BYTES

SECRET = "s3cret"
PATH = parse_wire_path(f"Shared/{SECRET}/letter.txt".encode())


def call(now: float, told: Event | Moment, *wanted: Effect) -> Call:
    return Call(now, told, wanted)


def recorder(folder: Path, **bounds: int) -> Recorder:
    return Recorder(str(folder), b"s" * SALT_BYTES, **bounds)


def reply(number: int) -> Reply:
    return Reply(number, ok=True, text="")


def test_the_last_events_and_effects_are_kept(tmp_path: Path) -> None:
    kept = recorder(tmp_path, items=5)
    calls = [call(float(number), RescanAsked(), reply(number)) for number in range(4)]
    for one in calls:
        kept.note(one)
    assert kept.calls() == tuple(calls[2:])  # two items each
    assert kept.lost == 2
    kept.note(call(9.0, Moment.TICK))
    assert len(kept.calls()) == 3
    assert kept.lost == 2


def test_what_they_hold_in_memory_is_bounded(tmp_path: Path) -> None:
    kept = recorder(tmp_path, size_bytes=10_000)
    heard = [DatagramHeard(bytes(1000), Address("h", number), "unicast") for number in range(50)]
    for one in heard:
        kept.note(call(0.0, one))
    last = [one.told for one in kept.calls()]
    assert last == heard[-len(last) :]
    assert 7 <= len(last) < 10
    kept.note(call(0.0, DatagramHeard(bytes(20_000), Address("h", 1), "unicast")))
    assert kept.calls() == ()
    assert repr(kept) == "<Recorder: 0 items, 0 bytes, lost=51>"


def test_weights_grow_with_what_is_held() -> None:
    assert weight_bytes(7) == VALUE_BYTES
    assert weight_bytes(b"x" * 100) == VALUE_BYTES + 100
    assert weight_bytes(()) == VALUE_BYTES
    one, many = PathsTouched((PATH,), False), PathsTouched((PATH,) * 100, False)
    assert weight_bytes(many) > weight_bytes(one) + 99 * len(PATH.wire)
    assert weight_bytes(Transmit(bytes(1000), None)) > 1000


def written(path: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]


def test_a_record_is_a_file_of_lines_without_names(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = recorder(tmp_path)
    kept.note(call(100.0, Moment.START, Look(OrderId(1), (PATH,))))
    kept.note(call(100.25, PathsTouched((PATH,), overflow=False)))
    kept.note(Call(101.0, RescanAsked(), None))
    path = kept.record("asked for", [kept]).write()
    head, *lines = written(path)
    assert head["why"] == "asked for"
    assert head["parts"] == [repr(kept)]
    assert head["lost"] == 0
    assert [line["s"] for line in lines] == [0.0, 0.25, 1.0]
    assert [line["wanted"] for line in lines][1:] == [[], None]
    assert lines[0]["told"] == "start"
    assert lines[2]["told"] == {"is": "RescanAsked"}
    text = Path(path).read_text("utf-8")
    assert SECRET not in text
    assert "letter" not in text
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    (said,) = caplog.messages
    assert said == f"asked for: the last events are in {path}"


def test_an_empty_record_can_be_written(tmp_path: Path) -> None:
    assert len(written(recorder(tmp_path).record("asked for", []).write())) == 1


def test_only_the_newest_files_stay(tmp_path: Path) -> None:
    kept = recorder(tmp_path)
    (tmp_path / "device.key").touch()
    paths = [kept.record("asked for", []).write() for _ in range(limits.RECORDS_KEPT + 2)]
    left = sorted(str(path) for path in tmp_path.glob("flight-*"))
    assert left == paths[2:]
    assert (tmp_path / "device.key").exists()


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        recorder(tmp_path / "gone").record("asked for", []).write()


def test_a_fault_asks_for_a_record_once_in_a_while(tmp_path: Path) -> None:
    kept = recorder(tmp_path)
    assert kept.may_repeat(10.0)
    assert not kept.may_repeat(10.0 + limits.RECORD_AGAIN_S - 0.1)
    assert kept.may_repeat(10.0 + limits.RECORD_AGAIN_S)
