"""Device keys: ids nobody has to believe, signatures for one purpose, strangers' certificates."""

from __future__ import annotations

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from potluck.core.errors import Malformed
from potluck.core.keys.identity import (
    DeviceKey,
    device_of,
    identity_of,
    short_id,
    verify,
)
from tests.core.fakes import key


def test_a_device_id_is_recomputed_from_the_certificate() -> None:
    assert device_of(key(1).certificate) == key(1).device
    fresh = DeviceKey(key(1).secret)  # what `key` returns may have been asked before
    assert identity_of(key(1).certificate).public == fresh.public_bytes == key(1).public_bytes
    assert DeviceKey(key(1).secret).sealing_public == key(1).sealing_public != key(1).public_bytes
    assert DeviceKey(key(1).secret).device == key(1).device
    assert key(1).device != key(2).device


def test_a_certificate_vouches_for_both_halves_of_its_device() -> None:
    who = identity_of(key(1).certificate)
    assert who == (key(1).device, key(1).public_bytes, key(1).sealing_public)


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


def test_a_certificate_that_nobody_can_have_is_malformed() -> None:
    """Whatever else a certificate could be is told in test_certificate.py."""
    good = key(1).certificate
    for bad in (b"", b"nothing", good[:-1], good + b"\0", good[:-1] + bytes([good[-1] ^ 1])):
        for read in (identity_of, device_of):
            with pytest.raises(Malformed):
                read(bad)


def test_a_key_tells_whose_it_is_and_nothing_secret() -> None:
    secret = key(1)
    assert repr(secret) == f"<DeviceKey of {short_id(secret.device)}>"
