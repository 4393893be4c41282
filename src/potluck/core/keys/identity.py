"""Device keys: who a device is, and what it signs.

Strategy: a device *is* its Ed25519 key. The device id is the SHA-256 of the public key as
SubjectPublicKeyInfo, so it can be recomputed from any certificate and never has to be believed. A
second key, X25519, is for sealing and for the knock (protocol.md §1, §2). Every signature covers a
purpose string, so bytes signed for one use cannot be replayed in another (Borg calls this the
Horton principle).

The certificate carries the X25519 key too, so that a device vouches for both halves of itself; how
it is written, and that no other way counts, stands in certificate.py. `identity_of` is the one
door: whatever certificate comes from outside, in a roster, at admission or on a link, is read here.

Guarantees: pure and deterministic; randomness comes in as seeds. One key always yields byte for
byte the same certificate (Ed25519 signatures are deterministic, RFC 8032), so a certificate needs
no storage of its own. Limits: who holds the key is the device, on however many machines.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import NamedTuple, NewType, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from potluck.core.errors import Malformed
from potluck.core.keys.certificate import (
    CertifiedKeys,
    fingerprint,
    keys_in,
    write_certificate,
)

DeviceId = NewType("DeviceId", bytes)
"""32 bytes: SHA-256 of the device's SubjectPublicKeyInfo."""
GroupId = NewType("GroupId", bytes)
"""32 bytes: BLAKE3 of the group's genesis record."""

_SEED_BYTES = 32  # of an Ed25519 seed, and of an X25519 private key
_SECRET_BYTES = 2 * _SEED_BYTES
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Signer(Protocol):
    """Whoever can sign as one device."""

    @property
    def device(self) -> DeviceId:
        """The device that signs."""

    def sign(self, purpose: bytes, data: bytes) -> bytes:
        """Return the device's signature over `data` for `purpose`."""


class Verifier(Protocol):
    """Whoever knows the public keys of devices."""

    def __call__(self, device: DeviceId, purpose: bytes, data: bytes, signature: bytes) -> bool:
        """Say whether `signature` is `device`'s over `data`; an unknown device's never is."""


@lru_cache(maxsize=1024)
def short_id(device: bytes) -> str:
    """Return the first 40 bits of an id as eight Crockford base32 letters, `7F3A-91C2`."""
    bits = int.from_bytes(device[:5], "big")
    letters = "".join(_CROCKFORD[(bits >> shift) & 31] for shift in range(35, -1, -5))
    return f"{letters[:4]}-{letters[4:]}"


class Identity(NamedTuple):
    """Who a device is, as its certificate proves."""

    device: DeviceId
    public: bytes  # Ed25519 key, 32 bytes
    sealing: bytes  # X25519 key, 32 bytes


def identity_of(certificate: bytes) -> Identity:
    """Return who has this certificate, DER; raises Malformed unless it is the one it can have."""
    keys = keys_in(certificate)
    return Identity(DeviceId(fingerprint(keys.public)), keys.public, keys.sealing)


def device_of(certificate: bytes) -> DeviceId:
    """Recompute the device id from a certificate; raises Malformed as `identity_of` does."""
    return identity_of(certificate).device


def verify(public_key: bytes, purpose: bytes, data: bytes, signature: bytes) -> bool:
    """Say whether `signature` is over `data` for `purpose` by the Ed25519 key `public_key`."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, _bound(purpose, data))
    except (InvalidSignature, ValueError):
        return False
    return True


class DeviceKey:
    """The secret half of a device: 64 bytes, from which everything else follows."""

    def __init__(self, secret: bytes) -> None:
        """Take 64 secret bytes: an Ed25519 seed and an X25519 private key."""
        if len(secret) != _SECRET_BYTES:
            raise Malformed(f"a device key is {_SECRET_BYTES} bytes", f"these are {len(secret)}")
        self.secret = secret
        self._signing = Ed25519PrivateKey.from_private_bytes(secret[:_SEED_BYTES])
        self._sealing = X25519PrivateKey.from_private_bytes(secret[_SEED_BYTES:])

    def __repr__(self) -> str:
        return f"<DeviceKey of {short_id(self.device)}>"

    @cached_property
    def device(self) -> DeviceId:
        """The device id."""
        return DeviceId(fingerprint(self.public_bytes))

    @cached_property
    def public_bytes(self) -> bytes:
        """The Ed25519 public key, 32 bytes."""
        return self._signing.public_key().public_bytes_raw()

    @cached_property
    def sealing_public(self) -> bytes:
        """The X25519 public key, 32 bytes."""
        return self._sealing.public_key().public_bytes_raw()

    @cached_property
    def certificate(self) -> bytes:
        """The self-signed certificate, DER."""
        return write_certificate(
            CertifiedKeys(self.public_bytes, self.sealing_public), self._signing.sign
        )

    @cached_property
    def private_pem(self) -> bytes:
        """The Ed25519 private key as PKCS #8 PEM, for OpenSSL."""
        return self._signing.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def sign(self, purpose: bytes, data: bytes) -> bytes:
        """Return the 64-byte signature over `data` for `purpose`."""
        return self._signing.sign(_bound(purpose, data))

    def agree(self, other: bytes, purpose: bytes) -> bytes:
        """Return 32 secret bytes shared with the X25519 key `other` (RFC 7748, RFC 5869).

        They are for one `purpose`. Raises Malformed for a key that is none, or one of the few that
        give everybody the same secret.
        """
        try:
            shared = self._sealing.exchange(X25519PublicKey.from_public_bytes(other))
        except ValueError as error:
            raise Malformed("that is not an X25519 key", str(error)) from error
        both = b"".join(sorted((self.sealing_public, other)))
        return HKDF(hashes.SHA256(), 32, salt=both, info=purpose).derive(shared)


def _bound(purpose: bytes, data: bytes) -> bytes:
    return b"potluck " + purpose + b"\0" + data
