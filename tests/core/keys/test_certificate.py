"""The one certificate a device can have: what the library would write, and nothing else is read."""

from __future__ import annotations

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import Malformed
from potluck.core.keys.certificate import (
    _WEAK_POINTS,
    _WEAK_SEALING,
    CertifiedKeys,
    fingerprint,
    keys_in,
    write_certificate,
)
from potluck.core.keys.identity import DeviceKey
from potluck.core.limits import KEY_BYTES
from tests.core.fakes import key
from tests.core.keys.reencodings import ORDER, is_read, reencodings, resigned, signed_again, splits

FIELD = 2**255 - 19
SIGN_BIT = 1 << 255
OWNER = key(1)
KEYS = CertifiedKeys(OWNER.public_bytes, OWNER.sealing_public)


def little(number: int) -> bytes:
    return number.to_bytes(32, "little")


def as_the_library_writes_it(owner: DeviceKey) -> bytes:
    """The same certificate, made by somebody else's encoder."""
    secret = Ed25519PrivateKey.from_private_bytes(owner.secret[:32])
    public = secret.public_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, owner.device.hex())])
    sealing = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.7685.1"), owner.sealing_public)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(int.from_bytes(owner.device[:16], "big") >> 1 | 1)
        .not_valid_before(datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .add_extension(sealing, critical=False)
        .sign(secret, None)
        .public_bytes(Encoding.DER)
    )


def with_a_short_serial() -> DeviceKey:
    """A device whose serial number takes a byte less than others': one in 256."""
    secrets = (number.to_bytes(4) * 16 for number in range(1_000_000))
    return next(made for made in map(DeviceKey, secrets) if made.device[0] == 0)


# -- what it is ------------------------------------------------------------------------------------
@given(st.binary(min_size=64, max_size=64))
def test_it_is_what_the_library_would_write_and_its_keys_are_read_from_it(secret: bytes) -> None:
    owner = DeviceKey(secret)
    assert owner.certificate == as_the_library_writes_it(owner)
    assert keys_in(owner.certificate) == (owner.public_bytes, owner.sealing_public)


def test_a_serial_number_that_is_short_is_written_short() -> None:
    owner = with_a_short_serial()
    assert len(owner.certificate) == len(OWNER.certificate) - 1
    assert owner.certificate == as_the_library_writes_it(owner)
    assert keys_in(owner.certificate).public == owner.public_bytes


def test_a_fingerprint_is_that_of_the_key_as_certificates_hold_it() -> None:
    assert fingerprint(OWNER.public_bytes) == OWNER.device


# -- what it is not --------------------------------------------------------------------------------
@pytest.mark.parametrize("changed", [1, 2, 0x20, 0x80, 0xFF])
def test_any_byte_of_it_changed_makes_it_void(changed: int) -> None:
    good = OWNER.certificate
    for at in range(len(good)):
        bad = good[:at] + bytes([good[at] ^ changed]) + good[at + 1 :]
        with pytest.raises(Malformed):
            keys_in(bad)


@given(st.data())
def test_any_byte_set_to_any_value_makes_it_void_also_if_signed_anew(data: st.DataObject) -> None:
    before, signed, _ = splits(OWNER.certificate)
    assert before == OWNER.certificate[:4]
    at = data.draw(st.integers(0, len(signed) - KEY_BYTES - 1))  # last comes the sealing key
    value = data.draw(st.integers(0, 255).filter(lambda value: value != signed[at]))
    bad = resigned(OWNER, signed[:at] + bytes([value]) + signed[at + 1 :])
    with pytest.raises(Malformed):
        keys_in(bad)


def test_the_owner_may_have_another_sealing_key_and_nothing_else_differs() -> None:
    other = DeviceKey(OWNER.secret[:32] + key(2).secret[32:])
    assert keys_in(other.certificate) == (OWNER.public_bytes, other.sealing_public)
    assert splits(other.certificate)[1][:-KEY_BYTES] == splits(OWNER.certificate)[1][:-KEY_BYTES]


def test_cut_short_or_with_something_more_it_is_void() -> None:
    good = OWNER.certificate
    for length in range(len(good)):
        for bad in (good[:length], good[length + 1 :]):
            with pytest.raises(Malformed):
                keys_in(bad)
    for more in (b"\0", b"0", b"\x30\x00", bytes(64), good):
        for bad in (good + more, more + good, good[:-64] + more + good[-64:]):
            with pytest.raises(Malformed):
                keys_in(bad)


@given(st.binary(max_size=600))
def test_any_bytes_are_malformed_and_nothing_else(data: bytes) -> None:
    with pytest.raises(Malformed):
        keys_in(data)


# it only warns of a serial number that is not positive; the next one refuses it
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_whatever_else_the_library_can_read_is_void() -> None:
    read = 0
    for name, bad in reencodings(OWNER):
        assert bad != OWNER.certificate, name
        with pytest.raises(Malformed):
            keys_in(bad)
        read += is_read(bad)
    assert read >= 200


# -- signatures ------------------------------------------------------------------------------------
def test_it_is_signed_by_its_owner_and_nobody_else() -> None:
    foreign = write_certificate(KEYS, Ed25519PrivateKey.from_private_bytes(key(2).secret[:32]).sign)
    with pytest.raises(Malformed, match="not signed by its owner"):
        keys_in(foreign)


def test_keys_of_two_devices_do_not_go_together() -> None:
    mixed = write_certificate(KEYS._replace(sealing=key(2).sealing_public), lambda _: bytes(64))
    with pytest.raises(Malformed, match="not signed by its owner"):
        keys_in(mixed)


def test_a_signature_is_not_changed_by_adding_the_order_of_the_group() -> None:
    good = OWNER.certificate
    scalar = int.from_bytes(good[-32:], "little")
    with pytest.raises(Malformed):
        keys_in(good[:-32] + little(scalar + ORDER))


def test_a_certificate_signed_twice_is_the_same_devices() -> None:
    again = signed_again(OWNER)
    assert again != OWNER.certificate
    assert again[:-64] == OWNER.certificate[:-64]
    assert keys_in(again) == KEYS


# -- keys ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("sign", [0, SIGN_BIT], ids=["even", "odd"])
@pytest.mark.parametrize("point", [*sorted(_WEAK_POINTS), FIELD, FIELD + 1, FIELD + 18])
def test_a_key_with_which_everybody_can_sign_is_nobodys(point: int, sign: int) -> None:
    with pytest.raises(Malformed, match="nobody's"):
        keys_in(write_certificate(KEYS._replace(public=little(point | sign)), forgery))


def forgery(_: bytes) -> bytes:
    """The signature that the neutral point makes on anything: R is neutral, S nothing."""
    return little(1) + bytes(32)


def test_else_it_would_be_believed() -> None:
    Ed25519PublicKey.from_public_bytes(little(1)).verify(forgery(b""), b"whatever is said")


@pytest.mark.parametrize(
    "number", [*sorted(_WEAK_SEALING), FIELD, FIELD + 1, FIELD + 9, SIGN_BIT | 9, SIGN_BIT * 2 - 1]
)
def test_a_sealing_key_that_is_none_is_nobodys(number: int) -> None:
    bad = signed_by_owner(KEYS._replace(sealing=little(number)))
    with pytest.raises(Malformed, match="nobody's"):
        keys_in(bad)


def test_every_other_sealing_key_is_its_owners_business() -> None:
    for number in (2, 9, FIELD - 2):
        assert keys_in(signed_by_owner(KEYS._replace(sealing=little(number))))


def signed_by_owner(keys: CertifiedKeys) -> bytes:
    return write_certificate(keys, Ed25519PrivateKey.from_private_bytes(OWNER.secret[:32]).sign)


def test_the_weak_ones_are_the_ones_of_small_order() -> None:
    """Told by the curves: eight times such a point is the neutral one."""
    assert len(_WEAK_SEALING) == len(_WEAK_POINTS) == 5
    ours = X25519PrivateKey.from_private_bytes(bytes(32))
    for number in _WEAK_SEALING:
        with pytest.raises(ValueError, match="shared key"):
            ours.exchange(X25519PublicKey.from_public_bytes(little(number)))
    for y in _WEAK_POINTS:
        assert doubled(doubled(doubled(y))) == 1


def doubled(y: int) -> int:
    """The y of twice a point: (y² + x²) / (2 + x² - y²) (RFC 8032 §5.1.4)."""
    d = -121665 * pow(121666, -1, FIELD) % FIELD
    yy = y * y % FIELD
    xx = (yy - 1) * pow(1 + d * yy, -1, FIELD)  # from -x² + y² = 1 + d x² y²
    return (yy + xx) * pow(2 + xx - yy, -1, FIELD) % FIELD
