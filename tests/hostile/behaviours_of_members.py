"""The account of hostile behaviours, of those of members.

Strategy: as in behaviours.py, of which this is a part: one literal table. Limits: what a member
does that was removed stands there.
"""

from __future__ import annotations

from typing import Final

from tests.hostile.behaviour import MEMBER, TWO, Behaviour, among_members, guarded, of, signed

OF_MEMBERS: Final = (
    # -- a member: messages ------------------------------------------------------------------------
    Behaviour(MEMBER, "4 GiB length", *guarded("frames")),
    Behaviour(
        MEMBER,
        "deep message, and others of which a decoder might choke",
        *of(
            "test_poison",
            "test_datagrams_that_are_poison_are_counted_and_nothing_else[deep]",
            "test_without_either_guard_no_file_moves",
        ),
        "H2",
        "both guards are off",
    ),
    Behaviour(
        MEMBER,
        "quadratic message",
        *of("test_control_links", "test_a_flood_on_the_control_link"),
        remark="it is how a message is read, and no guard",
    ),
    Behaviour(MEMBER, "holds tens of thousands of folders", *among_members("claims")),
    Behaviour(
        MEMBER,
        "flood of questions that are allowed one by one",
        "hostile/test_floods.py::"
        "test_what_is_asked_and_claimed_without_end_costs_nothing_and_delays_nobody",
        remark="it is how little is remembered of them, and no guard",
    ),
    Behaviour(
        MEMBER,
        "four say what they hold, or sign heads, without end",
        *of(
            "test_busy_members",
            "test_four_that_say_all_they_can_hold_up_no_small_file",
            "test_without_shares_of_the_time_they_do[claims]",
        ),
    ),
    Behaviour(
        MEMBER,
        "eight open link after link, say much and reset each",
        *of(
            "test_busy_members",
            "test_members_that_cut_link_after_link_have_no_more_of_the_time",
            "test_without_counting_what_a_link_that_ended_brought_they_have",
        ),
        "H4",
    ),
    Behaviour(
        MEMBER,
        "names addresses elsewhere, to be dialled",
        *of(
            "test_bounds",
            "test_addresses_that_a_member_names_elsewhere_are_not_dialled",
            "test_a_daemon_that_believes_them_dials_them[dials]",
        ),
        "H9",
    ),
    Behaviour(
        MEMBER,
        "notices without end",
        *of(
            "test_bounds",
            "test_notices_without_end_crowd_out_nobody_s",
            "test_without_the_board_they_do[notices]",
        ),
        "H9",
    ),
    # -- a member: the ring and the roster ---------------------------------------------------------
    Behaviour(MEMBER, "LEAVE for another", *signed("test_guards", "leave")),
    Behaviour(MEMBER, "DECREMENT for another", *signed("test_member_guards", "decrement")),
    Behaviour(
        MEMBER, "two inventions say that a device is dead", *among_members("kin"), finding="H11"
    ),
    Behaviour(
        MEMBER,
        "endless accusations",
        *of("test_control_links", "test_a_storm_of_accusations_drives_nobody_out"),
        remark=TWO + "the accused answers, and who was wrong so often is not listened to",
    ),
    Behaviour(
        MEMBER,
        "generation or seat near 2^64",
        *of("test_control_links", "test_seats_and_incarnations_out_of_the_world"),
        remark="it ruins its own record alone: a number of others takes their signature",
    ),
    Behaviour(
        MEMBER,
        "REDIRECT loop",
        *of("test_control_links", "test_redirects_probes_and_joins_without_end"),
        remark="who has a seat heeds none: there is no guard to take off",
    ),
    Behaviour(
        MEMBER,
        "takes over a name, and with it a folder",
        *of(
            "test_names",
            "test_a_member_takes_over_no_name_and_no_folder",
            "test_without_names_in_force_it_does",
        ),
        "H3",
    ),
    Behaviour(
        MEMBER,
        "admits a thousand devices",
        *of(
            "test_names", "test_one_member_fills_no_roster", "test_without_a_bound_of_lines_it_does"
        ),
        "H8",
    ),
    Behaviour(MEMBER, "a label that clears the screen", *among_members("labels")),
    # -- a member: folders -------------------------------------------------------------------------
    Behaviour(MEMBER, "10 M-record manifest", *among_members("counts")),
    Behaviour(MEMBER, "two heads with one seq", *among_members("disputes")),
    Behaviour(MEMBER, "a head that its owner did not sign", *signed("test_guards", "head")),
    Behaviour(MEMBER, "record in another's folder", *signed("test_member_guards", "folder")),
    Behaviour(
        MEMBER,
        "a confirm in another's name, by the owner, or far above what was shared",
        *of(
            "test_confirms_of_members",
            "test_a_false_word_lets_nothing_go",
            "test_where_no_signature_is_looked_at_it_does",
        ),
    ),
    Behaviour(
        MEMBER,
        "an accomplice brings the confirm of who was removed",
        *of(
            "test_confirms_of_members",
            "test_the_word_of_who_was_removed_is_of_no_use_to_an_accomplice",
        ),
        remark="who is asked is the roster: no guard can be taken off alone",
    ),
    Behaviour(MEMBER, "pages that say nothing, for ever", *among_members("plausible")),
    Behaviour(
        MEMBER,
        "pages without end behind a head of one record",
        *of(
            "test_bounds",
            "test_pages_without_end_do_not_fill_the_index",
            "test_without_the_budget_of_pages_they_do[pages]",
        ),
        "H5",
    ),
    Behaviour(
        MEMBER,
        "a path that climbs out of its folder",
        *of(
            "test_confinement",
            "test_a_path_that_climbs_out_is_refused",
            "test_with_neither_it_stands_outside",
        ),
        remark="both guards are off",
    ),
    Behaviour(
        MEMBER,
        "path corpus",
        *of(
            "test_hostile_paths",
            "test_hostile_names_have_no_effect_outside_of_the_share",
            "test_the_same_names_as_text_get_out",
        ),
        remark="the names are joined as text, beside the program",
    ),
    Behaviour(
        MEMBER,
        "case and NFC twins",
        *of("test_bulk_links", "test_folders_and_files_that_are_each_other"),
        remark="where they are one name one is placed (disk.md §2); here they are two",
    ),
    Behaviour(
        MEMBER,
        "delete storm, replace-by-nothing storm",
        *of("test_hostile_paths", "test_a_member_that_shares_all_of_them_touches_nothing_outside"),
        remark="its own folder is its own; nobody else's is reached",
    ),
    # -- a member: content -------------------------------------------------------------------------
    Behaviour(MEMBER, "wrong bytes of a small file", *guarded("bytes")),
    Behaviour(MEMBER, "wrong bytes of a piece", *among_members("pieces")),
    Behaviour(
        MEMBER,
        "a piece list without end",
        *of(
            "test_bounds",
            "test_a_list_without_end_does_not_fill_the_memory",
            "test_a_daemon_that_believes_the_holder_fills_it[lists]",
        ),
        "H6",
    ),
    Behaviour(
        MEMBER,
        "a record larger than the disk",
        *of(
            "test_slow_members",
            "test_a_record_larger_than_the_disk_costs_no_list_and_no_time",
            "test_without_the_guard_its_list_is_asked_and_still_costs_little[room]",
        ),
        "H7",
        "its list is asked for then; what cost 44 s is linear by now",
    ),
    Behaviour(
        MEMBER,
        "one wrong item of a pack",
        *of(
            "test_slow_members",
            "test_one_wrong_item_of_a_pack_strikes_itself_only",
            "test_without_the_guard_the_honest_owner_is_called_a_liar[items]",
        ),
        "H13",
    ),
    Behaviour(
        MEMBER,
        "drips pieces of a file of another",
        *of(
            "test_slow_members",
            "test_a_member_that_drips_pieces_holds_up_no_file_of_another",
            "test_without_the_guard_it_does[paces]",
        ),
        "H4",
    ),
    Behaviour(
        MEMBER,
        "four identities drip lists and packs",
        *of(
            "test_slow_members",
            "test_four_identities_that_drip_lists_and_packs_hold_up_nobody",
            "test_without_the_guard_four_stop_everybody[paces]",
        ),
        "H4",
    ),
    Behaviour(
        MEMBER,
        "sixteen drip small files",
        *of(
            "test_slow_members",
            "test_a_crowd_that_drips_small_files_holds_up_no_small_file",
            "test_without_slots_for_the_quick_small_files_wait[quick]",
        ),
        "H4",
    ),
    Behaviour(
        MEMBER,
        "eight bring page after page, none too slowly",
        *of(
            "test_slow_members",
            "test_a_crowd_that_brings_pages_on_and_on_holds_up_no_small_file",
            "test_without_turns_of_pages_they_stop_it[page_turns]",
        ),
        "H4",
    ),
    Behaviour(
        MEMBER,
        "sixteen drip lists of files",
        *of(
            "test_slow_members",
            "test_a_crowd_that_drips_lists_of_files_holds_up_no_small_file",
            "test_without_slots_for_the_quick_lists_wait[quick]",
        ),
        "H4",
    ),
    Behaviour(
        MEMBER,
        "invented devices take all links",
        *of(
            "test_crowds",
            "test_a_crowd_of_invented_devices_leaves_links_for_others",
            "test_without_shares_of_lines_it_takes_all_of_them[shares]",
        ),
    ),
    Behaviour(
        MEMBER,
        "endless file",
        *of("test_bulk_links", "test_lies_about_pieces[one piece for ever]"),
        remark=TWO + "a piece counts once, and a slow order is called off",
    ),
    Behaviour(
        MEMBER,
        "overflowing sizes",
        *of("test_bulk_links", "test_sizes_at_the_end_of_the_numbers"),
        remark=TWO + "the types of the messages, and the room on the disk",
    ),
)
