"""Device keys: who a device is, and what it signs.

Strategy: a device *is* its Ed25519 key. The device id is the SHA-256 of the public key as
SubjectPublicKeyInfo, so it can be recomputed from any certificate and never has to be believed. A
second key, X25519, is for sealing and for the knock (protocol.md §1, §2). Every signature covers a
purpose string, so bytes signed for one use cannot be replayed in another (Borg calls this the
Horton principle).

The certificate carries the X25519 key too, so that a device vouches for both halves of itself.

Guarantees: pure and deterministic; randomness comes in as seeds. One key always yields byte for
byte the same certificate (Ed25519 signatures are deterministic, RFC 8032), so a certificate needs
no storage of its own. Limits: certificates are valid 1970 to 9999, since clocks lie; CN = device id
and SKI/AKI are set, since OpenSSL picks the wrong one of two anchors with equal names and no key
identifiers.
"""

from __future__ import annotations

import datetime
import hashlib
from functools import cached_property
from typing import NewType, Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import NameOID

from potluck.core.errors import Malformed

DeviceId = NewType("DeviceId", bytes)
"""32 bytes: SHA-256 of the device's SubjectPublicKeyInfo."""
GroupId = NewType("GroupId", bytes)
"""32 bytes: BLAKE3 of the group's genesis record."""

_SEED_BYTES = 32  # of an Ed25519 seed, and of an X25519 private key
_SECRET_BYTES = 2 * _SEED_BYTES
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SEALING_KEY = x509.ObjectIdentifier("2.25.7685.1")  # 2.25 needs no registration (ITU-T X.667)
_NOT_BEFORE = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_NOT_AFTER = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)


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


def short_id(device: bytes) -> str:
    """Return the first 40 bits of an id as eight Crockford base32 letters, `7F3A-91C2`."""
    bits = int.from_bytes(device[:5], "big")
    letters = "".join(_CROCKFORD[(bits >> shift) & 31] for shift in range(35, -1, -5))
    return f"{letters[:4]}-{letters[4:]}"


def device_of(certificate: bytes) -> DeviceId:
    """Recompute the device id from a DER certificate; raises Malformed if it is none of ours."""
    return _identify(_public_key(certificate))


def public_bytes_of(certificate: bytes) -> bytes:
    """Return the 32 bytes of the Ed25519 public key in a DER certificate; raises Malformed."""
    return _public_key(certificate).public_bytes_raw()


def sealing_of(certificate: bytes) -> bytes:
    """Return the X25519 key that a DER certificate vouches for; raises Malformed.

    The certificate must be named after its own key and signed by it. So nobody can admit a device
    with a sealing key, or under a certificate, that is not the device's own.
    """
    public = _public_key(certificate)
    parsed = x509.load_der_x509_certificate(certificate)
    name = _name(_identify(public))
    try:
        public.verify(parsed.signature, parsed.tbs_certificate_bytes)
        sealing = parsed.extensions.get_extension_for_oid(_SEALING_KEY).value
    except (InvalidSignature, x509.ExtensionNotFound, ValueError) as error:
        raise Malformed("the certificate is not its owner's", str(error)) from error
    named = parsed.subject == parsed.issuer == name
    if not named or not isinstance(sealing, x509.UnrecognizedExtension):
        raise Malformed("the certificate is not named after its key")
    return sealing.value


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
        return _identify(self._signing.public_key())

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
        public = self._signing.public_key()
        name = _name(self.device)
        sealing = x509.UnrecognizedExtension(_SEALING_KEY, self.sealing_public)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(public)
            .serial_number(int.from_bytes(self.device[:16], "big") >> 1 | 1)
            .not_valid_before(_NOT_BEFORE)
            .not_valid_after(_NOT_AFTER)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False
            )
            .add_extension(sealing, critical=False)
        )
        return builder.sign(self._signing, None).public_bytes(serialization.Encoding.DER)

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


def _identify(public: Ed25519PublicKey) -> DeviceId:
    spki = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return DeviceId(hashlib.sha256(spki).digest())


def _name(device: DeviceId) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device.hex())])


def _public_key(certificate: bytes) -> Ed25519PublicKey:
    try:
        public = x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm) as error:
        raise Malformed("that is not a certificate", str(error)) from error
    if not isinstance(public, Ed25519PublicKey):
        raise Malformed("the certificate holds no Ed25519 key")
    return public
