"""Labels that a person gives: one rule for `up --name`, the configuration and `rename device`.

Strategy: a label is a folder name on every device, so it is one that each file system of today and
each file browser shows as it is. What others sign is judged more mildly (`is_possible`): a label
that somebody has already must go on being one. Guarantees: a label that fits is kept letter for
letter, and what is made of another one fits. Limits: names that differ in case or normal form only
are one label; who has which is known to the roster.
"""

from __future__ import annotations

from typing import Final

from potluck.core.content.paths import collision_key, not_portable
from potluck.core.limits import LABEL_BYTES

TAKEN_NAMES: Final = frozenset(map(collision_key, ("Everyone", "Shared", ".potluck", "Put aside")))
"""Names that folders of potluck itself have, whatever the case of their letters."""
LABEL_RULE: Final = (
    f"it becomes a folder name on every device: letters, digits, space, - _ . ( ), at most "
    f"{LABEL_BYTES} bytes, no space, dot or - at its ends, and no name of Windows (con, nul, …) or "
    "of potluck (Everyone, Shared, …)"
)
"""Why a label is refused."""


def clean_label(text: str) -> str:
    """`text` as a comfortable folder name of at most 64 bytes, "" if nothing is left of it."""
    kept = "".join(letter if letter.isalnum() or letter in " -_.()" else "-" for letter in text)
    kept = kept.strip(" .-").encode()[:LABEL_BYTES].decode(errors="ignore").strip(" .-")
    return "" if collision_key(kept) in TAKEN_NAMES or not_portable(kept) else kept


def is_fit(label: str) -> bool:
    """Say whether a person may call a device so."""
    return label != "" and clean_label(label) == label
