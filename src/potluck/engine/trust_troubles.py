"""Trust troubles: links that this device cannot make because TLS will not be prepared here.

Strategy: the shells say after every change which members' certificates their TLS library does not
load, and which of its own preparations failed (`TrustSeen`); here each becomes a trouble with its
reason and what to type, and ends when it is not said any more. Every certificate in the roster is
canonical (core/keys/certificate.py), so one that does not load says something of the library here,
not of the device.

Guarantees: each is told a person once for each of its reasons, and stands in `status` as long as it
lasts. Limits: a preparation is tried when it is needed, so its trouble ends with the next link.
"""

from __future__ import annotations

from potluck.core.content.facts import DESCRIPTORS_ADVISED
from potluck.engine.events import TrustSeen, Unprepared
from potluck.engine.node import Node, tell_trouble
from potluck.engine.troubles import Trouble, TroubleKind

# names the library, and whether it was built or set up to do without what we need
_LIBRARY = 'python3 -c "import ssl; print(ssl.OPENSSL_VERSION)"'


class TrustTroubles:
    """Notes who cannot be linked with, and what cannot be prepared."""

    def __init__(self, node: Node) -> None:
        """Know of none."""
        self._node = node
        self._standing: set[tuple[TroubleKind, str]] = set()

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<TrustTroubles: {len(self._standing)}>"

    def on_seen(self, event: TrustSeen) -> None:
        """This is all that is wrong now."""
        wrong = [self._certificate(self._node.label_of(who), why) for who, why in event.refused]
        wrong += [self._preparation(each) for each in event.unprepared]
        standing = {(trouble.kind, trouble.subject) for trouble in wrong}
        for kind, subject in self._standing - standing:
            self._node.troubles.clear(kind, subject)
        self._standing = standing
        for trouble in wrong:
            code = "tls_unprepared"
            if trouble.kind is TroubleKind.CERTIFICATE:
                code = "certificate_unusable"
            tell_trouble(self._node, trouble, code)

    def _certificate(self, label: str, why: str) -> Trouble:
        reason = (
            f"no link is made with it, since the TLS library here cannot load its certificate "
            f"({why}); perhaps it lacks Ed25519 or was set up to refuse it; links with others go on"
        )
        return Trouble(TroubleKind.CERTIFICATE, label, reason, _LIBRARY, self._node.now, None)

    def _preparation(self, each: Unprepared) -> Trouble:
        cause, command = "perhaps the TLS library here lacks TLS 1.3 or Ed25519", _LIBRARY
        if each.descriptors:
            cause, command = "too many files are open", f"ulimit -n {DESCRIPTORS_ADVISED}"
        reason = f"none can be made, since TLS cannot be prepared for them ({each.why}); {cause}"
        return Trouble(TroubleKind.TLS, each.links, reason, command, self._node.now, None)
