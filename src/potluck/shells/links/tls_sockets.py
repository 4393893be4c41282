"""A TLS socket that never leaves its descriptor behind.

Strategy: `SSLContext.wrap_socket` takes the descriptor over, then asks who is at the other end. If
nobody is any more it raises, and the descriptor waits for the garbage collector. So the class that
our contexts make closes itself where that question fails before a handshake has begun; to ask first
would only make the moment shorter.

Guarantees: a `wrap_socket` that raises has closed what it was given. Limits: from its handshake on
it is an `ssl.SSLSocket` like any other, and only who holds it closes it.
"""

from __future__ import annotations

import ssl


class TlsSocket(ssl.SSLSocket):
    """What `SSLContext.wrap_socket` makes where this is the context's `sslsocket_class`."""

    _begun = False  # `version()` does not tell: it is None again after a link broke

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002  as ssl has it
        """Shake hands; raises OSError."""
        self._begun = True
        super().do_handshake(block)

    def getpeername(self) -> object:
        """Return the address of the other end; raises ConnectionResetError where none is left."""
        try:
            return super().getpeername()
        except OSError as error:
            if not self._begun:
                self.close()
            raise ConnectionResetError("the other side is gone") from error
