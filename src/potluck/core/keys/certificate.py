"""The one certificate a device can have: written from its two keys, and read by writing it again.

Strategy: everything in a certificate but its signature follows from two public keys, so there is
nothing in it to be parsed. Whoever reads one takes the keys from where they must stand, counted
from the end, writes the certificate that belongs to them and compares byte for byte; then the
device's own signature is checked. So nothing that was encoded in another way (another string tag, a
longer length, one more extension) gets as far as a library that may understand it while another one
does not: a trust anchor that OpenSSL cannot load would cost a whole group its links.

Guarantees: pure. `keys_in` returns what could have been written by `write_certificate` or raises
Malformed, nothing else. Keys that stand for nobody are refused: points of small order, for which
everybody can sign or with which everybody gets the same secret, and numbers beyond the field, by
which one key would have two names. Limits: a device can change its sealing key, and sign one
certificate more than once with different signatures (RFC 8032 makes one, but only its owner could
prove which). Such certificates name the same device, and TLS takes none for another: whoever makes
several can confuse others about itself alone.
Sources: X.690 (DER), RFC 5280, RFC 8410 (Ed25519 in certificates), RFC 7748 and RFC 8032 (keys).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from potluck.core.errors import Malformed
from potluck.core.limits import KEY_BYTES, SIGNATURE_BYTES

_SHORT: Final = 0x80  # a length below this stands for itself (X.690 §8.1.3)

# DER tags
_SEQUENCE: Final = 0x30
_SET: Final = 0x31
_INTEGER: Final = 0x02
_BITS: Final = 0x03
_UTF8: Final = 0x0C
_VERSION: Final = 0xA0
_EXTENSIONS: Final = 0xA3

_ED25519: Final = bytes.fromhex("300506032b6570")  # AlgorithmIdentifier without parameters
_KEY_INFO: Final = b"\x30\x2a" + _ED25519 + b"\x03\x21\x00"  # before an Ed25519 key
_VERSION_3: Final = bytes.fromhex("020102")
_COMMON_NAME: Final = bytes.fromhex("0603550403")  # 2.5.4.3
_ALWAYS: Final = b"\x17\x0d700101000000Z" + b"\x18\x0f99991231235959Z"  # clocks lie
# critical; an authority that issues for nobody but itself: so OpenSSL takes it for an anchor
_BASIC_CONSTRAINTS: Final = bytes.fromhex("30120603551d130101ff040830060101ff020100")
_SUBJECT_KEY: Final = bytes.fromhex("301d0603551d0e04160414")  # before 20 bytes
_AUTHORITY_KEY: Final = bytes.fromhex("301f0603551d23041830168014")  # before 20 bytes
_SEALING_KEY: Final = bytes.fromhex("3028060469bc05010420")  # 2.25.7685.1, before an X25519 key

# Where things stand, counted from the end: nothing behind the serial number changes its length.
_SIGNED_END: Final = len(_ED25519) + 3 + SIGNATURE_BYTES  # 3: tag, length, no bits unused
_SEALING_AT: Final = _SIGNED_END + KEY_BYTES
_KEY_AT: Final = _SIGNED_END + 131 + KEY_BYTES  # 131: the extensions

_FIELD: Final = 2**255 - 19  # of both curves; what is not below it is a second name of something
_SIGN_BIT: Final = 1 << 255
_EIGHTH: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_WEAK_POINTS: Final = frozenset({0, 1, _FIELD - 1, _EIGHTH, _FIELD - _EIGHTH})
"""y of the points of Ed25519 whose order is 1, 2, 4 or 8: "signatures" of them need no secret."""
_WEAK_SEALING: Final = frozenset(
    {
        0,
        1,
        _FIELD - 1,
        0x00B8495F16056286FDB1329CEB8D09DA6AC49FF1FAE35616AEB8413B7C7AEBE0,
        0x57119FD0DD4E22D8868E1C58C45C44045BEF839C55B1D0B1248C50A3BC959C5F,
    }
)
"""u of the points of X25519 and its twist with such an order: every shared secret is zero."""


class CertifiedKeys(NamedTuple):
    """What a certificate says that does not follow from itself."""

    public: bytes  # Ed25519
    sealing: bytes  # X25519


def write_certificate(keys: CertifiedKeys, sign: Callable[[bytes], bytes]) -> bytes:
    """Return the certificate for these keys, DER; `sign` makes the 64-byte signature."""
    signed = _to_be_signed(keys)
    return _der(_SEQUENCE, signed, _ED25519, _der(_BITS, b"\0", sign(signed)))


def keys_in(certificate: bytes) -> CertifiedKeys:
    """Return the keys in a device's certificate; raises Malformed if it is not exactly that."""
    public = certificate[-_KEY_AT:][:KEY_BYTES]
    keys = CertifiedKeys(public, certificate[-_SEALING_AT:-_SIGNED_END])
    signature = certificate[-SIGNATURE_BYTES:]
    if certificate != write_certificate(keys, lambda _: signature):
        raise Malformed("that is not a certificate as every device writes its own")
    if _is_nobodys(keys):
        raise Malformed("a key in the certificate is nobody's")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _to_be_signed(keys))
    except (InvalidSignature, ValueError) as error:
        raise Malformed("the certificate is not signed by its owner", str(error)) from error
    return keys


def fingerprint(public: bytes) -> bytes:
    """Return the 32 bytes that name a device: SHA-256 of its SubjectPublicKeyInfo."""
    return hashlib.sha256(_KEY_INFO + public).digest()


def _to_be_signed(keys: CertifiedKeys) -> bytes:
    """Return what the device signs: all that follows from its keys (RFC 5280 §4.1)."""
    named = fingerprint(keys.public)
    common_name = _der(_SEQUENCE, _COMMON_NAME, _der(_UTF8, named.hex().encode()))
    name = _der(_SEQUENCE, _der(_SET, common_name))
    serial = int.from_bytes(named[:16], "big") >> 1 | 1
    return _der(
        _SEQUENCE,
        _der(_VERSION, _VERSION_3),
        _der(_INTEGER, serial.to_bytes(serial.bit_length() // 8 + 1, "big")),
        _ED25519,
        name,
        _der(_SEQUENCE, _ALWAYS),
        name,
        _KEY_INFO + keys.public,
        _der(_EXTENSIONS, _der(_SEQUENCE, _extensions(keys))),
    )


def _extensions(keys: CertifiedKeys) -> bytes:
    # OpenSSL picks the wrong one of two anchors with equal names and no key identifiers
    key_id = hashlib.sha1(keys.public, usedforsecurity=False).digest()  # RFC 5280 §4.2.1.2 (1)
    identifiers = _SUBJECT_KEY + key_id + _AUTHORITY_KEY + key_id
    return _BASIC_CONSTRAINTS + identifiers + _SEALING_KEY + keys.sealing


def _der(tag: int, *parts: bytes) -> bytes:
    """Return a value with its tag and its length, in the only form that DER allows."""
    content = b"".join(parts)
    size = len(content)
    if size < _SHORT:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _SHORT | len(length))) + length + content


def _is_nobodys(keys: CertifiedKeys) -> bool:
    """Say whether a key belongs to nobody in particular, or is written in a second way."""
    point = int.from_bytes(keys.public, "little") & (_SIGN_BIT - 1)
    sealing = int.from_bytes(keys.sealing, "little")
    if max(point, sealing) >= _FIELD:
        return True
    return point in _WEAK_POINTS or sealing in _WEAK_SEALING
