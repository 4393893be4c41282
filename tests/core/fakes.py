"""Cheap stand-ins for keys and chance: a signature is a keyed BLAKE3, a thousand times cheaper than
Ed25519.

Strategy: a `Member` signs with its own name as the key, so anybody can check and, in a test, forge.
`Crowd` is the roster: it knows the members it was given and nobody else. `Dice` is seeded chance.
`member_record` and `key` make the values nearly every test starts from.
"""

from __future__ import annotations

import random
from functools import lru_cache

from blake3 import blake3

from potluck.core.keys.identity import DeviceId, DeviceKey
from potluck.core.ring.members import accuse, write_record
from potluck.core.wire.catalogue import MemberRecord, Status


class Member:
    """Whoever can sign as one made-up device."""

    def __init__(self, name: str) -> None:
        self.device = DeviceId(name.encode().rjust(32, b"\0"))

    def sign(self, purpose: bytes, data: bytes) -> bytes:
        return blake3(purpose + b"\0" + data, key=self.device).digest()


class Crowd:
    """Whoever knows the public keys of some made-up devices."""

    def __init__(self, *members: Member) -> None:
        self.known = {member.device: member for member in members}

    def __call__(self, device: DeviceId, purpose: bytes, data: bytes, signature: bytes) -> bool:
        member = self.known.get(device)
        return member is not None and member.sign(purpose, data) == signature


class Dice:
    """Seeded chance; a list of numbers comes first if it is given."""

    def __init__(self, seed: int = 0, *first: float) -> None:
        self.random = random.Random(seed)
        self.first = list(first)

    def bytes(self, count: int) -> bytes:
        return self.random.randbytes(count)

    def uniform(self, low: float, high: float) -> float:
        return self.first.pop(0) if self.first else self.random.uniform(low, high)


ANN, BEN, CLEO, DORA, EMIL = people = [
    Member(name) for name in ("ann", "ben", "cleo", "dora", "emil")
]
ALL = Crowd(*people)


def apart(one: DeviceId, other: DeviceId) -> bool:
    """Whether two devices let in by the founder cannot be one member: if they are two."""
    return one != other


def member_record(
    member: Member,
    incarnation: int = 1,
    status: Status = Status.ALIVE,
    *,
    seat: int = 1,
    by: Member | None = None,
) -> MemberRecord:
    """A valid record about one member; SUSPECT and DEAD need `by`."""
    accused = status in {Status.SUSPECT, Status.DEAD}
    record = write_record(
        member, b"run", [], incarnation, seat, Status.ALIVE if accused else status
    )
    if not accused:
        return record
    assert by is not None
    return accuse(by, record, status)


@lru_cache
def key(number: int) -> DeviceKey:
    """A real device key, always the same for the same number."""
    return DeviceKey(number.to_bytes(32, "big") + (number + 1000).to_bytes(32, "big"))
