"""Group: who belongs together, and what both sides must have said before a device is let in.

Here lives: statements and the roster, admission, founding. Not here: where a member is (core/ring),
what it shares (core/content).
"""
