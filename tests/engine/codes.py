"""The parts of the way in by a code, for tests in which nobody invites and nobody types one."""

from __future__ import annotations

from potluck.core.group.word_list import WORDS
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.group.code_entering import Codes
from potluck.engine.group.invitations import Invitations
from potluck.engine.group.joining import Joining
from potluck.engine.node import Node
from tests.engine.listeners import Heard


def no_codes(node: Node, admission_policy: AdmissionPolicy) -> Codes:
    """What pairings are made with."""
    invitations = Invitations(node, admission_policy, WORDS)
    return Codes(invitations, Joining(node, admission_policy, WORDS, Heard()))
