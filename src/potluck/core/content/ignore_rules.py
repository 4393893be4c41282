"""Ignore rules: what of a folder its owner does not share, in the syntax of a `.gitignore`.

Strategy: `pathspec` translates one pattern into a regular expression; what the patterns mean
together is decided here, as git does it: each pattern speaks of one path and not of what is below
it, the last one that fits counts, and below a folder that is ignored nothing is asked any more. So
whoever walks asks at each name, and does not go into what is ignored. Patterns of one sign that
stand together are one expression, those without a slash look at the name alone, and plain ones
(`build/`, `*.tmp`) are compared without any.

Guarantees: a line that cannot be understood is named with its number, and the others count. The
same text is parsed once. Nothing is ever ignored because of a fault. Limits: patterns are compared
letter by letter, so case counts; a class such as `[[:alpha:]]`, which pathspec cannot translate, is
a fault, and so are more than STARS_MAX stars (`**` is one) in a pattern, which could take for ever
to compare.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from potluck.core import limits

IGNORE_FILE: Final = ".potluckignore"
"""The file directly in a folder that says what of it is not shared."""
IGNORE_MAX_BYTES: Final = 64 * limits.KIB
"""A larger file is no list that a person wrote."""
STARS_MAX: Final = 6
"""Each more multiplies the time that a name may cost by its length."""
FAULTS_MAX: Final = 20
"""Lines that are named; more help nobody."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_UNCLEAR: Final = re.compile(r"\[[^\]]*(?:\[|--|&&|~~|\|\|)")  # sets that `re` may read otherwise
_SET_WITHOUT: Final = re.compile(r"\[\^(?!/\])")
_STARS: Final = re.compile(r"\*+")
# a star, and what stands between it and the next one in the same name
_STAR_AND_MORE: Final = re.compile(r"\[\^/\]\*((?:\[\^/\](?!\*)|\\[^/]|[\w.~@,= -])+)(?=\[\^/\]\*)")
_ANYWHERE: Final = "^(?:.+/)?"  # how the expression of a pattern without a slash begins
_SIMPLE: Final = re.compile(r"(?P<star>\*?)(?P<name>[\w.~@+,=-][\w.~@+,= -]*)/?")
_EVERYTHING: Final = frozenset({"*", "**", "**/*"})


@dataclass(frozen=True, slots=True)
class IgnoreFault:
    """A line that cannot be understood."""

    line: int  # from 1
    cause: str


@dataclass(frozen=True, slots=True)
class _Run:
    """Patterns of one sign that stand together: any of them decides."""

    ignores: bool
    exact: frozenset[str]  # names, wherever they stand: `build/`
    endings: tuple[str, ...]  # of names: `*.tmp`
    names: re.Pattern[str] | None  # the others that speak of a name
    paths: re.Pattern[str] | None

    def fits(self, path: str, name: str) -> bool:
        """Say whether one of them fits; folders end in a slash."""
        if name in self.exact or name.endswith(self.endings):
            return True
        if self.names is not None and self.names.fullmatch(name):
            return True
        return self.paths is not None and self.paths.fullmatch(path) is not None


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The rules of one text."""

    runs: tuple[_Run, ...]  # the last first
    faults: tuple[IgnoreFault, ...]

    def ignores(self, folder: str, name: str, *, is_folder: bool) -> bool:
        """Say whether `name` is ignored, in a folder ("" is the outermost) that is not."""
        if is_folder:
            name += "/"
        path = f"{folder}/{name}" if folder else name
        return next((run.ignores for run in self.runs if run.fits(path, name)), False)

    def speaks_of(self, folder: str, name: str, *, is_folder: bool) -> bool:
        """Say whether any of them is about that name, to ignore it or not to."""
        if is_folder:
            name += "/"
        path = f"{folder}/{name}" if folder else name
        return any(run.fits(path, name) for run in self.runs)


@dataclass(frozen=True, slots=True)
class _Pattern:
    ignores: bool
    expression: str = ""
    of_name: bool = False
    exact: tuple[str, ...] = ()  # instead of an expression, for what is asked at every name
    endings: tuple[str, ...] = ()


@lru_cache(maxsize=4)
def parse_rules(text: bytes) -> IgnoreRules:
    """Return the rules that a text says, and which of its lines cannot be understood."""
    return _understood(_lines(text))


def deciding_line(text: bytes, folder: str, name: str, *, is_folder: bool) -> tuple[int, str]:
    """Return the number, from 1, and the text of the line by which `name` is ignored, or is not.

    It is the last that fits; where none does, that is line 0. Takes as long as to parse the text.
    """
    lines = _lines(text)
    first, end = 0, len(lines)
    if not _understood(lines).speaks_of(folder, name, is_folder=is_folder):
        return 0, ""
    while end - first > 1:
        middle = (first + end) // 2
        if _understood(lines[middle:end]).speaks_of(folder, name, is_folder=is_folder):
            first = middle
        else:
            end = middle
    return end, lines[first].decode().strip()


def _lines(text: bytes) -> list[bytes]:
    return text.removeprefix(_BYTE_ORDER_MARK).split(b"\n")


def _understood(lines: list[bytes]) -> IgnoreRules:
    patterns, faults = list[_Pattern](), list[IgnoreFault]()
    for number, line in enumerate(lines, start=1):
        try:
            pattern = _parse(line.removesuffix(b"\r"))
        except ValueError as error:
            faults.append(IgnoreFault(number, str(error)))
        else:
            if pattern is not None:
                patterns.append(pattern)
    return IgnoreRules(_runs(patterns), tuple(faults[:FAULTS_MAX]))


def _parse(line: bytes) -> _Pattern | None:
    """Return the pattern of a line, None if it is empty or a comment; raises ValueError."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    if "\0" in text:
        raise ValueError("not UTF-8")
    text = _without_end(text)
    if not text or text.startswith("#"):
        return None
    ignores = not text.startswith("!")
    body = _plain(text.removeprefix("!"))
    if not body.strip("/"):
        raise ValueError("a pattern without a name")
    if len(_STARS.findall(body)) > STARS_MAX:
        raise ValueError(f"more than {STARS_MAX} stars in a pattern")
    only_folders = body.endswith("/")
    if body.removesuffix("/") in _EVERYTHING:
        return _Pattern(ignores, ".+/" if only_folders else ".+", of_name=True)
    if simple := _SIMPLE.fullmatch(body):
        name = simple["name"]
        both = (name + "/",) if only_folders else (name, name + "/")
        return _Pattern(ignores, endings=both) if simple["star"] else _Pattern(ignores, exact=both)
    expression = _translated(body)
    if "/" in body.removesuffix("/"):
        return _Pattern(ignores, expression)
    return _Pattern(ignores, expression.removeprefix(_ANYWHERE), of_name=True)


def _without_end(text: str) -> str:
    """Return a line without the blanks at its end, but for one that a backslash keeps."""
    kept = text.rstrip(" \t")
    slashes = len(kept) - len(kept.rstrip("\\"))
    return text[: len(kept) + 1] if slashes % 2 and len(kept) < len(text) else kept


def _plain(body: str) -> str:
    """Return a pattern that fits the same, and no other path because of what is above it."""
    only_folders = body.endswith("/")
    parts = body.removesuffix("/").split("/")
    parts = [re.sub(r"\*\*+", "*", part) if part != "**" else part for part in parts]
    for index in range(len(parts) - 1, 0, -1):
        if parts[index - 1 : index + 1] == ["**", "**"]:
            del parts[index]
    if len(parts) > 1 and parts[-1] == "**":
        parts.append("*")  # everything inside, and not the folder itself
    while parts[0] == "" and parts[1:2] == ["**"]:
        del parts[0]  # `/**/x` is `**/x`
    return "/".join(parts) + ("/" if only_folders else "")


def _translated(body: str) -> str:
    """Return the expression of a pattern, for a whole path; raises ValueError."""
    if _UNCLEAR.search(body):
        raise ValueError("a class of letters that is not understood")
    guarded = "\\" + body if body[0] in "!#" else body
    try:
        expression, _ = GitIgnoreSpecPattern.pattern_to_regex(guarded)
    except ValueError:
        raise ValueError("a backslash at its end") from None
    if expression is None:
        raise ValueError("an open bracket without its end")
    expression = expression.replace("?P<ps_d>", "?:")
    # the first place that fits is right, since another star follows: no other is tried
    expression = _STAR_AND_MORE.sub(r"(?>[^/]*?\1)", expression)
    expression = _SET_WITHOUT.sub("(?!/)[^", expression)  # git: no set has the slash
    try:
        re.compile(expression)
    except re.error:
        raise ValueError("a range of letters that runs backwards") from None
    return expression


def _runs(patterns: list[_Pattern]) -> tuple[_Run, ...]:
    groups = list[list[_Pattern]]()
    for pattern in reversed(patterns):
        if not groups or groups[-1][0].ignores != pattern.ignores:
            groups.append([])
        groups[-1].append(pattern)
    return tuple(
        _Run(
            group[0].ignores,
            frozenset(name for one in group for name in one.exact),
            tuple(ending for one in group for ending in one.endings),
            _any_of([one.expression for one in group if one.of_name]),
            _any_of([one.expression for one in group if one.expression and not one.of_name]),
        )
        for group in groups
    )


def _any_of(expressions: list[str]) -> re.Pattern[str] | None:
    if not expressions:
        return None
    return re.compile("|".join(f"(?:{one})" for one in dict.fromkeys(expressions)), re.DOTALL)
