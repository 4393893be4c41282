"""The account of hostile behaviours: which test shows that one does no harm, and which proof that
it does without its guard; `python -m tests.hostile.behaviours` writes it into docs/protocol.md §9.

Strategy: one literal table; tests/test_behaviours.py compares it with what pytest collects, and
with the page. Guarantee: nothing here is counted for its name alone, both of its tests must exist.
Limits: whether they pass is for their own run to say.
"""

from __future__ import annotations

from typing import Final

from tests.hostile.behaviour import (
    BUGGY,
    MACHINE,
    MEMBER,
    OUTSIDE,
    PAIRING,
    REMOVED,
    TWO,
    Behaviour,
    among_members,
    guarded,
    of,
)
from tests.hostile.behaviours_of_members import OF_MEMBERS

FINDINGS: Final = frozenset(f"H{number}" for number in range(1, 14))
"""What was found on 25 November 2026."""

BEHAVIOURS: Final = (
    # -- outside -----------------------------------------------------------------------------------
    Behaviour(OUTSIDE, "flood of questions by datagram", *guarded("answers")),
    Behaviour(OUTSIDE, "a crowd of connections that say nothing", *guarded("doorway")),
    Behaviour(OUTSIDE, "half a knock", *guarded("deadline")),
    Behaviour(OUTSIDE, "half a handshake", *among_members("handshakes")),
    Behaviour(OUTSIDE, "a knock that proves nothing", *among_members("knocks")),
    Behaviour(OUTSIDE, "TLS 1.2", *guarded("tls")),
    Behaviour(OUTSIDE, "another ALPN", *guarded("alpn")),
    Behaviour(OUTSIDE, "the certificate of another member", *guarded("peer")),
    Behaviour(OUTSIDE, "forged beacon", *guarded("sealing")),
    Behaviour(OUTSIDE, "beacon replay", *guarded("windows")),
    Behaviour(
        OUTSIDE,
        "a certificate in another writing, by a stranger or a member",
        *of(
            "test_certificates",
            "test_a_stranger_with_such_a_certificate_is_not_let_in",
            "test_without_the_first_guard_it_is_admitted_and_the_second_keeps_the_links",
        ),
        "H1",
    ),
    Behaviour(
        OUTSIDE,
        "a certificate that is no anchor stops all links",
        *of(
            "test_certificates",
            "test_a_member_that_admits_such_a_certificate_admits_nobody",
            "test_without_both_nobody_can_make_a_link_and_with_them_that_is_over",
        ),
        "H1",
        "both guards are off",
    ),
    Behaviour(
        OUTSIDE,
        "a session is heard",
        *of(
            "test_sealed",
            "test_who_hears_a_closed_session_learns_no_name",
            "test_without_the_seal_the_same_session_names_them",
        ),
    ),
    Behaviour(
        OUTSIDE,
        "rogue “Home”, a better group for each question",
        *of(
            "test_rogue_groups",
            "test_who_invents_the_best_groups_has_no_more_than_its_turn",
            "test_where_only_groups_rest_nobody_else_is_asked",
        ),
    ),
    Behaviour(
        OUTSIDE,
        "plain bytes first",
        *of("test_strangers", "test_what_is_no_knock_is_answered_by_nothing[http]"),
        remark="whatever is no knock is answered by nothing: there is no guard to take off",
    ),
    Behaviour(
        OUTSIDE,
        "no certificate",
        *of("test_strangers", "test_no_certificate_is_refused"),
        remark=TWO + "OpenSSL asks for one, and we look whose it is",
    ),
    Behaviour(
        OUTSIDE,
        "unknown certificate",
        *of("test_strangers", "test_the_certificate_of_somebody_else_is_refused"),
        remark=TWO + "OpenSSL knows no anchor for it, and we look whose it is",
    ),
    Behaviour(
        OUTSIDE,
        "same-CN certificate",
        *of("test_strangers", "test_a_certificate_with_the_name_of_a_member_is_refused"),
        remark=TWO + "OpenSSL finds it signed by another key, and we look whose it is",
    ),
    Behaviour(
        OUTSIDE,
        "SNI games",
        *of("test_strangers", "test_whatever_server_name_is_asked_for_the_same_device_answers"),
        remark="nothing looks at the name: there is no guard to take off",
    ),
    Behaviour(
        OUTSIDE,
        "giant datagram",
        *of("test_strangers", "test_giant_and_garbage_datagrams"),
        remark=TWO + "no more is received than one may be long, and decoders look at the length",
    ),
    Behaviour(
        OUTSIDE,
        "slow accept",
        "hostile/test_floods.py::"
        "test_who_asks_to_be_dialled_and_stalls_is_dialled_rarely_and_keeps_nobody_waiting",
        remark=TWO + "calls are counted by device, and so are the links that are served",
    ),
    # -- pairing -----------------------------------------------------------------------------------
    Behaviour(
        PAIRING,
        "both keys swapped",
        *of(
            "test_relay",
            "test_swapped_keys_are_other_words_and_a_no_on_one_side_keeps_all_out",
            "test_with_words_that_depend_on_nothing_both_screens_are_the_same",
        ),
    ),
    Behaviour(
        PAIRING,
        "a crowd hides the honest request",
        *of(
            "test_relay",
            "test_in_a_crowd_an_honest_request_is_shown_soon_and_stays",
            "test_where_nobody_stays_the_crowd_pushes_it_off",
        ),
    ),
    Behaviour(
        PAIRING,
        "fourth guess",
        *of("test_codes", "test_the_fourth_guess_is_none", "test_without_a_count_it_is_one"),
    ),
    Behaviour(
        PAIRING,
        "code reused",
        *of("test_codes", "test_a_code_lets_one_device_in", "test_without_an_end_it_lets_in_two"),
    ),
    Behaviour(
        PAIRING,
        "guesses at the same time",
        *of(
            "test_codes",
            "test_guesses_at_the_same_time_are_counted_like_others",
            "test_counted_when_they_fail_there_is_no_end_of_them",
        ),
    ),
    Behaviour(
        PAIRING,
        "the proof of a code handed on",
        *of(
            "test_codes",
            "test_who_hands_on_what_others_prove_is_not_let_in",
            "test_it_would_be_if_a_proof_did_not_say_between_whom",
        ),
    ),
    Behaviour(
        PAIRING,
        "a yes to a code without a proof",
        *of(
            "test_impostors",
            "test_who_says_yes_without_a_proof_is_unmasked",
            "test_where_a_yes_needs_no_proof_the_device_is_the_impostors",
        ),
    ),
    Behaviour(
        PAIRING,
        "a proof of a code that it does not know",
        *of(
            "test_impostors",
            "test_who_proves_what_it_does_not_know_is_unmasked",
            "test_where_any_proof_will_do_the_device_is_the_impostors",
        ),
    ),
    *OF_MEMBERS,
    # -- removed, and the same machine -------------------------------------------------------------
    Behaviour(
        REMOVED,
        "reconnect",
        *of(
            "test_removed",
            "test_no_accomplice_and_no_certificate_brings_a_removed_member_back",
            "test_where_the_doors_forget_nobody_a_removed_device_gets_in_again",
        ),
    ),
    Behaviour(
        REMOVED,
        "back-dated admission",
        *of(
            "test_removed",
            "test_a_removed_member_is_out_and_stays_out",
            "test_without_the_guard_what_is_dated_back_lets_somebody_in",
        ),
    ),
    Behaviour(
        REMOVED,
        "INTRODUCE by an accomplice",
        *of("test_removed", "test_no_accomplice_and_no_certificate_brings_a_removed_member_back"),
        remark=TWO + "the roster knows who is out, and the doors trust whom it names",
    ),
    Behaviour(
        REMOVED,
        "roster rollback",
        *of("test_removed", "test_a_removed_member_is_out_and_stays_out"),
        remark="statements are only ever added: there is no guard to take off",
    ),
    Behaviour(
        MACHINE,
        "another user swaps a folder for a link",
        *of(
            "test_hostile_paths",
            "test_a_race_with_links_gets_nobody_out",
            "test_an_open_by_name_loses_the_race",
        ),
        remark="files are opened by name, beside the program",
    ),
    Behaviour(
        MACHINE,
        "another user reads the index",
        *of(
            "test_member_guards",
            "test_another_user_reads_no_index",
            "test_in_a_home_that_is_left_open_it_does",
        ),
        "H12",
    ),
    Behaviour(
        MACHINE,
        "another user drives the program by its socket",
        *of(
            "test_member_guards",
            "test_another_user_is_not_answered",
            "test_where_nobody_asks_who_calls_it_is",
        ),
        "H12",
    ),
    Behaviour(
        MEMBER,
        "calls in another device's name, so that it seems to be two machines",
        *of("test_clone", "test_a_member_that_lies_in_anothers_name_silences_nobody"),
        remark="a hint leads to a dial and nothing else: only a link with the own key is believed",
    ),
    # -- buggy -------------------------------------------------------------------------------------
    Behaviour(
        BUGGY,
        "a copied home on two machines",
        *of(
            "test_clone",
            "test_a_copied_home_waits_for_a_person_and_loses_no_file",
            "test_without_the_guard_nobody_says_so",
        ),
        "H10",
    ),
    Behaviour(
        BUGGY,
        "duplicated, reordered, missing",
        "sim/test_seeds.py::test_a_drawn_run_ends_well",
        remark="in simulated runs; no one guard: state is merged, and told again until it is equal",
    ),
)
