"""Finding a secret in what a program wrote, said or sent, in whatever way it may be written there.

Strategy: a secret is looked for in pieces, so that half of it is found as well: as it is, in
hexadecimal, in base64 at each of its three positions, as Python shows bytes, and as a list of
numbers. Guarantee: a piece is long enough not to be met by chance. Limits: what was encrypted,
compressed or written backwards is not found.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

PIECE_BYTES = 12  # 2**96: not in any capture by chance
FORM_BYTES = 8  # what is shorter is met by chance in some megabytes; a short name stays as it is
_BASE64_GROUP = 3


def pieces_of(secret: bytes) -> list[bytes]:
    """The parts of a secret of which one is enough."""
    if len(secret) <= PIECE_BYTES:
        return [secret]
    return [secret[at : at + PIECE_BYTES] for at in range(0, len(secret) - PIECE_BYTES + 1, 4)]


def forms_of(piece: bytes) -> set[bytes]:
    """How a piece may be written."""
    digits = piece.hex()
    forms = {piece, digits.encode(), digits.upper().encode(), piece.hex(":").encode()}
    for before in range(_BASE64_GROUP):
        whole = base64.b64encode(bytes(before) + piece)
        sure = whole[4 if before else 0 : -4]  # of these letters all bits are the piece's
        forms |= {sure, sure.translate(bytes.maketrans(b"+/", b"-_"))}
    forms.add(repr(piece)[2:-1].encode())
    forms.add(", ".join(map(str, piece)).encode())
    return {piece} | {form for form in forms if len(form) >= FORM_BYTES}


def found_in(data: bytes, secrets: Mapping[str, bytes]) -> list[str]:
    """The names of the secrets of which something stands in the data, in any form."""
    return [
        name
        for name, secret in secrets.items()
        if any(form in data for piece in pieces_of(secret) for form in forms_of(piece))
    ]


def found_in_all(texts: Mapping[str, bytes], secrets: Mapping[str, bytes]) -> list[str]:
    """What was found where."""
    return [
        f"{name} in {where}" for where, data in texts.items() for name in found_in(data, secrets)
    ]
