"""How the tiers run: in what order, side by side, and what a failure does to the rest."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from tests.__main__ import (
    ALONE_S,
    GRACE_S,
    KINDS,
    MEET,
    ORDER,
    PARTS,
    PYTEST,
    ROOT,
    TESTS,
    counted,
    run_all,
    stages,
)
from tests.__main__ import (
    test_files as files_below,
)
from tests.hostile.parts import MEASURED, part_of, unmeasured
from tests.lanes import APART, Kind, Stage, can_be_apart, command, next_of


def says(name: str, code: str, *, tests: bool = True, kind: Kind = "computes") -> Stage:
    return Stage(name, ("-c", code), tests=tests, kind=kind)


def test_stages_run_side_by_side_and_each_is_shown_whole(capsys, tmp_path):
    meet = (
        "import pathlib, sys, time\n"
        f"here, there = (pathlib.Path({str(tmp_path)!r}) / name for name in {{}})\n"
        "print('begins', here.name); here.touch()\n"
        "while not there.exists(): time.sleep(0.01)\n"
        "print('ends', here.name); print('2 passed in 0.01s')"
    )
    one = says("one", meet.format(("one", "two")))
    two = says("two", meet.format(("two", "one")))
    totals: Counter[str] = Counter()
    assert run_all([one, two], totals)
    said = capsys.readouterr().out
    assert "── one\nbegins one\nends one\n2 passed in 0.01s\n── one: ok, " in said
    assert "── two\nbegins two\nends two\n2 passed in 0.01s\n── two: ok, " in said
    assert totals == {"passed": 4}


@pytest.mark.parametrize("before", [signal.default_int_handler, signal.SIG_IGN])
def test_a_stage_that_fails_ends_those_beside_it_and_all_that_wait(capsys, before):
    signal.signal(signal.SIGINT, before)  # ignored: as in a shell's background
    fails = says("fails", "print('1 failed, 3 passed in 0.01s'); raise SystemExit(1)")
    forever = says("forever", "import time\nwhile True: time.sleep(0.1)")
    never = says("never", "print('never')")
    totals: Counter[str] = Counter()
    started = time.monotonic()
    assert not run_all([forever, fails, never], totals)
    assert time.monotonic() - started < GRACE_S
    said = capsys.readouterr().out
    assert "── fails: FAILED" in said
    assert "never" not in said
    assert totals == {"failed": 1, "passed": 3}


def test_a_tool_that_fails_counts_as_one_failure(capsys):
    totals: Counter[str] = Counter()
    assert not run_all([says("tool", "raise SystemExit(3)", tests=False)], totals)
    assert totals == {"failed": 1}


def test_a_stage_without_tests_is_no_failure(capsys):
    totals: Counter[str] = Counter()
    assert run_all([says("empty", "print('no tests ran in 0.01s'); raise SystemExit(5)")], totals)
    assert totals == {}


def test_when_the_time_is_over_none_begins_and_those_that_do_not_are_named(capsys):
    slow = "import time; time.sleep(4); print('1 passed in 0.01s')"
    plan = [
        says("one", slow),
        says("two", slow),
        says("late", slow),
        says("own", slow, kind="alone"),
    ]
    totals: Counter[str] = Counter()
    assert run_all(plan, totals, time.monotonic() + 2.0)
    said = capsys.readouterr().out
    for name in ("own", "late"):  # what is to be alone is late before the others are
        assert f"── NOT RUN, since too little time of the tier is left: {name}\n" in said
    assert totals == {"passed": 2}
    assert run_all(plan, totals, time.monotonic() + ALONE_S + 60.0)
    assert totals == {"passed": 6}


def test_a_stage_that_is_alone_has_nobody_beside_it(tmp_path):
    shared = tmp_path / "here"
    alone = (
        f"import pathlib, time; path = pathlib.Path({str(shared)!r})\n"
        "path.touch(exist_ok=False); time.sleep(0.2); path.unlink()"
    )
    plan = [says("one", alone), says("two", alone, kind="alone"), says("three", alone)]
    assert run_all(plan, Counter())


WAIT, ALSO, THIRD = (Stage(name, (), kind="waits", meets=True) for name in ("one", "two", "three"))
COMPUTE, MORE = Stage("sim", ()), Stage("laws", ())
ALONE = Stage("core + engine", (), kind="alone")


@pytest.mark.parametrize(
    ("waiting", "running", "first"),
    [
        ([WAIT, ALSO, COMPUTE], [], WAIT),
        ([ALSO, COMPUTE], [WAIT], ALSO),
        ([THIRD, COMPUTE, MORE], [WAIT, ALSO], COMPUTE),
        ([THIRD, MORE], [WAIT, ALSO, COMPUTE], None),
        ([MORE, THIRD], [WAIT, COMPUTE], THIRD),
        ([MORE], [COMPUTE, WAIT], None),
        ([MORE], [COMPUTE], MORE),
        ([MORE], [COMPUTE, COMPUTE], None),
        ([ALONE, COMPUTE], [], ALONE),
        ([ALONE, COMPUTE], [WAIT], None),
        ([COMPUTE, ALONE, WAIT], [MORE], COMPUTE),
        ([COMPUTE, ALONE, WAIT], [MORE, MORE], None),
        ([WAIT, COMPUTE], [ALONE], None),
        ([], [], None),
    ],
)
def test_two_that_wait_are_beside_one_that_computes(waiting, running, first):
    assert next_of(waiting, running) is first


def test_without_networks_of_their_own_devices_of_two_stages_are_never_beside_each_other():
    assert next_of([ALSO, COMPUTE], [WAIT], apart=False) is COMPUTE
    assert next_of([ALSO], [COMPUTE], apart=False) is ALSO
    lan = Stage("lan", (), kind="waits")
    assert next_of([ALSO, lan], [WAIT, COMPUTE], apart=False) is lan


def test_a_stage_has_a_network_of_its_own_where_that_is_possible():
    if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "ip"))):
        assert command(["true"]) == ["true"]
        pytest.skip("a network of its own needs root, unshare and ip")
    if not can_be_apart():
        pytest.skip("this machine lets nobody have a network of their own")
    assert command(["true"]) == [*APART, "true"]
    shows = "import os, socket; print(os.readlink('/proc/self/ns/net'), socket.if_nameindex())"
    seen = subprocess.run(
        command([sys.executable, "-c", shows]), capture_output=True, text=True, check=True
    ).stdout
    assert os.readlink("/proc/self/ns/net") not in seen
    assert seen.endswith("[(1, 'lo')]\n")


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("3 passed in 1.20s", {"passed": 3}),
        (
            "==== 2 failed, 3 passed, 1 skipped in 61.20s (0:01:01) ====",
            {"failed": 2, "passed": 3, "skipped": 1},
        ),
        ("1 passed, 1 error in 0.1s\n2 passed, 7 deselected in 0.1s\n", {"passed": 2}),
        ("1 xfailed, 2 errors in 0.1s", {"skipped": 1, "failed": 2}),
        ("nothing of the kind", {}),
    ],
)
def test_what_pytest_counted_is_read_from_its_last_closing_line(text, counts):
    assert counted(text) == counts


def files_of(stage: Stage) -> list[str]:
    """The test files that a stage of pytest runs."""
    named = stage.arguments[len(PYTEST) :]
    return [file for word in named for file in (files_below(ROOT / word) or [word])]


def test_the_cheapest_come_first_and_every_top_level_file_is_in_one_stage():
    names = [stage.name for stage in stages("default")]
    assert names[:4] == ["lint", "format", "layers", "house"]
    assert names.index("house") < names.index("core + engine") < names.index("sim")
    files = [word for stage in stages("default") for word in stage.arguments[len(PYTEST) :]]
    assert files.count("tests/test_house.py") == files.count("tests/test_daemon.py") == 1
    assert len(files) == len(set(files))


def test_every_test_file_is_in_one_stage_of_the_release():
    plan = [stage for stage in stages("release") if stage.arguments[: len(PYTEST)] == PYTEST]
    found = Counter(file for stage in plan for file in files_of(stage))
    pure = {file for name in ("core", "engine") for file in files_below(TESTS / name)}
    top = {path.relative_to(ROOT).as_posix() for path in TESTS.glob("test_*.py")}
    assert set(found) == {*files_below(TESTS), *top} - pure
    assert set(found.values()) == {1}


@pytest.mark.parametrize("folder", PARTS)
def test_a_folder_of_more_than_one_stage_has_each_of_its_files_in_one(folder):
    parts = [one for one in stages("full") if one.name.partition(", ")[0] == folder]
    assert {one.name for one in parts} == {folder, *PARTS[folder]}
    assert all(files_of(stage) for stage in parts)
    assert sorted(file for one in parts for file in files_of(one)) == files_below(TESTS / folder)


def test_what_measures_an_honest_pair_is_alone_and_last_and_the_rest_is_beside_others():
    plan = stages("full")
    assert [one.name for one in plan if one.kind == "alone"] == ["core + engine", "hostile"]
    assert plan[-1].name == "hostile"
    assert {f"tests/hostile/{name}" for name in MEASURED} == set(files_of(plan[-1]))


def test_every_stage_has_its_place_in_the_order():
    assert set(ORDER) >= {*KINDS, *MEET, *PARTS}.union(*PARTS.values())
    places = [ORDER.index(stage.name) for stage in stages("release")]
    assert places == sorted(set(places))


def test_the_default_tier_leaves_out_what_is_for_the_full_one():
    names = {tier: [stage.name for stage in stages(tier)] for tier in ("default", "full")}
    left_out = set(names["full"]) - set(names["default"])
    assert left_out == {"torture", "torture, kills", "hostile", "hostile, guards"}


def test_from_the_full_tier_on_core_and_engine_are_run_under_coverage():
    plain = {
        tier: "--plain" in stage.arguments
        for tier in ("default", "full", "nightly", "release")
        for stage in stages(tier)
        if stage.name == "core + engine"
    }
    assert plain == {"default": True, "full": False, "nightly": False, "release": False}


def test_only_the_nightly_tier_puts_faults_in():
    assert "mutants" not in [stage.name for stage in stages("release")]
    assert stages("nightly")[-1].name == "mutants"


def test_a_part_of_the_attacks_counts_when_all_of_its_files_were_played():
    every = MEASURED | unmeasured()
    assert not MEASURED & unmeasured()
    assert part_of(set(MEASURED)) == "measured"
    assert part_of(set(unmeasured())) == "unmeasured"
    assert part_of(set(every)) == "measured and unmeasured"
    assert part_of(set(every) - {"test_guards.py"}) == "measured"
    assert not part_of({"test_guards.py"})
