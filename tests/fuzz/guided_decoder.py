"""One decoder under atheris, as a program: `-m tests.fuzz.guided_decoder MODULE NAME SECONDS SEED
CORPUS WORK`. It is started by tests/fuzz/guided.py and by nobody else.

Strategy: atheris comes first and watches what is imported then, which is why the decoders are
imported late. libFuzzer chooses among the inputs that reached something new; every second one is
changed by our own mutation, which knows nesting and text that is none. When the time is up the
report is written to WORK and the process ends at once: libFuzzer would never return. Guarantees: of
faults of one kind at one line, one input is kept, so a frequent fault fills no disk. Limits: what
is written in C (msgspec, cryptography) is not watched.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.mutation import mutated

LONGEST_BYTES = 8000  # what is watched runs slowly; nesting of that length is deeper than any stack
INPUT_S = 20  # one input that takes longer hangs; a busy machine is ten times as slow
WATCHED = ["potluck", "tests.fuzz.planted"]


def main(module: str, name: str, seconds: str, seed: str, corpus: str, work: str) -> None:
    """Fuzz one decoder; does not return."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=WATCHED):
        decoders = importlib.import_module(module)
    campaign = importlib.import_module("tests.fuzz.campaign")
    target, counted, findings, known = decoders.TARGETS[name], [0, 0], list[str](), set[object]()
    kept = campaign.folder_of(Path(corpus), name)
    first = Path(work, "first")
    first.mkdir()
    examples = [*target.seeds, *(path.read_bytes() for path in sorted(kept.glob("*")))]
    for number, data in enumerate(examples):
        (first / str(number)).write_bytes(data)
    ends_s = time.process_time() + float(seconds)

    def try_one(data: bytes) -> None:
        counted[0] += 1
        try:
            counted[1] += decoders.check(target, data)
        except Exception as error:  # noqa: BLE001 # house: whatever it is, that is the finding
            kind = (type(error), traceback.extract_tb(error.__traceback__)[-1][:2])
            if kind not in known:
                known.add(kind)
                findings.append(campaign.keep(Path(corpus), name, data, error))
        if time.process_time() >= ends_s:
            said = {"inputs": counted[0], "taken": counted[1], "findings": findings}
            Path(work, "report").write_text(json.dumps(said), encoding="utf-8")
            os._exit(0)

    def change(data: bytes, longest: int, number: int) -> bytes:
        if number % 2:
            return bytes(atheris.Mutate(data, longest))
        return mutated(data, Random(number))[:longest]

    options = [f"-seed={seed}", f"-max_len={LONGEST_BYTES}", f"-timeout={INPUT_S}"]
    options += [f"-artifact_prefix={kept}{os.sep}"]
    atheris.Setup([sys.argv[0], *options, str(first)], try_one, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
