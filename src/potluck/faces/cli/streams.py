"""The three standard streams, made such that nothing a person does with them is a traceback.

Strategy: a program may be started with streams that are closed, full, read by nobody, or that know
only the letters of 1963. What is closed is opened to nowhere before anything else is opened, so no
file of ours ever gets the number of a standard stream. Letters that an encoding lacks are written
in others that say the same. A command that cannot write ends, a pipe that nobody reads in silence
and a full disk with exit code 8; a daemon goes on without, as whoever started it wants its files
kept the same and not its words.

Guarantees: nothing here raises. Limits: what stands in the buffer when a stream fails is lost.
"""

from __future__ import annotations

import codecs
import os
import sys
from contextlib import suppress
from typing import Final, TextIO, TypeAlias

AnyStream: TypeAlias = TextIO | None

LETTERS: Final = "potluck"  # the name of our way to write what an encoding lacks
_STREAMS: Final = ("stdin", "stdout", "stderr")
_PLAIN: Final = str.maketrans({
    "“": '"', "”": '"', "’": "'", "…": "...", "·": "-", "–": "-", "↑": "^", "↓": "v", "←": "<",
    "→": ">", "↖": "\\", "↗": "/", "↘": "\\", "↙": "/", "✓": "+", "✗": "x", "▸": ">", "Σ": "S",
    "█": "#", "░": ".", "▏": "|", "▎": "#", "▍": "#", "▌": "#", "▋": "#", "▊": "#", "▉": "#",
    "─": "-", "│": "|",
})  # fmt: skip
"""Our own signs, as a terminal writes them that has only ASCII."""


def prepare_streams() -> None:
    """Open what is closed, and let every letter be written."""
    codecs.register_error(LETTERS, _in_other_letters)
    for number, name in enumerate(_STREAMS):
        if not _is_open(number):
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_RDWR), number)
        stream: AnyStream = getattr(sys, name)
        if stream is None:
            with suppress(OSError):
                mode = "r" if number == 0 else "w"
                nowhere = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
                setattr(sys, name, nowhere)
        if number:
            forgive_letters(getattr(sys, name))


def forgive_letters(stream: AnyStream) -> None:
    """Let a stream write letters that its encoding lacks in others."""
    with suppress(AttributeError, ValueError, OSError):
        stream.reconfigure(errors=LETTERS)  # type: ignore[union-attr]  # only a real stream has it


def knows_every_letter(stream: AnyStream) -> bool:
    """Say whether a stream can write whatever there is."""
    return "utf" in (getattr(stream, "encoding", None) or "utf-8").lower()


def let_go(stream: AnyStream) -> None:
    """Send a stream that failed, and what stands in its buffer, to nowhere."""
    with suppress(AttributeError, ValueError, OSError):
        number = stream.fileno()  # type: ignore[union-attr]  # None has no number
        nowhere = _nowhere()
        os.dup2(nowhere, number)
        os.close(nowhere)


def _nowhere() -> int:
    """Open what takes everything; where there is none, a pipe that nobody reads, which is quiet."""
    try:
        return os.open(os.devnull, os.O_WRONLY)
    except OSError:
        reading, writing = os.pipe()
        os.close(reading)
        return writing


def write_or_go_on(text: str) -> None:
    """Write to the standard output; if that fails, say so once and write to nowhere from then on.

    A pipe that nobody reads any more is no failure: whoever closed it knows.
    """
    stream: AnyStream = sys.stdout
    try:
        stream.write(text)  # type: ignore[union-attr]  # None is an AttributeError
        stream.flush()  # type: ignore[union-attr]
    except BrokenPipeError:
        let_go(stream)
    except OSError as error:
        let_go(stream)
        with suppress(AttributeError, ValueError, OSError):
            reason = error.strerror or str(error)
            sys.stderr.write(f"potluck: nothing more is written here ({reason}); it goes on.\n")
            sys.stderr.flush()
    except (AttributeError, ValueError):
        pass  # there is none, or it was closed


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _in_other_letters(error: UnicodeError) -> tuple[str, int]:
    """Return what stands for letters that an encoding lacks, as codecs asks for it."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    written = lacking.translate(_PLAIN)
    return written.encode("ascii", "backslashreplace").decode("ascii"), error.end
