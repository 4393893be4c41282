"""Skip rules: what of other people's folders a device does not want, and which pattern says so.

Strategy: a pattern is one line of a `.gitignore` (ignore_rules.py), for a path within one folder;
it counts for one device's folder or for all of them. A pattern fits a path if it fits that or a
folder it is in, and of those that fit the last counts: it is one to skip, or, with a `!` before it,
one to keep. So something in a folder that is skipped can be kept, which git cannot. Beside the
patterns there are paths that are wanted all the same: such a path, what is below it and the folders
it is in are not skipped, whatever the patterns say.

Guarantees: pure; the pattern that is named for a path does fit it, or a folder it is in. A pattern
that cannot be understood makes no rule. Limits: that a folder has something in it that is kept, so
that it has to be there, is not seen here (engine/index/needs.py); case counts; few stars
(SKIP_STARS_MAX).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from potluck.core.content.ignore_rules import IgnoreRules, parse_rules

SKIP_STARS_MAX: Final = 3
"""Others choose the names: with five stars one of 240 bytes took 9 s to compare."""
EVERYTHING: Final = "/"
"""The pattern for a whole folder."""
KEEP_MARK: Final = "!"
"""What stands before a pattern that says what is kept."""
_STARS: Final = re.compile(r"\*+")


@dataclass(frozen=True, slots=True)
class SkipRules:
    """What is skipped of one folder."""

    patterns: tuple[tuple[str, IgnoreRules], ...]
    wanted: frozenset[str]  # paths
    above: frozenset[str]  # the folders they are in

    def __bool__(self) -> bool:
        """Say whether anything may be skipped."""
        return bool(self.patterns)

    def skipped_by(self, path: bytes, *, is_folder: bool) -> str | None:
        """Return the pattern for which a path is skipped, None if it is wanted."""
        if not self.patterns:
            return None
        text = path.decode()
        if text in self.above or any(one in self.wanted for one in _from_top(text)):
            return None
        found: str | None = None
        for pattern, rules in self.patterns:
            keeps = pattern.startswith(KEEP_MARK)
            if keeps == (found is None):
                continue  # it would change nothing
            everything = pattern.removeprefix(KEEP_MARK) == EVERYTHING
            if everything or _fits(rules, text, is_folder=is_folder):
                found = None if keeps else pattern
        return found

    @property
    def has_kept(self) -> bool:
        """Whether any pattern says what is kept."""
        return any(pattern.startswith(KEEP_MARK) for pattern, _ in self.patterns)


def skip_rules(patterns: Iterable[str], wanted: Iterable[str]) -> SkipRules:
    """Return the rules of a folder, from patterns that can be understood."""
    bare = [(one, one.removeprefix(KEEP_MARK)) for one in patterns]
    rules = tuple(
        (one, parse_rules(b"" if text == EVERYTHING else text.encode())) for one, text in bare
    )
    paths = frozenset(wanted)
    above = {folder for path in paths for folder in _from_top(path) if folder != path}
    return SkipRules(rules, paths, frozenset(above))


def why_no_pattern(text: str) -> str:
    """Say why a text is no pattern, "" if it is one."""
    if text == EVERYTHING:
        return ""
    if "\n" in text or "\r" in text:
        return "it has more than one line"
    if text.startswith(("!", "#")):
        return "a pattern that begins like this adds nothing"
    rules = parse_rules(text.encode(errors="replace"))
    if rules.faults:
        return rules.faults[0].cause
    if len(_STARS.findall(text)) > SKIP_STARS_MAX:
        return f"more than {SKIP_STARS_MAX} stars in a pattern"
    return "" if rules.runs else "there is nothing in it"


def _from_top(path: str) -> Iterator[str]:
    """Yield the folders that a path is in, the outermost first, then itself."""
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)
    yield path


def _fits(rules: IgnoreRules, path: str, *, is_folder: bool) -> bool:
    """Say whether a pattern fits a path, or a folder that it is in."""
    for one in _from_top(path):
        folder, _, name = one.rpartition("/")
        if rules.ignores(folder, name, is_folder=is_folder or one != path):
            return True
    return False
