"""The page of state machines says what the code says, and whoever draws it misses nothing."""

from __future__ import annotations

from tests.draw_machines import PAGE, machines, machines_in, page

SOURCE = '''
class LampState(Enum):
    """Whether it burns."""

    DARK = auto()  # it does not
    LIT = auto()

class LampInput(Enum):
    PRESS = auto()  # of the button
    BREAK = auto()

LAMP: dict[tuple[LampState, LampInput], LampState] = {
    (LampState.DARK, LampInput.PRESS): LampState.LIT,
    (LampState.LIT, LampInput.PRESS): LampState.DARK,
    (LampState.LIT, LampInput.BREAK): LampState.DARK,
}
"""A lamp, and
its button."""
OTHER: dict[str, int] = {"a": 1}
'''


def test_the_page_is_up_to_date() -> None:
    drawn = page(machines())
    assert PAGE.read_text(encoding="utf-8") == drawn, "run: python -m tests.draw_machines"


def test_a_table_is_found_and_drawn_with_what_stands_beside_it() -> None:
    (lamp,) = machines_in("lamp.py", SOURCE)
    assert (lamp.name, lamp.sentence) == ("LAMP", "A lamp, and its button.")
    assert lamp.states == {"DARK": "it does not", "LIT": ""}
    drawn = page([lamp])
    assert "[*] --> DARK" in drawn
    assert "    DARK --> LIT: PRESS" in drawn
    assert "    LIT --> DARK: PRESS, BREAK" in drawn
    assert "| `PRESS` | of the button |" in drawn


def test_every_state_and_input_says_what_it_means() -> None:
    for machine in machines():
        words = machine.states | machine.inputs
        assert machine.sentence, machine.name
        assert all(words.values()), (machine.name, words)


def test_no_machine_of_the_program_is_missed() -> None:
    names = {machine.name for machine in machines()}
    assert {"FOUNDING", "JOINER", "DOORKEEPER", "SEAT_SEARCH", "PROBING"} <= names
