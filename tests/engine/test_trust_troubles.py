"""Trust troubles: who cannot be linked with, and what cannot be prepared, as long as that lasts."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import DESCRIPTORS_ADVISED
from potluck.engine.effects import Tell
from potluck.engine.events import TrustSeen, Unprepared
from potluck.engine.node import Node
from potluck.engine.troubles import TroubleKind
from potluck.engine.trust_troubles import TrustTroubles
from tests.engine.builders import group, key, node, taken

BEN, CLEO = key(2).device, key(3).device
WORN_OUT = Unprepared("links from other devices", "Too many open files", descriptors=True)
OUTDATED = Unprepared("links to other devices", "no such group", descriptors=False)
LIBRARY = 'python3 -c "import ssl; print(ssl.OPENSSL_VERSION)"'


@pytest.fixture
def here() -> Node:
    made = node(1)
    made.now = 100.0
    made.roster = group(1, 2, 3)
    return made


def test_a_certificate_that_does_not_load_is_told_once_with_its_device(here: Node) -> None:
    part, label = TrustTroubles(here), here.label_of(BEN)
    for _ in range(3):
        part.on_seen(TrustSeen(((BEN, "not enough data"),), ()))
    (trouble,) = here.troubles.all()
    assert (trouble.kind, trouble.subject, trouble.since_s) == (
        TroubleKind.CERTIFICATE,
        label,
        100.0,
    )
    assert trouble.reason == (
        "no link is made with it, since the TLS library here cannot load its certificate "
        "(not enough data); perhaps it lacks Ed25519 or was set up to refuse it; "
        "links with others go on"
    )
    assert trouble.command == LIBRARY
    (tell,) = taken(here, Tell)
    assert (tell.code, tell.level, tell.subject) == ("certificate_unusable", "warning", label)
    assert tell.text == f"{label}: {trouble.reason}; try: {LIBRARY}"


def test_what_cannot_be_prepared_is_told_with_its_cause(here: Node) -> None:
    TrustTroubles(here).on_seen(TrustSeen((), (WORN_OUT, OUTDATED)))
    assert [trouble.kind for trouble in here.troubles.all()] == [TroubleKind.TLS] * 2
    first, second = here.troubles.all()
    assert (first.subject, first.command) == (WORN_OUT.links, f"ulimit -n {DESCRIPTORS_ADVISED}")
    assert first.reason == (
        "none can be made, since TLS cannot be prepared for them (Too many open files); "
        "too many files are open"
    )
    assert (second.subject, second.command) == (OUTDATED.links, LIBRARY)
    assert second.reason.endswith(
        "(no such group); perhaps the TLS library here lacks TLS 1.3 or Ed25519"
    )
    assert [tell.code for tell in taken(here, Tell)] == ["tls_unprepared"] * 2


def test_it_is_over_when_it_is_not_said_any_more_and_only_then(here: Node) -> None:
    part = TrustTroubles(here)
    part.on_seen(TrustSeen(((BEN, "x"), (CLEO, "x")), (WORN_OUT,)))
    assert (here.troubles.total, repr(part)) == (3, "<TrustTroubles: 3>")
    part.on_seen(TrustSeen(((CLEO, "x"),), ()))
    (left,) = here.troubles.all()
    assert left.subject == here.label_of(CLEO)
    part.on_seen(TrustSeen((), ()))
    assert (here.troubles.total, repr(part)) == (0, "<TrustTroubles: 0>")
    taken(here, Tell)
    part.on_seen(TrustSeen((), (WORN_OUT,)))
    assert len(taken(here, Tell)) == 1, "once more, since it was over"


def test_who_left_meanwhile_is_told_by_its_id(here: Node) -> None:
    here.roster = group(1)
    TrustTroubles(here).on_seen(TrustSeen(((BEN, "x"),), ()))
    assert here.troubles.all()[0].subject == here.label_of(BEN)
