"""Safe paths: the only way a name from the wire, or from a disk, becomes a path.

Strategy: a `SafePath` is an immutable tuple of checked components. It is made by `parse_wire_path`
and by its own methods, and by nothing else: the constructor raises. So a function that takes a
SafePath need not check anything, and one that takes a `str` cannot be handed a name that nobody
looked at. Names are refused, never repaired: the bytes of a name travel as they are, in whatever
Unicode normal form (docs/disk.md §2).

Guarantees: no component is empty, `.`, `..` or `.potluck` in any case; none holds a separator, NUL,
a control character, or a character that turns or hides other characters on a screen; of the
invisible ones ZWJ and ZWNJ pass where they say something (core/content/joiners.py). `wire` is the
identity of a path: equality, hash and order are those of its bytes. A path below `Shared/` has the
label first, so the limits of length and depth count a path *inside* a tree: `label.joined(path)`
succeeds for every one-component label and every parsed path, and what `child` builds below a label
can always be sent. What `printable` returns it returns unchanged, so names are escaped once however
many screens they pass, and no shared name looks like an escape, since none holds a backslash.
Limits: look-alike letters are not refused, they are shown as they are; names that some systems
cannot hold are allowed here and told by `not_portable`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterator
from functools import total_ordering
from typing import Final, NoReturn

from potluck.core import limits
from potluck.core.content.joiners import JOINERS, joiner_means_something
from potluck.core.errors import UnsafePath

RESERVED: Final = ".potluck"
"""The folder of the program itself; no shared name may be equal to it, in whatever case."""
SHOWN_CHARACTERS = 100  # of a refused name in a message: a line that can still be read

_CONTROL = "\x00-\x1f\x7f-\x9f\u2028\u2029"  # C0, DEL, C1, and the two line breaks of Unicode
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_ZERO_WIDTH = (
    "\u00ad\u180e\u200b-\u200d\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
)
_SURROGATE = "\ud800-\udfff"
NOT_UTF_8: Final = "not valid UTF-8"
"""Why a name is refused whose bytes are no text, or half a character."""

# patterns, compiled when a name is refused: most programs refuse none, and `status` pays for each
_REASONS: Final = (
    ("NUL", "\x00"),
    (NOT_UTF_8, f"[{_SURROGATE}]"),
    ("slash", "/"),
    ("backslash", r"\\"),
    ("control character", f"[{_CONTROL}]"),
    ("bidi control", f"[{_BIDI}]"),
    ("zero-width character", f"[{_ZERO_WIDTH}]"),
)
_HARMFUL: Final = re.compile(rf"[/\\{_CONTROL}{_BIDI}{_ZERO_WIDTH}{_SURROGATE}]")
_UNPRINTABLE: Final = re.compile(rf"[{_CONTROL}{_BIDI}{_ZERO_WIDTH}{_SURROGATE}]")
_DOS_CHARACTERS: Final = re.compile(r'[<>:"|?*]')
_DOS_NAMES: Final = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)", re.IGNORECASE
)


@total_ordering
class SafePath:
    """A relative path of checked components; see the module for what that promises."""

    __slots__ = ("parts", "wire")

    parts: tuple[str, ...]
    """The components, at least one."""
    wire: bytes
    """The components in UTF-8, joined by `/`: how a path travels and how it is kept."""

    def __init__(self) -> None:
        raise TypeError("a SafePath is made by parse_wire_path, or from another SafePath")

    @property
    def name(self) -> str:
        """The last component."""
        return self.parts[-1]

    @property
    def parent(self) -> SafePath | None:
        """The path of the folder this stands in, or None at depth 1."""
        if len(self.parts) == 1:
            return None
        return _made(self.parts[:-1], self.wire.rpartition(b"/")[0])

    def child(self, name: str) -> SafePath:
        """Return the path of `name` in this folder; raises UnsafePath."""
        reason = why_unsafe(name)
        if reason:
            _refuse(reason, name)
        return _bounded((*self.parts, name), self.wire + b"/" + name.encode())

    def joined(self, other: SafePath) -> SafePath:
        """Return `other` below this folder; raises UnsafePath if that is too long or too deep."""
        return _bounded(self.parts + other.parts, self.wire + b"/" + other.wire)

    def starts_with(self, other: SafePath) -> bool:
        """Say whether this is `other` or something below it."""
        return self.parts[: len(other.parts)] == other.parts

    def relative_to(self, other: SafePath) -> SafePath:
        """Return the path that `other.joined` makes this one; raises ValueError if none does."""
        if len(self.parts) <= len(other.parts) or not self.starts_with(other):
            raise ValueError(f"{self!r} is not below {other!r}")
        return _made(self.parts[len(other.parts) :], self.wire[len(other.wire) + 1 :])

    def __str__(self) -> str:
        return "/".join(self.parts)

    def __repr__(self) -> str:
        return f"SafePath({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return self.wire == other.wire if isinstance(other, SafePath) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return self.wire < other.wire if isinstance(other, SafePath) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.wire)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a SafePath is immutable: {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a SafePath is immutable: {name} cannot be deleted")

    def __copy__(self) -> SafePath:
        return self

    def __deepcopy__(self, _memo: dict[int, object]) -> SafePath:
        return self


def parse_wire_path(data: bytes) -> SafePath:
    """Return the path that `data` names: UTF-8 components joined by `/`; raises UnsafePath."""
    if len(data) > limits.PATH_BYTES:
        _refuse("too long", data)
    parts = tuple(_decoded(data).split("/"))
    if len(parts) > limits.PATH_DEPTH:
        _refuse("too deep", data)
    for part in parts:
        reason = why_unsafe(part)
        if reason:
            _refuse(reason, data)
    return _made(parts, bytes(data))


def why_unsafe(name: str) -> str:
    """Return why one component is refused, or "" if it is not."""
    if not name:
        return "empty component"
    if name in {".", ".."}:
        return "dot component"
    if _HARMFUL.search(name):
        bare = _without_meaning_joiners(name)
        reasons = (reason for reason, pattern in _REASONS if re.search(pattern, bare))
        reason = next(reasons, "")
        if reason:
            return reason
    # n characters have at least n bytes and at most 4 n: mostly nothing has to be encoded to know
    if len(name) * 4 > limits.COMPONENT_BYTES and len(name.encode()) > limits.COMPONENT_BYTES:
        return "too long"
    if name[0] == "." and collision_key(name) == RESERVED:
        return "reserved name"
    return ""


def collision_key(name: str) -> str:
    """Return a key that is equal for names that a file system may take for one.

    Such file systems fold case, normal form, or both.
    """
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def not_portable(name: str) -> str:
    """Return why some system cannot hold this component, or "" if all can."""
    return next(why_not_portable(name), "")


def why_not_portable(name: str) -> Iterator[str]:
    """Yield every reason for which some system cannot hold this component."""
    if _DOS_CHARACTERS.search(name):
        yield 'one of the characters < > : " | ? *'
    if name[-1:] in {".", " "}:
        yield "a dot or a space at the end"
    if _DOS_NAMES.match(name):
        yield "a device name of Windows"


def printable(name: str | bytes) -> str:
    r"""Return a name as a terminal may show it: what turns, hides or breaks text becomes `\x1b`,
    `\u202e`.

    Bytes that are not UTF-8 become `\xff`. What is escaped already stays as it is.
    """
    if isinstance(name, bytes):
        name = name.decode("utf-8", "surrogateescape")
    return _UNPRINTABLE.sub(_escaped, name)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] in JOINERS and joiner_means_something(match.string, match.start()):
        return match[0]
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as surrogateescape hides it
        code -= 0xDC00
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        _refuse(NOT_UTF_8, data)


def _without_meaning_joiners(name: str) -> str:
    """Return a name without the joiners that say something where they stand."""
    if JOINERS.isdisjoint(name):
        return name
    return "".join(
        letter
        for at, letter in enumerate(name)
        if letter not in JOINERS or not joiner_means_something(name, at)
    )


def _bounded(parts: tuple[str, ...], wire: bytes) -> SafePath:
    """Make a path whose limits count what follows the first component, the label."""
    if len(wire) - wire.index(b"/") - 1 > limits.PATH_BYTES:
        _refuse("too long", wire)
    if len(parts) - 1 > limits.PATH_DEPTH:
        _refuse("too deep", wire)
    return _made(parts, wire)


def _made(parts: tuple[str, ...], wire: bytes) -> SafePath:
    path = object.__new__(SafePath)
    object.__setattr__(path, "parts", parts)
    object.__setattr__(path, "wire", wire)
    return path


def _refuse(reason: str, name: str | bytes) -> NoReturn:
    shown = printable(name)
    if len(shown) > SHOWN_CHARACTERS:
        shown = shown[: SHOWN_CHARACTERS - 1] + "…"
    raise UnsafePath(
        f"the name “{shown}” is refused", reason, "give it another name on the device it comes from"
    )


def within(path: bytes, folders: Container[bytes]) -> bool:
    """Say whether a path, or a folder it stands in, is one of `folders`."""
    while path:
        if path in folders:
            return True
        path = path.rpartition(b"/")[0]
    return False
