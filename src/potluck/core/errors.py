"""Every error potluck can tell a person or a peer about, as one tree.

    PotluckError                 exit 1    anything a person may read
    ├── UsageError               exit 2    what was typed cannot be meant
    ├── NotRunning               exit 3    no potluck answers on this home
    ├── Untrusted                exit 4    the other side is not who it should be
    ├── Refused                  exit 5    somebody or something said no
    ├── TimedOut                 exit 6    it did not happen in time
    ├── NotFound                 exit 7    no such device or file
    ├── DiskTrouble              exit 8    the disk did not do what was asked
    │   ├── NoRoom                         there is none for the index
    │   └── IndexDamaged                   the index is not what was written to it
    ├── TwoMachines              exit 11   two machines run with one identity
    ├── UnsafePath                         a name that must never reach the file system
    └── ProtocolError                      a peer broke the protocol (its fault)
        ├── FrameTooLong                   a length above the limit, refused before it is read
        ├── Malformed                      bytes that are not a message
        └── WrongContent                   bytes whose hash or signature is not what was promised

Strategy: an error has three parts, *what* failed, the probable *cause*, and the *fix*: the next
command or act. The class docstring is the sentence used when no better `what` is given, so the tree
above reads as the manual. Guarantee: one exit code per class that reaches a shell; blame is a type
(`ProtocolError` is always the other side's).
"""

from __future__ import annotations

from typing import ClassVar


class PotluckError(Exception):
    """Something went wrong."""

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "error"

    def __init__(self, what: str = "", cause: str = "", fix: str = "") -> None:
        """Keep the three parts: `what` failed, the probable `cause`, the `fix` (a command)."""
        self.what = what or (type(self).__doc__ or "").strip().splitlines()[0]
        self.cause = cause
        self.fix = fix
        super().__init__(self.what)

    def __str__(self) -> str:
        """Return the three parts as up to three lines, the way a terminal shows them."""
        lines = [self.what]
        if self.cause:
            lines.append(f"  probably: {self.cause}")
        if self.fix:
            lines.append(f"  try:      {self.fix}")
        return "\n".join(lines)


class UsageError(PotluckError):
    """What was typed cannot be meant."""

    exit_code = 2
    code = "usage"


class NotRunning(PotluckError):
    """No potluck is running here."""

    exit_code = 3
    code = "not_running"


class Untrusted(PotluckError):
    """The other side is not who it should be."""

    exit_code = 4
    code = "untrusted"


class Refused(PotluckError):
    """The request was refused."""

    exit_code = 5
    code = "refused"


class TimedOut(PotluckError):
    """It did not happen in time."""

    exit_code = 6
    code = "timed_out"


class NotFound(PotluckError):
    """There is no such device or file."""

    exit_code = 7
    code = "not_found"


class DiskTrouble(PotluckError):
    """The disk did not do what was asked."""

    exit_code = 8
    code = "disk"


class NoRoom(DiskTrouble):
    """The disk has no room for the index."""

    code = "no_room"


class IndexDamaged(DiskTrouble):
    """The index is damaged."""

    code = "index_damaged"


class TwoMachines(PotluckError):
    """Two machines run with one identity."""

    exit_code = 11
    code = "two_machines"


class UnsafePath(PotluckError):
    """This name is refused: it could harm somebody's file system or screen."""

    code = "unsafe_path"


class ProtocolError(PotluckError):
    """The other side broke the protocol."""

    code = "protocol"


class FrameTooLong(ProtocolError):
    """The other side announced a frame longer than allowed."""

    code = "frame_too_long"


class Malformed(ProtocolError):
    """The other side sent bytes that are not a message."""

    code = "malformed"


class WrongContent(ProtocolError):
    """The other side sent content that is not what it promised."""

    code = "wrong_content"


ERRORS_BY_CODE: dict[str, type[PotluckError]] = {
    kind.code: kind
    for kind in (
        *(
            PotluckError,
            UsageError,
            NotRunning,
            Untrusted,
            Refused,
            TimedOut,
            NotFound,
            DiskTrouble,
            TwoMachines,
        ),
        *(UnsafePath, ProtocolError, FrameTooLong, Malformed, WrongContent),
    )
}
"""What a code means that travels between the program and its faces."""
