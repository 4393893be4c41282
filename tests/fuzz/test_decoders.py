"""No bytes from outside make any decoder raise anything but its own refusal.

First whatever once did; then mutants of valid examples, drawn by hypothesis: few in the default
tier, more in the full one.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core import limits
from potluck.core.wire import framing
from tests.figures import record
from tests.fuzz.__main__ import main
from tests.fuzz.campaign import run, run_side_by_side
from tests.fuzz.decoders import CORPUS, TARGETS, Target, check, crashes
from tests.fuzz.mutation import LONGEST, inputs, mutated

CAMPAIGN_S = 200.0  # at most; alone on two cores half of it is enough
INPUTS = 5_000_000  # S1 in docs/figures.md
GROWTH_BYTES = 64 * limits.MIB  # S1 in docs/figures.md
MUTANTS = 5  # of each target for one seed that hypothesis draws
names = pytest.mark.parametrize("name", TARGETS)


@names
def test_what_once_did_harm_does_none(name: str) -> None:
    for crash in crashes(name):
        check(TARGETS[name], crash.read_bytes())


@names
def test_the_seeds_are_taken(name: str) -> None:
    assert [check(TARGETS[name], seed) for seed in TARGETS[name].seeds].count(True) >= 1 or (
        name == "piece list"  # nobody makes one up that matches its root
    )


@given(seed=st.integers(0, 2**32 - 1))
@names
def test_mutants_of_what_is_valid_are_taken_or_refused(name: str, seed: int) -> None:
    random = Random(seed)
    for _ in range(MUTANTS):
        check(TARGETS[name], mutated(random.choice(TARGETS[name].seeds), random))


@given(data=st.binary(max_size=300))
@names
def test_any_bytes_are_taken_or_refused(name: str, data: bytes) -> None:
    check(TARGETS[name], data)


def test_every_crash_belongs_to_a_target() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} <= {
        name.replace(" ", "-") for name in TARGETS
    }


def test_without_the_guard_the_crashes_are_crashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "_NOT_A_MESSAGE", (msgspec.DecodeError,))
    raised = set[str]()
    for target in TARGETS.values():
        for crash in crashes(target.name):
            try:
                check(target, crash.read_bytes())
            except Exception as error:  # noqa: BLE001 # house: which one it is, is the question
                raised.add(type(error).__name__)
    assert {"RecursionError", "UnicodeDecodeError"} <= raised


def test_a_decoder_that_raises_what_it_must_not_is_found() -> None:
    def fragile(data: bytes) -> None:
        data.decode()

    target = Target("fragile", fragile, (), (b"plain",))
    source = inputs(target.seeds, Random(1))
    drawn = [next(source) for _ in range(1000)]
    with pytest.raises(UnicodeDecodeError):
        assert all(check(target, data) for data in drawn)


def test_equal_seeds_give_equal_inputs_of_bounded_length() -> None:
    first, again = (inputs((b"abc",), Random(7)) for _ in range(2))
    drawn = [next(first) for _ in range(300)]
    assert drawn == [next(again) for _ in range(300)]
    assert max(map(len, drawn)) <= LONGEST
    assert max(map(len, drawn)) > 10_000, "some are nested deeply"


@pytest.mark.full
def test_a_campaign_over_all_of_them_finds_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = run_side_by_side(list(TARGETS), CAMPAIGN_S, (1, 2), tmp_path, INPUTS)
    held = not campaign.findings and campaign.grown_bytes < GROWTH_BYTES
    record("S1", str(campaign), held=held and campaign.counts.total() >= INPUTS)
    with capsys.disabled():
        print(f"\n{campaign}")
    assert not campaign.findings, campaign.findings
    assert set(campaign.counts) == set(TARGETS)
    assert campaign.grown_bytes < GROWTH_BYTES


def test_what_a_campaign_finds_is_kept_for_the_next_tests(tmp_path: Path) -> None:
    def fragile(data: bytes) -> None:
        data.decode()

    campaign = run([Target("fragile one", fragile, (), (b"plain",))], 0.5, 1, tmp_path)
    assert campaign.findings
    assert all(path.name.startswith("Unicode") for path in (tmp_path / "fragile-one").iterdir())
    assert "S1: " in str(campaign)


def test_by_hand_it_says_what_it_tried(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--minutes", "0.005", "--seed", "3", "--only", "path"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("seed 3, own mutation\nS1: ")
    assert "inputs of 1 decoders" in said
