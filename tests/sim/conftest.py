"""What every run of the simulation shares: signatures that were looked at are looked at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from potluck.core.keys import certificate, identity
from tests.sim.signatures import RememberedKey


@pytest.fixture(autouse=True, scope="package")
def _remembered_signatures() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (certificate, identity):
            patch.setattr(module, "Ed25519PublicKey", RememberedKey)
        yield
