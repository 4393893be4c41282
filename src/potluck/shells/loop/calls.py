"""Calls: how the engine is called, so that each call is noted and a full disk costs no event.

Strategy: every call goes through here. It is noted for the flight record whatever comes of it; if
the index has no room the ballast (shells/state/ballast.py) is freed, people are told, and the call
is made once more. Guarantees: nothing is noted twice, and no call is made more than twice. Limits:
a damaged index is no lack of room: nothing is freed for it.
"""

from __future__ import annotations

import time
from typing import Final, Protocol

from potluck.core.errors import DiskTrouble, IndexDamaged
from potluck.engine.effects import Effect
from potluck.engine.events import Event
from potluck.engine.recording import Call, Moment
from potluck.shells.loop.people import People, first_line, trouble
from potluck.shells.loop.recorder import Recorder
from potluck.shells.state.ballast import Ballast


class Called(Protocol):
    """The engine, as far as it is called."""

    def start(self, now: float, /) -> list[Effect]:
        """Begin."""

    def on_tick(self, now: float, /) -> list[Effect]:
        """Do what is due."""

    def handle(self, event: Event, now: float, /) -> list[Effect]:
        """Take one fact."""


class Calls:
    """Calls one engine."""

    def __init__(
        self, engine: Called, recorder: Recorder, ballast: Ballast, people: People
    ) -> None:
        """Note what is called with `recorder`."""
        self._engine: Final = engine
        self._recorder: Final = recorder
        self._ballast: Final = ballast
        self._people: Final = people

    def __repr__(self) -> str:
        """Show what is called."""
        return f"<Calls of {self._engine!r}>"

    def call(self, told: Event | Moment) -> list[Effect]:
        """Call the engine; if the index has no room, free the ballast and call it once more.

        Raises what the engine raises.
        """
        try:
            return self._once(told)
        except DiskTrouble as error:
            if isinstance(error, IndexDamaged) or not self._ballast.free():
                raise
            why = f"{first_line(error)}; a reserve was used up"
            self._people.told(trouble("ballast_freed", why))
            return self._once(told)

    def _once(self, told: Event | Moment) -> list[Effect]:
        """Call the engine once, and note it whatever comes of it."""
        now = time.monotonic()
        wanted: list[Effect] | None = None
        try:
            match told:
                case Moment.START:
                    wanted = self._engine.start(now)
                case Moment.TICK:
                    wanted = self._engine.on_tick(now)
                case _:
                    wanted = self._engine.handle(told, now)
            return wanted
        finally:
            asked = None if wanted is None else tuple(wanted)
            self._recorder.note(Call(now, told, asked))
