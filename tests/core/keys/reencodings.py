"""Certificates that say nearly what a device's own does, in hundreds of other ways.

Strategy: a certificate is taken apart into a tree of values; each variant changes one thing in the
tree (or how its lengths are written), puts it together and has the owner itself sign it: so nothing
but its form is wrong with it. Most of them some library reads as a certificate of this device, and
some of those OpenSSL cannot load as a trust anchor.

Guarantees: no variant equals the certificate it is made from, and each has a name for the report of
a failure. Limits: what one could do with the signature itself is in test_certificate.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import permutations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from potluck.core.keys.identity import DeviceKey

ED25519 = bytes.fromhex("300506032b6570")
WITH_NULL = bytes.fromhex("300706032b65700500")
CONSTRUCTED = 0x20
ORDER = 2**252 + 27742317777372353535851937790883648493  # of Ed25519's group
VERSION, SERIAL, ALGORITHM, ISSUER, VALIDITY, SUBJECT, KEY_INFO, EXTENSIONS = range(8)
STRINGS = {  # by tag: how the letters of the name are written under it
    0x13: "ascii", 0x16: "ascii", 0x14: "ascii", 0x12: "ascii", 0x1A: "ascii", 0x1B: "ascii",
    0x19: "ascii", 0x15: "ascii", 0x1E: "utf-16-be", 0x1C: "utf-32-be", 0x04: "ascii",
    0x07: "ascii", 0x8C: "ascii",
}  # fmt: skip
EXTRA = (  # as in RFC 5280 and elsewhere: an identifier, and something that may stand there
    ("2.5.29.15 keyUsage", "0603551d0f", "03020106"),
    ("2.5.29.15 keyUsage that forbids signing", "0603551d0f", "03020520"),
    ("2.5.29.17 alternative name", "0603551d11", "30038201" + "78"),
    ("2.5.29.17 alternative name of an odd kind", "0603551d11", "3004a3020500"),
    ("2.5.29.17 alternative name, empty", "0603551d11", "3000"),
    ("2.5.29.18 issuer's alternative name", "0603551d12", "30038201" + "78"),
    ("2.5.29.30 name constraints", "0603551d1e", "3009a00730058203" + "6f6e65"),
    ("2.5.29.31 revocation lists", "0603551d1f", "3000"),
    ("2.5.29.32 policies", "0603551d20", "30083006060455" + "1d2000"),
    ("2.5.29.36 policy constraints", "0603551d24", "3003800100"),
    ("2.5.29.37 purposes: mail", "0603551d25", "300a06082b06010505070304"),
    ("2.5.29.37 purposes: servers", "0603551d25", "300a06082b06010505070301"),
    ("2.5.29.37 purposes: none", "0603551d25", "3000"),
    ("2.5.29.54 any policy", "0603551d36", "020100"),
    ("1.3.6.1.5.5.7.1.1 where to ask", "06082b06010505070101", "3000"),
    ("unknown", "0604" + "69bc0502", "0500"),
    ("unknown, nothing in it", "0604" + "69bc0503", ""),
    ("unknown, not DER", "0604" + "69bc0504", "ffffff"),
)


@dataclass(frozen=True)
class Value:
    """One value of DER: its tag, what is in it, and a length written otherwise than it should."""

    tag: int
    content: bytes = b""
    parts: tuple[Value, ...] = ()
    length: Callable[[int], bytes] | None = None

    def written(self) -> bytes:
        content = self.content or b"".join(part.written() for part in self.parts)
        return bytes([self.tag]) + (self.length or shortest)(len(content)) + content


def shortest(size: int) -> bytes:
    if size < 128:
        return bytes([size])
    count = (size.bit_length() + 7) // 8
    return bytes([0x80 | count]) + size.to_bytes(count)


LENGTHS: dict[str, Callable[[int], bytes]] = {
    "in two bytes": lambda size: b"\x82" + size.to_bytes(2),
    "in four bytes": lambda size: b"\x84" + size.to_bytes(4),
    "in nine bytes": lambda size: b"\x89" + size.to_bytes(9),
    "indefinite": lambda _: b"\x80",
    "one too long": lambda size: shortest(size + 1),
    "one too short": lambda size: shortest(max(size - 1, 0)),
    "reserved": lambda _: b"\xff",
}


def read(data: bytes) -> tuple[Value, bytes]:
    """Take the first value off; it is DER as a device writes it."""
    tag, size, at = data[0], data[1], 2
    if size >= 128:
        at = 2 + size - 128
        size = int.from_bytes(data[2:at])
    content, rest = data[at : at + size], data[at + size :]
    if not tag & CONSTRUCTED:
        return Value(tag, content), rest
    parts = []
    while content:
        part, content = read(content)
        parts.append(part)
    return Value(tag, parts=tuple(parts)), rest


def splits(certificate: bytes) -> tuple[bytes, bytes, bytes]:
    """Return what stands before the part that is signed, that part, and what stands behind it."""
    signed = read(certificate)[0].parts[0].written()
    at = certificate.index(signed)
    return certificate[:at], signed, certificate[at + len(signed) :]


def resigned(owner: DeviceKey, signed: bytes, algorithm: bytes = ED25519) -> bytes:
    """Return a certificate around that part, signed by this device."""
    signature = Ed25519PrivateKey.from_private_bytes(owner.secret[:32]).sign(signed)
    content = signed + algorithm + b"\x03\x41\x00" + signature
    return b"\x30" + shortest(len(content)) + content


def is_read(certificate: bytes) -> bool:
    """Whether the library takes this for a certificate with a device's kind of key."""
    try:
        public = x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm):
        return False
    return isinstance(public, Ed25519PublicKey)


def signed_again(owner: DeviceKey) -> bytes:
    """Return the certificate with another signature, which is as good: by another nonce.

    The nonce is the secret of another key, so its point need not be computed here.
    """
    signed = splits(owner.certificate)[1]
    other = DeviceKey(owner.secret[::-1] if owner.secret != owner.secret[::-1] else bytes(64))
    challenge = hashlib.sha512(other.public_bytes + owner.public_bytes + signed).digest()
    scalar = _scalar(other) + int.from_bytes(challenge, "little") * _scalar(owner)
    signature = other.public_bytes + (scalar % ORDER).to_bytes(32, "little")
    return owner.certificate[: -len(signature)] + signature


def _scalar(owner: DeviceKey) -> int:
    """The number behind a public key (RFC 8032 §5.1.5)."""
    number = int.from_bytes(hashlib.sha512(owner.secret[:32]).digest()[:32], "little")
    return number & ~7 & ((1 << 254) - 1) | 1 << 254


def reencodings(owner: DeviceKey) -> Iterator[tuple[str, bytes]]:
    """Return every variant of a device's certificate, with what is different in it."""
    tree = read(splits(owner.certificate)[1])[0]
    for kind in (_names, _numbers, _dates, _algorithms, _more_or_less, _extensions, _lengths):
        for name, changed in kind(tree):
            yield name, resigned(owner, changed.written())
    yield "outer algorithm with NULL", resigned(owner, tree.written(), WITH_NULL)
    both = _with(tree, ALGORITHM, read(WITH_NULL)[0])
    yield "both algorithms with NULL", resigned(owner, both.written(), WITH_NULL)
    yield from _outer(owner)


def _with(tree: Value, at: int, part: Value | None) -> Value:
    """Return the tree with another part there, or without it."""
    parts = () if part is None else (part,)
    return replace(tree, parts=(*tree.parts[:at], *parts, *tree.parts[at + 1 :]))


def _raw(data: str) -> Value:
    return read(bytes.fromhex(data))[0]


def _name(*attributes: Value) -> Value:
    return Value(0x30, parts=tuple(Value(0x31, parts=(one,)) for one in attributes))


def _attribute(tag: int, content: bytes, kind: str = "0603550403") -> Value:
    return Value(0x30, parts=(_raw(kind), Value(tag, content)))


def _names(tree: Value) -> Iterator[tuple[str, Value]]:
    """The names: other kinds of text, other letters, more of them."""
    common = tree.parts[SUBJECT].parts[0].parts[0].parts[1].content
    changed = {
        f"text of tag {tag:#x}": _name(_attribute(tag, common.decode().encode(how)))
        for tag, how in STRINGS.items()
    }
    own = _attribute(0x0C, common)
    changed |= {
        "capital letters": _name(_attribute(0x0C, common.upper())),
        "a space behind": _name(_attribute(0x0C, common + b" ")),
        "a zero byte behind": _name(_attribute(0x0C, common + b"\0")),
        "not UTF-8": _name(_attribute(0x0C, common[:-1] + b"\xff")),
        "somebody else": _name(_attribute(0x0C, b"0" * 64)),
        "half": _name(_attribute(0x0C, common[:32])),
        "longer than names may be": _name(_attribute(0x0C, common * 2)),
        "twice": _name(own, own),
        "an organisation besides": _name(own, _attribute(0x0C, b"x", "060355040a")),
        "an organisation instead": _name(_attribute(0x0C, common, "060355040a")),
        "an unknown kind besides": _name(own, _attribute(0x0C, b"x", "06036a0203")),
        "two in one": Value(
            0x30, parts=(Value(0x31, parts=(own, _attribute(0x0C, b"x", "060355040a"))),)
        ),
        "nobody": Value(0x30),
    }
    for what, name in changed.items():
        yield f"issuer: {what}", _with(tree, ISSUER, name)
        yield f"subject: {what}", _with(tree, SUBJECT, name)
        yield f"both names: {what}", _with(_with(tree, ISSUER, name), SUBJECT, name)


def _numbers(tree: Value) -> Iterator[tuple[str, Value]]:
    """Version and serial number."""
    serial = tree.parts[SERIAL].content
    changed = {
        "negative": b"\xff" + serial,
        "minus one": b"\xff",
        "the least of a byte": b"\x80",
        "zero": b"\0",
        "one": b"\1",
        "of 20 bytes": b"\x7f" * 20,
        "of 21 bytes": b"\0" + b"\xff" * 20,
        "of 100 bytes": b"\x55" * 100,
        "one more": (int.from_bytes(serial) + 1).to_bytes(len(serial)),
        "a zero before": b"\0" + serial,
        "nothing": b"",
    }
    for what, content in changed.items():
        yield f"serial number: {what}", _with(tree, SERIAL, Value(0x02, content))
    for what, version in {"1": "a003020100", "2": "a003020101", "4": "a003020103",
                          "9": "a003020109", "negative": "a0030201ff", "long": "a00402020002",
                          "300": "a0040202012c"}.items():  # fmt: skip
        yield f"version {what}", _with(tree, VERSION, _raw(version))
    yield "no version", _with(tree, VERSION, None)


def _dates(tree: Value) -> Iterator[tuple[str, Value]]:
    """From when to when."""
    start, end = tree.parts[VALIDITY].parts
    starts = [f"{year:02}0101000000Z" for year in range(0, 100, 3) if year != 70]
    starts += ["700101000001Z", "7001010000Z", "700101000000+0000", "700101010000+0100"]
    ends = [f"{year}1231235959Z" for year in (1970, 2024, 2049, 2050, 2100, 9998)]
    ends += ["99991231235958Z", "99991231235959.0Z", "99991231235959", "00000101000000Z"]
    changed: dict[str, tuple[Value, ...]]
    changed = {f"from {text}": (Value(0x17, text.encode()), end) for text in starts}
    changed |= {f"until {text}": (start, Value(0x18, text.encode())) for text in ends}
    changed |= {
        "from 1970 in the long form": (Value(0x18, b"19700101000000Z"), end),
        "from 1950": (Value(0x18, b"19500101000000Z"), end),
        "until 2049 in the short form": (start, Value(0x17, b"491231235959Z")),
        "the other way round": (end, start),
        "one date": (start,),
        "three dates": (start, end, end),
    }
    for what, dates in changed.items():
        yield f"valid {what}", _with(tree, VALIDITY, Value(0x30, parts=dates))


def _algorithms(tree: Value) -> Iterator[tuple[str, Value]]:
    """What it is signed with, and what the key is for."""
    key = tree.parts[KEY_INFO].parts[1]
    changed = {
        "with NULL": "300706032b65700500",
        "with an empty list": "300706032b65703000",
        "of Ed448": "300506032b6571",
        "of X25519": "300506032b656e",
        "without a name": "3000",
    }
    for what, data in changed.items():
        yield f"algorithm {what}", _with(tree, ALGORITHM, _raw(data))
        yield f"key {what}", _with(tree, KEY_INFO, Value(0x30, parts=(_raw(data), key)))
    own = _raw(ED25519.hex())
    for what, bits in {
        "a bit unused": b"\1" + key.content[1:],
        "a byte more": key.content + b"\0",
        "a byte less": key.content[:-1],
    }.items():
        yield f"key with {what}", _with(tree, KEY_INFO, Value(0x30, parts=(own, Value(3, bits))))


def _more_or_less(tree: Value) -> Iterator[tuple[str, Value]]:
    """Parts that are missing, or that no device writes."""
    for at in range(len(tree.parts)):
        yield f"without part {at}", _with(tree, at, None)
        yield f"part {at} twice", _with(tree, at, Value(0, parts=(tree.parts[at],) * 2))
    before, last = tree.parts[:EXTENSIONS], tree.parts[EXTENSIONS]
    for what, unique in {"issuer": 0x81, "subject": 0x82}.items():
        with_id = (*before, Value(unique, b"\0abc"), last)
        yield f"a unique id of the {what}", replace(tree, parts=with_id)
    for data in ("0500", "020100", "a400", "04020000"):
        yield f"{data} behind all", replace(tree, parts=(*tree.parts, _raw(data)))


def _extensions(tree: Value) -> Iterator[tuple[str, Value]]:
    """Extensions: in another order, missing, repeated, more of them, with other marks."""
    own = tree.parts[EXTENSIONS].parts[0].parts
    for order in permutations(range(len(own))):
        if order != tuple(range(len(own))):
            yield f"order {order}", _extended(tree, tuple(own[at] for at in order))
    for at, one in enumerate(own):
        rest = (*own[:at], *own[at + 1 :])
        identifier, value = one.parts[0], one.parts[-1]
        yield f"extension {at} missing", _extended(tree, rest)
        yield f"extension {at} alone", _extended(tree, (one,))
        for where in (0, len(own)):
            repeated = (*own[:where], one, *own[where:])
            yield f"extension {at} again at {where}", _extended(tree, repeated)
        for what, mark in {"critical": "0101ff", "not critical, said": "010100",
                           "a little critical": "010101", "not said": ""}.items():  # fmt: skip
            marks = (_raw(mark),) if mark else ()
            marked = Value(0x30, parts=(identifier, *marks, value))
            if marked != one:
                changed = (*own[:at], marked, *own[at + 1 :])
                yield f"extension {at} {what}", _extended(tree, changed)
        contents = {"empty": b"", "longer": value.content + b"\0", "NULL": b"\5\0"}
        for what, octets in (contents | {"zeros": bytes(len(value.content))}).items():
            other = replace(one, parts=(*one.parts[:-1], Value(0x04, octets)))
            yield f"extension {at} {what}", _extended(tree, (*own[:at], other, *own[at + 1 :]))
    for name, kind, data in EXTRA:
        content = Value(0x04, bytes.fromhex(data))
        for what, mark in {"": "", ", critical": "0101ff"}.items():
            marks = (_raw(mark),) if mark else ()
            extra = Value(0x30, parts=(_raw(kind), *marks, content))
            yield f"with {name}{what}", _extended(tree, (*own, extra))
            yield f"with {name}{what} before all", _extended(tree, (extra, *own))
    yield "no extensions", _extended(tree, ())
    for what, constraints in {"for nobody": "3000", "for all below": "30030101ff",
                              "for two below": "30060101ff020102"}.items():  # fmt: skip
        parts = (own[0].parts[0], own[0].parts[1], Value(0x04, bytes.fromhex(constraints)))
        yield f"an authority {what}", _extended(tree, (Value(0x30, parts=parts), *own[1:]))


def _extended(tree: Value, extensions: tuple[Value, ...]) -> Value:
    return _with(tree, EXTENSIONS, Value(0xA3, parts=(Value(0x30, parts=extensions),)))


def _lengths(tree: Value) -> Iterator[tuple[str, Value]]:
    """Every length in it written otherwise (BER), and every value under a neighbour's tag."""
    for path, value in _walk(tree, ()):
        for what, length in LENGTHS.items():
            if length(len(value.written())) != shortest(len(value.written())):
                yield f"length at {path} {what}", _at(tree, path, replace(value, length=length))
        for bit in (0x01, 0x20, 0x40, 0x80):
            yield f"tag at {path} ^ {bit:#x}", _at(tree, path, replace(value, tag=value.tag ^ bit))


def _walk(value: Value, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Value]]:
    yield path, value
    for at, part in enumerate(value.parts):
        yield from _walk(part, (*path, at))


def _at(tree: Value, path: tuple[int, ...], part: Value) -> Value:
    if not path:
        return part
    at, *rest = path
    return _with(tree, at, _at(tree.parts[at], tuple(rest), part))


def _outer(owner: DeviceKey) -> Iterator[tuple[str, bytes]]:
    """What stands around the part that is signed."""
    good = owner.certificate
    tail = good[4:]
    for what, length in LENGTHS.items():
        if length(len(tail)) != shortest(len(tail)):
            yield f"outer length {what}", b"\x30" + length(len(tail)) + tail
    yield "outer length indefinite, with its end", b"\x30\x80" + tail + b"\0\0"
    signed = splits(good)[1]
    for what, bits in {
        "a bit unused": b"\x03\x41\x01" + good[-64:],
        "a byte less": b"\x03\x40\x00" + good[-64:-1],
        "a byte more": b"\x03\x42\x00" + good[-64:] + b"\0",
        "as octets": b"\x04\x40" + good[-64:],
        "in two pieces": b"\x23\x45\x03\x21\x00" + good[-64:-32] + b"\x03\x20" + good[-32:],
        "none": b"\x03\x01\x00",
    }.items():
        content = signed + ED25519 + bits
        yield f"signature with {what}", b"\x30" + shortest(len(content)) + content
