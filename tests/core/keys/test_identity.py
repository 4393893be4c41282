"""Device keys: ids nobody has to believe, signatures for one purpose, strangers' certificates."""

from __future__ import annotations

import datetime
import hashlib
from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import Malformed
from potluck.core.keys.identity import (
    DeviceKey,
    device_of,
    public_bytes_of,
    sealing_of,
    short_id,
    verify,
)
from tests.core.fakes import key

SEALING = x509.ObjectIdentifier("2.25.7685.1")


def test_a_device_id_is_recomputed_from_the_certificate() -> None:
    assert device_of(key(1).certificate) == key(1).device
    fresh = DeviceKey(key(1).secret)  # what `key` returns may have been asked before
    assert public_bytes_of(key(1).certificate) == fresh.public_bytes == key(1).public_bytes
    assert DeviceKey(key(1).secret).sealing_public == key(1).sealing_public != key(1).public_bytes
    assert key(1).device != key(2).device


def test_one_key_always_gives_the_same_certificate() -> None:
    assert DeviceKey(key(1).secret).certificate == key(1).certificate
    # in whatever version: who keeps one in a roster knows the device by it
    assert hashlib.sha256(key(1).certificate).hexdigest() == (
        "533105aadc3dd8f8af74048b496ae69e121aaae6d1074e18066a90a3d706966d"
    )


def test_a_certificate_names_its_device_and_is_valid_whatever_the_clock_says() -> None:
    certificate = x509.load_der_x509_certificate(key(1).certificate)
    assert (
        certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        == key(1).device.hex()
    )
    assert certificate.not_valid_before_utc.year == 1970
    assert certificate.not_valid_after_utc.year == 9999
    certificate.verify_directly_issued_by(certificate)


def test_a_signature_counts_for_its_purpose_and_its_data_only() -> None:
    signature = key(1).sign(b"member", b"data")
    assert verify(key(1).public_bytes, b"member", b"data", signature)
    assert not verify(key(1).public_bytes, b"accuse", b"data", signature)
    assert not verify(key(1).public_bytes, b"member", b"date", signature)
    assert not verify(key(2).public_bytes, b"member", b"data", signature)


@pytest.mark.parametrize("public", [b"", bytes(31), bytes(33), b"\xff" * 32])
def test_what_is_no_key_verifies_nothing(public: bytes) -> None:
    assert not verify(public, b"member", b"data", bytes(64))


def test_two_devices_agree_on_a_secret_for_a_purpose() -> None:
    secret = key(1).agree(key(2).sealing_public, b"knock")
    assert secret == key(2).agree(key(1).sealing_public, b"knock")
    assert len(secret) == 32
    assert secret != key(1).agree(key(2).sealing_public, b"seal")
    assert secret != key(3).agree(key(2).sealing_public, b"knock")


@pytest.mark.parametrize("other", [b"", bytes(31), bytes(32), b"\1" + bytes(31)])
def test_a_key_that_gives_everybody_the_same_secret_is_refused(other: bytes) -> None:
    with pytest.raises(Malformed):
        key(1).agree(other, b"knock")


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(Malformed, match="64 bytes"):
        DeviceKey(bytes(63))


def test_the_private_key_is_given_to_openssl_as_pem() -> None:
    loaded = serialization.load_pem_private_key(key(1).private_pem, None)
    assert loaded.public_key().public_bytes_raw() == key(1).public_bytes  # type: ignore[union-attr]


def test_a_short_id_is_forty_bits_in_eight_letters() -> None:
    assert short_id(bytes(32)) == "0000-0000"
    assert short_id(b"\xff" * 32) == "ZZZZ-ZZZZ"
    assert short_id(bytes.fromhex("0000000001") + bytes(27)) == "0000-0001"


def test_a_certificate_with_another_kind_of_key_is_refused() -> None:
    elliptic = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(elliptic.public_key())
    )
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start)
    certificate = builder.sign(elliptic, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    with pytest.raises(Malformed, match="Ed25519"):
        device_of(certificate)


def test_a_certificate_of_an_unknown_version_is_refused() -> None:
    version_3 = bytes.fromhex("a003020102")
    assert version_3 in key(1).certificate
    with pytest.raises(Malformed):
        device_of(key(1).certificate.replace(version_3, bytes.fromhex("a003020109")))


# A serial number that is not positive is only warned of by this version of the library; the next
# one refuses it.
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@given(st.data())
def test_a_damaged_certificate_is_malformed_or_read_and_nothing_else(data: st.DataObject) -> None:
    damaged = bytearray(key(1).certificate)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Malformed):
        assert len(device_of(bytes(damaged))) == 32


def forged(
    owner: DeviceKey,
    *,
    signer: DeviceKey | None = None,
    name: str = "",
    sealing: bytes | None = b"s" * 32,
) -> bytes:
    """A certificate around `owner`'s public key that `owner` did not make, or not like this."""
    own = x509.load_der_x509_certificate(owner.certificate)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name or owner.device.hex())])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(own.public_key())
        .serial_number(1)
        .not_valid_before(own.not_valid_before_utc)
        .not_valid_after(own.not_valid_after_utc)
    )
    if sealing is not None:
        builder = builder.add_extension(
            x509.UnrecognizedExtension(SEALING, sealing), critical=False
        )
    secret = Ed25519PrivateKey.from_private_bytes((signer or owner).secret[:32])
    return builder.sign(secret, None).public_bytes(serialization.Encoding.DER)


def test_a_certificate_vouches_for_the_sealing_key_of_its_owner() -> None:
    assert sealing_of(key(1).certificate) == key(1).sealing_public
    assert sealing_of(forged(key(1))) == b"s" * 32  # the owner itself may change its mind


def test_nobody_else_can_vouch_for_a_device() -> None:
    foreign = forged(key(1), signer=key(2))
    assert device_of(foreign) == key(1).device
    for bad in (foreign, forged(key(1), name="x"), forged(key(1), sealing=None)):
        with pytest.raises(Malformed):
            sealing_of(bad)


def test_a_key_tells_whose_it_is_and_nothing_secret() -> None:
    secret = key(1)
    assert repr(secret) == f"<DeviceKey of {short_id(secret.device)}>"
