"""Anything that is valid: random values of the wire's Structs and of the engine's events, made from
their types.

Strategy: `Anything` walks the type of each field and prefers what hurts: bounds, empty lists, the
ids, roots and paths of the world under attack (`known`), and bytes out of it (real signatures under
the wrong thing). What it makes for the wire passes the catalogue's own decoder, so it is exactly
what a malicious member could send. Limits: long lists are rare, since the decoder's bounds are
tested elsewhere.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import math
import types
from random import Random
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

import msgspec

from potluck.core import limits
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.content.pieces import PieceList
from potluck.core.errors import Malformed
from potluck.core.group.codes import TypedCode
from potluck.core.wire.catalogue import (
    CLEAR,
    CONTROL,
    PAIRING,
    SEALED,
    Address,
    Catalogue,
    Unknown,
    encode,
)
from potluck.engine.events import Interface
from tests.fakes.disk import pieces_of

SMALL = 4  # longest list, mostly
LABELS = ("d1", "d2", "refused")
NAMING = {"label", "former"}  # fields of events
EDGES = (0, 1, 2, 255, 2**16 - 1, 2**26, 2**32, 2**50, limits.SEQ_MAX - 1, limits.SEQ_MAX)


class Anything:
    """A source of valid values."""

    def __init__(self, seed: int, known: dict[str, list[Any]]) -> None:
        """`known` holds what exists in the world: "ids", "bytes", "paths", "numbers", "contents",
        "addresses".
        """
        self.random, self.known = Random(seed), known

    # -- the wire ----------------------------------------------------------------------------------
    def message(self, catalogue: Catalogue[Any]) -> Any:
        """A message that this catalogue takes."""
        kinds = {
            CONTROL: "ControlMessage",
            PAIRING: "PairingMessage",
            CLEAR: "ClearDatagram",
            SEALED: "SealedMessage",
        }
        union = getattr(__import__("potluck.core.wire.catalogue", fromlist=["x"]), kinds[catalogue])
        while True:
            made = self.struct(self.random.choice(get_args(union)))
            try:
                read = catalogue.decode(encode(made))
            except Malformed:
                continue
            assert not isinstance(read, Unknown)
            return read

    def struct(self, kind: type) -> Any:
        """A Struct with random fields."""
        info = msgspec.inspect.type_info(kind)
        assert isinstance(info, msgspec.inspect.StructType)
        fields = {
            f.name: self._field(f.type)
            for f in info.fields
            if f.required or self.random.random() < 0.8
        }
        return kind(**fields)

    def _field(self, info: Any) -> Any:
        match info:
            case msgspec.inspect.IntType(ge=low, le=high):
                least = -(2**63) if low is None else low
                return self._integer(least, 2**63 - 1 if high is None else high)
            case msgspec.inspect.BytesType(min_length=low, max_length=high):
                return self._bytes(low or 0, 64 if high is None else high)
            case msgspec.inspect.StrType(max_length=high):
                text = self.random.choice(
                    ["", "d1", "d2", "..", "a/b", "\x1b[2J", "\u202e", "x" * (high or 64), "é"]
                )
                return text[: high or 64]
            case msgspec.inspect.BoolType():
                return self.random.random() < 0.5
            case msgspec.inspect.EnumType(cls=kind):
                return self.random.choice(list(kind))
            case msgspec.inspect.VarTupleType(item_type=item):
                return tuple(self._field(item) for _ in range(self.random.randint(0, SMALL)))
            case msgspec.inspect.ListType(item_type=item, max_length=high):
                longest = SMALL if self.random.random() < 0.97 else 60
                return [
                    self._field(item)
                    for _ in range(self.random.randint(0, min(high or longest, longest)))
                ]
            case msgspec.inspect.StructType(cls=kind):
                records = [value for value in self.known["structs"] if type(value) is kind]
                return (
                    self.random.choice(records)
                    if records and self.random.random() < 0.4
                    else self.struct(kind)
                )
            case msgspec.inspect.UnionType(types=choices):
                return self._field(self.random.choice(choices))
            case msgspec.inspect.NoneType():
                return None
            case _:
                raise AssertionError(f"no values for {info!r}")

    def _integer(self, low: int, high: int) -> int:
        near = [n for n in (*EDGES, *self.known["numbers"], low, high) if low <= n <= high]
        return (
            self.random.choice(near)
            if self.random.random() < 0.8
            else self.random.randint(low, high)
        )

    def _bytes(self, low: int, high: int) -> bytes:
        fitting = [data for data in self.known["bytes"] if low <= len(data) <= high]
        if fitting and self.random.random() < 0.7:
            return self.random.choice(fitting)
        return self.random.randbytes(self.random.choice([low, min(high, 200), min(high, low + 5)]))

    # -- facts -------------------------------------------------------------------------------------
    def event(self, kind: type) -> Any:
        """An event as a shell could make it, about anything or nothing."""
        hints = get_type_hints(kind)
        made = {f.name: self._value(hints[f.name]) for f in dataclasses.fields(kind)}
        # what a shell says of labels it was told by the engine, which looked at them before
        made |= {name: self.random.choice(LABELS) for name in NAMING & made.keys()}
        return kind(**made)

    def _value(self, hint: Any) -> Any:
        made = {
            bool: lambda: self.random.random() < 0.5,
            int: lambda: self._integer(0, 2**50),
            float: lambda: self.random.choice([0.0, 0.5, 60.0, 1e12, math.inf]),
            str: lambda: self.random.choice(["", "refused", "own", "x\ny", "d1/a"]),
            bytes: lambda: self._bytes(0, 600),
            SafePath: lambda: self.random.choice(self.known["paths"]),
            TypedCode: lambda: TypedCode(self.random.choice(["", "abandon ability able", "x y z"])),
            PieceList: lambda: pieces_of(self.random.choice(self.known["contents"])),
            Interface: lambda: Interface(
                "eth0", f"10.{self.random.randrange(256)}.0.1", "", self.random.randint(0, 32)
            ),
            Address: lambda: self.random.choice(self.known["addresses"]),
        }
        if hint in made:
            return made[hint]()
        if isinstance(hint, NewType):
            ids = self.known["ids"] if hint.__supertype__ is bytes else self.known["numbers"]
            return self.random.choice(ids)
        return self._composed(hint)

    def _composed(self, hint: Any) -> Any:
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in {Union, types.UnionType}:
            return self._value(self.random.choice(arguments))
        if origin is tuple and arguments[-1] is Ellipsis:
            return tuple(self._value(arguments[0]) for _ in range(self.random.randint(0, SMALL)))
        if origin is tuple:
            return tuple(self._value(argument) for argument in arguments)
        if hint is types.NoneType:
            return None
        if inspect.isclass(hint) and issubclass(hint, enum.Enum):
            return self.random.choice(list(hint))
        if inspect.isclass(hint) and issubclass(hint, msgspec.Struct):
            return self.struct(hint)
        assert dataclasses.is_dataclass(hint), hint
        return self.event(hint)  # type: ignore[arg-type]


def world(*, ids: list[bytes], labels: list[str], structs: list[Any]) -> dict[str, list[Any]]:
    """What is known of a world with these devices."""
    names = [f"{label}/{name}" for label in labels for name in ("a", "b", "b/c", "d/e/f")]
    contents = [b"", b"hello", b"other", bytes(9000)]
    roots = [pieces_of(data).root for data in contents]
    loose = [
        value
        for made in structs
        for value in msgspec.structs.asdict(made).values()
        if isinstance(value, bytes)
    ]
    return {
        "ids": ids,
        "bytes": [*ids, *roots, *loose, b"run", b"a", b"b/c", b"../x", b"\xff", bytes(32)],
        "paths": [parse_wire_path(name.encode()) for name in (*names, *labels, "nobody/x")],
        "numbers": [1, 2, 3, 7, 262144, len(b"hello")],
        "contents": contents,
        "addresses": [
            Address("10.0.0.1", 7685),
            Address("10.0.0.9", 0),
            Address("", 1),
            Address("fe80::1", 65535),
        ],
        "structs": structs,
    }
