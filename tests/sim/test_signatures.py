"""A signature that is remembered is judged as one that is not."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature

from potluck.core.errors import Malformed
from potluck.core.keys import certificate, identity
from potluck.core.keys.identity import identity_of, verify
from tests.core.fakes import key
from tests.sim.signatures import RememberedKey


def test_it_stands_where_potluck_verifies():
    for module in (certificate, identity):
        assert vars(module)["Ed25519PublicKey"] is RememberedKey


def test_what_is_forged_is_refused_before_and_after_the_true_one_was_seen():
    one, other = key(1), key(2)
    signature = one.sign(b"for", b"said")
    for _ in range(2):
        assert not verify(one.public_bytes, b"for", b"something else", signature)
        assert not verify(one.public_bytes, b"against", b"said", signature)
        assert not verify(other.public_bytes, b"for", b"said", signature)
        assert not verify(one.public_bytes, b"for", b"said", other.sign(b"for", b"said"))
        assert not verify(one.public_bytes, b"for", b"said", b"short")
        assert not verify(b"no key", b"for", b"said", signature)
        assert verify(one.public_bytes, b"for", b"said", signature)


def test_a_certificate_that_somebody_else_signed_is_none():
    true = key(1).certificate
    for _ in range(2):
        with pytest.raises(Malformed):
            identity_of(true[:-64] + key(2).certificate[-64:])
        assert identity_of(true).device == key(1).device


def test_it_raises_what_the_real_one_raises():
    for _ in range(2):
        with pytest.raises(InvalidSignature):
            RememberedKey.from_public_bytes(key(1).public_bytes).verify(bytes(64), b"said")
        with pytest.raises(ValueError):
            RememberedKey.from_public_bytes(b"no key").verify(bytes(64), b"said")
