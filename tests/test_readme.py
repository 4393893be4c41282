"""The README: whatever it promises is checked by a test, and what it tells people to type exists.

Strategy: the page is cut into sentences; a row of a table is one. Each of them is in one of the two
lists below, found by a part of it: with the tests that check it, or as one that promises nothing
(it advises, names a source, or says what there is not). A sentence that is in none, is in both, or
names a test that is not there fails here; so whoever writes a new one says which test checks it.
Commands are read by the program's own parser and not run; figures must stand in the benchmarks.

Limits: that a test checks the whole of a sentence is judged by people.
"""

from __future__ import annotations

import ast
import re
import shlex
from functools import cache
from pathlib import Path

import click
import pytest

from potluck.core.errors import UsageError
from potluck.faces.cli.commands import COMMANDS
from potluck.faces.cli.main import potluck

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "README.md").read_text()
BENCHMARKS = (ROOT / "docs" / "benchmarks.md").read_text()
FENCE = re.compile(r"```.*?```", re.DOTALL)
PROGRAM = "python3 pot.py "
WRONG = (click.ClickException, UsageError)

PROMISES: dict[str, tuple[str, ...]] = {
    "folder that is the same on every computer": (
        "lan/test_files.py::test_every_kind_of_file_arrives_on_all",
    ),
    "nothing to configure": ("config/test_settings.py::test_nothing_given_is_all_defaults",),
    "encrypted on the way, verified before it is seen": (
        "lan/test_files.py::test_everybody_owns_a_folder",
        "hostile/test_strangers.py::test_tls_1_2_is_refused",
        "shells/bulk/test_asking.py::test_wrong_pieces_are_not_written",
    ),
    "lets in one device and keeps the door closed": (
        "engine/group/test_joining.py::test_a_code_is_used_once",
        "lan/test_codes.py::test_a_code_is_typed_on_one_machine_and_brought_to_another_in_a_file",
    ),
    "shows three words for ten minutes": (
        "faces/cli/test_inviting.py::test_invite_shows_the_code_and_what_to_do_with_it",
        "faces/cli/test_inviting.py::test_it_is_asked_for_at_a_terminal",
    ),
    "Three wrong tries and a code is dead": (
        "lan/test_codes.py::test_three_wrong_codes_and_the_right_one_is_dead",
    ),
    "never taken from the command line": (
        "faces/cli/test_inviting.py::test_a_code_is_never_an_argument",
    ),
    # -- two commands
    "Python 3.11 or newer": (
        "test_pot.py::test_an_old_python_is_told_which_to_use",
        "test_pot.py::test_python_without_ensurepip_is_told_the_package",
    ),
    "later runs fetch nothing": (
        "test_house.py::test_both_lock_files_are_there",
        "test_house.py::test_law_holds",
        "test_pot.py::test_a_ready_environment_needs_neither_lock_file_nor_pip",
    ),
    "form a ring over the loopback": ("faces/cli/test_demo.py::test_three_devices_end_up_equal",),
    "as read from the disks": (
        "faces/cli/test_demo.py::test_three_devices_end_up_equal",
        "faces/cli/test_demo.py::test_one_flipped_byte_ends_with_1",
    ),
    "prints where to put files": (
        "faces/test_story.py::test_the_first_state_gives_title_group_and_where_to_put_files",
    ),
    "somebody has to say yes on both sides": (
        "lan/test_ring.py::test_nobody_is_admitted_unless_both_doors_are_open",
    ),
    "and both screens ask": (
        "faces/test_asking.py::test_at_80_columns",
        "faces/test_story.py::test_a_group_that_was_found_says_what_lets_this_device_in",
    ),
    "Compare the words, and press `y`": (
        "faces/test_prompt.py::test_a_key_answers_what_stood_there_when_it_was_typed",
        "faces/test_live.py::test_only_a_request_whose_words_stand_there_can_be_answered",
    ),
    "group of several any member's screen": ("faces/cli/test_comparing.py::test_who_asks_whom",),
    "**A NAS, or any machine without a screen:**": (
        "faces/cli/test_comparing.py::test_status_has_the_request_in_full_and_says_nothing_of_it_twice",
        "faces/cli/test_answering.py::test_approve_shows_the_words_and_asks",
    ),
    "`pending` lists who asks": (
        "faces/cli/test_answering.py::test_pending_names_who_asks_and_what_answers",
        "faces/cli/test_answering.py::test_scripts_give_the_words",
        "faces/cli/test_answering.py::test_other_words_are_refused_before_anything_is_said",
    ),
    "One that compared nothing says which request": (
        "faces/cli/test_answering.py::test_a_yes_without_words_says_which_request_it_is_for_and_not_only_whose",
    ),
    "while it is open and says so": (
        "faces/cli/test_door.py::test_open_says_what_it_means",
        "faces/cli/test_door.py::test_the_warning_is_that_of_up",
        "engine/group/test_admission_policy.py::test_a_person_opens_the_door_and_closes_it",
        "faces/cli/test_door.py::test_close_says_whether_it_was_open",
    ),
    "is a member for good": (
        "sim/test_rings.py::test_a_restarted_group_meets_again_with_every_door_closed",
    ),
    # -- what it does
    "Every device owns one folder": ("lan/test_files.py::test_everybody_owns_a_folder",),
    "everybody else gets a read-only copy": (
        "lan/test_files.py::test_what_another_changes_in_my_folder_never_comes_back",
        "shells/disk/receiving/test_batches.py::test_only_other_peoples_files_are_read_only",
    ),
    "can damage nothing but its own folder": (
        (
            "hostile/test_control_links.py"
            "::test_two_heads_with_one_number_freeze_the_folder_of_the_liar_only"
        ),
        "hostile/test_control_links.py::test_heads_that_the_owner_did_not_sign",
        "hostile/test_bulk_links.py::test_unsafe_paths_reach_no_disk",
    ),
    "called like its host": (
        "config/test_labels.py::test_a_label_is_the_host_name_without_its_domain",
        "config/test_labels.py::test_a_given_label_is_taken_as_it_is_or_refused_with_a_better_one",
    ),
    "is taken as its own": (
        "config/test_labels.py::test_the_one_folder_that_is_named_after_this_host_is_its_own",
        "test_assembly.py::test_before_it_belongs_to_a_group_a_folder_names_a_device",
    ),
    "is called so already, it and its folder get a number": (
        "engine/group/test_membership.py::test_entering_a_group_replaces_the_provisional_one",
        "engine/group/test_membership.py::test_the_own_folder_follows_when_the_founder_gives_another_label",
    ),
    "belongs to no device is told": (
        "engine/test_strays.py::test_a_stray_is_told_once_with_what_to_do_and_kept_until_it_goes",
    ),
    "deletes are pushed as they happen": (
        "lan/test_files.py::test_changes_on_idle_devices_are_seen_within_a_second",
    ),
    "moves no content": ("lan/test_files.py::test_a_renamed_or_copied_file_is_not_sent_again",),
    "Holes in sparse files": (
        "lan/test_files.py::test_a_sparse_file_stays_sparse_and_costs_nothing",
    ),
    "While a big file crosses a slow link": (
        "lan/test_news.py::test_what_else_its_owner_does_arrives_while_a_big_file_crosses",
        "sim/test_sharing.py::test_news_never_waits_behind_the_bytes_of_a_big_file",
    ),
    "A slow receiver delays no other": (
        "lan/test_news.py::test_one_slow_receiver_delays_no_other",
    ),
    "for 30 days or until the trash takes 10 %": (
        "sim/test_sharing.py::test_deletes_arrive_and_go_to_the_trash",
        "test_assembly.py::test_the_trash_is_looked_at_from_the_start_and_no_clock_empties_it",
        "shells/disk/test_trash.py::test_then_the_oldest_of_whoever_has_most",
        "shells/disk/test_trash.py::test_a_clock_that_is_wrong_prunes_nothing",
        "shells/disk/test_trash_days.py::test_days_pass_as_the_program_runs_and_go_on",
    ),
    "never deleted": (
        "test_daemon.py::test_an_edit_in_somebody_elses_folder_is_put_aside",
        "sim/test_sharing.py::test_what_is_deleted_in_somebody_elses_folder_stays_away_and_all_of_it_comes_back",
        "engine/others/test_local_changes.py::test_a_change_is_told_with_what_became_of_it",
        "shells/disk/receiving/test_batches.py::test_nothing_put_aside_replaces_another",
    ),
    "stays away on this device until `get`": (
        "test_unwanted_devices.py::test_one_file_stays_away_until_get_and_a_whole_folder_comes_back",
        "sim/test_unwanted.py::test_only_what_a_person_removed_stays_away_and_it_comes_when_it_is_wanted",
        "engine/others/test_unwanted_files.py::test_a_few_of_very_many_can_go_one_by_one",
    ),
    "there is never half a file under its name": (
        (
            "shells/disk/receiving/test_batches.py"
            "::test_every_file_is_on_the_disk_before_any_is_renamed"
        ),
        (
            "shells/disk/receiving/test_batches.py"
            "::test_a_kill_at_any_step_loses_nothing_and_settling_ends_it"
        ),
    ),
    "is noticed in a few seconds": (
        "lan/test_ring.py::test_a_crash_of_any_node",
        "lan/test_ring.py::test_a_power_cut_of_node_0",
        "lan/test_leaving.py::test_who_was_away_catches_up_while_the_owner_is_off",
    ),
    "one line per thing that happened": (
        "engine/others/test_happenings.py::test_one_file_is_told_with_its_name_and_size",
        "engine/others/test_happenings.py::test_many_in_one_folder_are_told_by_the_folder",
        "faces/test_live.py::test_the_sender_sees_who_lacks_what",
    ),
    "Of a device that is away nothing is claimed": (
        "engine/views/test_neighbourhood.py::test_a_device_that_is_away_is_never_counted",
        "sim/test_truth.py::test_what_is_said_is_so",
    ),
    # -- every day
    "| see who is there": (
        "faces/cli/test_views.py::test_status",
        "faces/cli/test_views.py::test_peers_and_ring",
        "faces/cli/test_layout.py::test_troubles_have_reason_since_when_next_try_and_command",
    ),
    "| let a new device in": (
        "faces/cli/test_answering.py::test_approve_shows_the_words_and_asks",
        "faces/cli/test_answering.py::test_who_says_that_they_differ_says_no",
    ),
    "| put files into your folder": (
        "faces/cli/test_acts.py::test_add",
        "shells/disk/test_importing.py::test_files_and_folders_come_in",
    ),
    "| see what is shared": ("faces/cli/test_views.py::test_ls",),
    "| see what was replaced or deleted": (
        "test_trash_of_two.py::test_what_its_owner_replaced_and_deleted_is_had_back_elsewhere",
        "faces/cli/test_versions.py::test_the_trash_is_listed_with_when_why_and_how_large",
        "faces/cli/test_versions.py::test_the_history_of_a_file_begins_with_what_stands_now",
    ),
    "| have a file of somebody else": (
        "faces/cli/test_taking.py::test_it_says_what_was_copied",
        "engine/test_taking.py::test_a_whole_folder_of_a_device_can_be_taken_and_may_be_there_already",
    ),
    "| not have everything of the others": (
        "faces/cli/test_skipping.py::test_they_say_what_follows",
        "engine/others/test_skipping.py::test_a_pattern_is_about_one_device_or_all",
    ),
    "| find what a disk has damaged": (
        "faces/cli/test_verifying.py::test_what_is_damaged_is_listed",
        "engine/own/test_damaged_files.py::test_a_damaged_file_is_told_once_and_wanted",
    ),
    "| see why a file is not there": (
        "test_why_devices.py::test_a_file_says_why_it_is_not_here_until_it_is",
        "faces/cli/test_explaining.py::test_why_ends_as_a_check_does",
    ),
    "| wait in a script": (
        "faces/cli/test_waiting.py::test_everybody_is_asked_before_anything_is_believed",
        "faces/cli/test_acts.py::test_wait_gives_up_and_says_what_for",
    ),
    "| wait until the others have": (
        "faces/cli/test_waiting.py::test_delivered_is_asked_of_the_heads_held_when_it_was_asked",
        "faces/cli/test_waiting.py::test_who_is_late_is_named",
    ),
    "| leave |": (
        "lan/test_leaving.py::test_a_parked_transfer_goes_on_where_it_stopped",
        "faces/cli/test_leaving.py::test_the_prompt_asks_once_and_a_second_exit_leaves",
        "faces/cli/test_leaving.py::test_at_a_terminal_one_is_asked",
        "test_daemon.py::test_every_way_to_leave_is_quick_and_says_so",
    ),
    "| run it without a terminal": (
        "faces/cli/test_up.py::test_without_a_standard_input_there_is_no_prompt",
        "lan/test_ring.py::test_three_started_at_once",
    ),
    "| have it run by itself": (
        "faces/cli/test_service.py::test_systemd_accepts_the_unit",
        "faces/cli/test_service.py::test_installing_writes_starts_and_explains",
        "faces/cli/test_service.py::test_status_says_whether_it_runs",
        "faces/cli/test_service.py::test_logs_are_those_of_the_journal",
        "faces/cli/test_service.py::test_uninstalling_removes_the_unit_and_nothing_else",
    ),
    "| look at one that runs already": (
        "faces/cli/test_watch.py::test_exit_ends_the_view_and_not_potluck",
    ),
    "| keep two devices on one machine apart": (
        "shells/state/test_home.py::test_everything_lies_under_a_home",
    ),
    "takes the same commands": ("faces/test_prompt.py::test_lines_become_acts",),
    "gives it another one: its folder follows": (
        "lan/test_names.py::test_a_new_name_is_one_rename_on_every_disk",
        "lan/test_names.py::test_another_name_at_the_start_is_a_rename",
    ),
    "fill a new disk from the others": (
        "test_renewing.py::test_a_new_disk_is_filled_by_one_word_whenever_it_is_killed",
    ),
    "be this device again after its home died": (
        "lan/test_names.py::test_a_machine_whose_disk_died_is_the_same_device_again",
    ),
    "these take `--json`": ("test_readme.py::test_exactly_these_commands_take_json",),
    "Exit codes: 0 ok": (
        "faces/cli/test_main.py::test_every_end_has_its_exit_code",
        "faces/cli/test_views.py::test_status_check",
    ),
    # -- safety
    "**No file is lost**": (
        "sim/test_seeds.py::test_a_drawn_run_ends_well",
        "sim/test_sharing.py::test_a_full_disk_waits_and_goes_on_by_itself",
        "sim/test_sharing.py::test_a_bad_holder_delays_but_never_damages",
    ),
    "`remove NAME` cuts": (
        "lan/test_removal.py::test_a_removed_device_is_cut_off_and_begins_anew",
        "hostile/test_removed.py::test_a_removed_member_is_out_and_stays_out",
    ),
    "Its folder stays with the others": (
        "lan/test_adopting.py::test_an_adopted_folder_is_part_of_the_own_one_everywhere_and_nothing_is_sent",
        "lan/test_adopting.py::test_a_forgotten_folder_goes_to_the_trash_everywhere_also_where_it_was_not_heard_at_once",
    ),
    "Only a steward may": (
        "engine/group/test_stewardship.py::test_who_is_no_steward_is_told_who_is",
    ),
    "Make a second one": (
        "core/group/test_removals.py::test_a_founder_can_be_removed_and_signs_nothing_any_more",
    ),
    "`leave` takes this device": (
        "engine/group/test_stewardship.py::test_who_leaves_is_out_and_a_steward_makes_the_key",
    ),
    "**Nobody gets in uninvited.**": (
        "sim/test_rings.py::test_a_closed_door_lets_nobody_in_and_nobody_uninvited_gets_in",
    ),
    "**It explains itself**": (
        "core/content/test_knowledge.py::test_what_a_person_has_to_see_to_comes_first",
        "core/test_errors.py::test_an_error_says_what_failed_why_and_what_to_do",
    ),
    "nothing is deleted elsewhere": (
        "shells/disk/test_marker.py::test_marker_states",
        "shells/disk/test_marker.py::test_an_own_folder_on_another_disk_is_offline",
        "shells/disk/test_marker.py::test_a_folder_that_was_exchanged_is_offline",
        "engine/own/test_own_folder.py::test_nothing_is_gone_or_new_while_the_marker_is_missing",
        (
            "engine/others/test_following.py"
            "::test_what_an_owner_lost_with_its_index_is_kept_and_merged"
        ),
        "test_backups.py::test_what_a_lost_life_wrote_is_kept",
        (
            "lan/test_mounts.py"
            "::test_a_disk_that_is_missing_at_the_next_start_deletes_nothing_anywhere"
        ),
    ),
    "Very much at once is held": (
        (
            "hostile/test_mass_deletes.py"
            "::test_what_was_wiped_while_off_is_kept_by_the_others_until_a_person_confirms"
        ),
        "hostile/test_mass_losses.py::test_what_is_deleted_at_once_stays_until_it_is_confirmed",
    ),
    "What is deleted *inside* it is": (
        "sim/test_sharing.py::test_deletes_arrive_and_go_to_the_trash",
    ),
    "Identity is a key": (
        "core/keys/test_identity.py::test_a_device_id_is_recomputed_from_the_certificate",
        "sim/test_rings.py::test_another_address_is_found_again",
    ),
    "Links are TLS 1.3 in both directions": (
        "hostile/test_strangers.py::test_tls_1_2_is_refused",
        "hostile/test_strangers.py::test_no_certificate_is_refused",
        "hostile/test_strangers.py::test_the_certificate_of_somebody_else_is_refused",
        "shells/links/test_dialling.py::test_another_device_answers_there",
    ),
    "gets no certificate, no name and no version": (
        "hostile/test_closed_door.py::test_strangers_at_a_shut_door_get_nothing",
        "shells/links/test_doorway.py::test_strangers_learn_nothing",
    ),
    "Who asks hears what the group": (
        "core/group/test_admission.py::test_no_roster_leaves_before_both_said_yes",
        "hostile/test_closed_door.py::test_strangers_at_a_shut_door_get_nothing",
    ),
    "Beacons are sealed": (
        "hostile/test_closed_door.py::test_a_closed_session_names_nobody",
        "core/keys/test_sealing.py::test_another_group_sees_that_it_is_sealed_and_nothing_more",
    ),
    "is refused if it could harm": (
        "core/content/test_paths.py::test_hostile_names_are_refused_with_the_precise_reason",
        "hostile/test_bulk_links.py::test_unsafe_paths_reach_no_disk",
        (
            "shells/disk/receiving/test_batches.py"
            "::test_a_folder_flipped_to_a_link_lets_nothing_escape"
        ),
    ),
    "Every manifest is signed by its owner": (
        "hostile/test_control_links.py::test_heads_that_the_owner_did_not_sign",
        "shells/bulk/test_asking.py::test_wrong_pieces_are_not_written",
        (
            "shells/bulk/test_serving.py"
            "::test_a_piece_that_does_not_match_is_not_sent_and_the_scanner_hears"
        ),
    ),
    "An open door trusts everybody": (
        "hostile/test_strangers.py::test_the_open_door_keeps_working_after_all_that",
        "faces/cli/test_door.py::test_open_says_what_it_means",
    ),
    "its socket is yours alone": (
        "shells/api/test_server.py::test_the_socket_is_ours_alone_and_gone_after",
    ),
    # -- ports
    "| TCP 7685 |": ("lan/test_ring.py::test_a_second_potluck_on_one_host_takes_the_next_port",),
    "| UDP 7685 |": (
        "shells/net/test_datagrams.py::test_two_hosts_hear_each_other_on_the_card_it_was_said_on",
    ),
    "A firewall on one of two devices": (
        (
            "lan/test_firewalls.py"
            "::test_inbound_denied_on_one_of_two_they_join_and_files_pass_both_ways"
        ),
    ),
    "With one on both, both say so": (
        "lan/test_firewalls.py::test_inbound_denied_on_both_is_said_on_both_with_the_port",
        "shells/net/test_firewalls.py::test_ufw_says_itself_whether_it_is_on",
    ),
    "Where multicast and broadcast are dropped": (
        "lan/test_ring.py::test_without_multicast_by_the_neighbour_table",
        "lan/test_ring.py::test_without_multicast_and_without_neighbours_by_the_sweep",
        "lan/test_ring.py::test_a_remembered_device_is_found_at_once",
        "config/test_values.py::test_peers",
    ),
    "All of this asks by UDP": (
        (
            "lan/test_firewalls.py"
            "::test_where_udp_is_blocked_those_who_have_met_go_on_and_others_do_not_meet"
        ),
        "faces/cli/test_company.py::test_who_was_named_is_said_to_have_been_asked_and_how",
    ),
    "Paths that lose large packets": (
        (
            "lan/test_firewalls.py"
            "::test_packets_longer_than_1300_bytes_are_lost_and_files_come_all_the_same"
        ),
    ),
    "`peers` says where it looked": ("faces/cli/test_company.py::test_being_alone_is_explained",),
    "`status` says why on the machine": (
        "faces/cli/test_layout.py::test_status_says_what_is_to_come_and_why_it_is_not_here",
        "faces/cli/test_layout.py::test_troubles_have_reason_since_when_next_try_and_command",
        "lan/test_files.py::test_a_refused_name_is_told_to_its_owner_and_harms_nothing",
    ),
    # -- limits
    "| devices | tried with 2 to 6": ("lan/test_ring.py::test_six_started_at_once",),
    "| files | one folder tree": (
        "core/content/test_paths.py::test_the_limits_count_what_is_inside_a_tree",
        "shells/disk/test_scanner.py::test_too_deep_is_refused_and_not_entered",
    ),
    "| not shared |": (
        "shells/disk/test_scanner.py::test_what_is_no_file_is_reported_and_never_opened",
        "shells/disk/test_scanner.py::test_editor_files_are_left_out_silently",
        "shells/disk/test_ignoring.py::test_a_scan_leaves_out_what_the_rules_ignore_and_does_not_go_into_it",
    ),
    "| being written |": (
        "shells/disk/watching/test_watcher.py::test_closing_is_hinted_at_once_and_only_once",
        "shells/disk/watching/test_stillness.py::test_a_log_comes_out_every_half_minute",
        "shells/disk/watching/test_stillness.py::test_a_download_waits_until_closed_or_stalled",
    ),
    "| watching |": (
        "engine/own/test_unwatched.py::test_own_folders_are_due_at_once_and_then_every_ten_seconds",
        "engine/own/test_unwatched.py::test_a_long_scan_is_followed_by_a_longer_rest",
        "sim/test_sharing.py::test_hints_that_were_missed_are_made_good_by_a_scan",
    ),
    "| disk | keeps free the larger of 1 % and 512 MiB, but at most a quarter": (
        "engine/others/test_downloads.py::test_how_much_of_a_disk_stays_free",
        "engine/others/test_downloads.py::test_a_full_disk_pauses_and_resumes",
        (
            "engine/others/test_disk_room.py"
            "::test_a_file_without_room_is_named_with_what_it_lacks_until_it_has_room"
        ),
    ),
    # -- the rest
    "each key has an environment variable": (
        "config/test_layers.py::test_each_layer_beats_the_one_below",
        "config/test_layers.py::test_an_unknown_key_in_the_environment_is_an_error_too",
    ),
    "An unknown key is an error": (
        "config/test_layers.py::test_what_cannot_be_meant_is_an_error_with_a_way_out",
    ),
    "One pure engine": ("engine/test_engine.py::test_equal_calls_give_equal_effects",),
    "merged by a rule that does not care about order": (
        "laws/test_ring_laws.py::test_every_order_of_delivery_leads_to_agreement",
    ),
    "the tests check them": ("test_house.py::test_law_holds",),
    "| one file of 2 GiB": ("test_readme.py::test_figures_are_those_of_the_benchmarks",),
    "| 20,000 small files": ("test_readme.py::test_figures_are_those_of_the_benchmarks",),
}
"""Parts of sentences, and the tests below tests/ that check them."""

NO_PROMISE = (
    "A NAS has no keyboard",
    "**Not (yet):**",
    "**Not ever:**",
    "Measured between two hosts",
    "| | potluck, TLS 1.3 |",
    "| you want to |",
    "If they differ, press `n`",
    "Use it at home",
    "The whole model",
    "What is aimed at",
    "| port |",
    "**Nobody is found?",
    "Usual causes",
    "**A file does not arrive?",
    "You should not need it",
    "Start with `docs/goals.md`",
    "potluck grew out of",
    "MIT licence",
)
"""Parts of sentences that advise, name a source, or say what there is not."""


def sentences(page: str) -> list[str]:
    """The sentences of a page, without headings and code blocks; a row of a table is one."""
    found: list[str] = []
    for block in re.split(r"\n\s*\n|\n(?=[-|#]|\d\. |\*\*)", FENCE.sub("\n", page)):
        line = " ".join(block.split())
        if not line or line.startswith("#") or re.fullmatch(r"[|\- ]+", line):
            continue
        if line.startswith("|"):
            found.append(line)
            continue
        text = re.sub(r"^(-|\d\.) ", "", line)
        found += re.split(r"(?<=[.?!])\*{0,2}\s+(?=[A-Z`*“\d(])", text)
    return found


SENTENCES = sentences(PAGE)


@cache
def names_in(path: str) -> frozenset[str]:
    """The names of the tests of a file below tests/; none if there is no such file."""
    file = ROOT / "tests" / path
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def decided(sentence: str) -> list[str]:
    """The entries of both lists that a sentence is found by."""
    return [part for part in (*PROMISES, *NO_PROMISE) if part in sentence]


# -- sentences -------------------------------------------------------------------------------------
def test_every_sentence_is_checked_by_a_test_or_promises_nothing() -> None:
    undecided = [sentence for sentence in SENTENCES if len(decided(sentence)) != 1]
    assert not undecided, "\n".join(f"{decided(each)}: {each}" for each in undecided)


def test_a_new_sentence_is_noticed() -> None:
    assert decided("It makes coffee.") == []


def test_every_entry_is_part_of_one_sentence() -> None:
    counts = {
        part: sum(part in sentence for sentence in SENTENCES) for part in (*PROMISES, *NO_PROMISE)
    }
    assert {part: count for part, count in counts.items() if count != 1} == {}


def test_every_test_that_is_named_is_there() -> None:
    named = {node for nodes in PROMISES.values() for node in nodes}
    lost = [
        node for node in sorted(named) if node.split("::")[1] not in names_in(node.split("::")[0])
    ]
    assert not lost, "\n".join(lost)
    assert all(PROMISES.values()), "each has a test"


def test_a_page_is_cut_into_sentences() -> None:
    page = "# Head\n\nOne. `Two` is\ntwo?\n- Three: 1.5 of it.\n  Still.\n\n| a | b |\n|---|---|\n"
    assert sentences(page + "```\nno. sentence.\n```\n1. **Four.** Five.\n") == [
        *("One.", "`Two` is two?", "Three: 1.5 of it.", "Still.", "| a | b |", "**Four.", "Five."),
    ]


# -- commands --------------------------------------------------------------------------------------
def commands() -> list[str]:
    """What the page tells people to type, in code blocks and in sentences."""
    lines = [line for block in FENCE.findall(PAGE) for line in block.splitlines()]
    typed = [line.partition("#")[0].partition("$")[2] or line.partition("#")[0] for line in lines]
    found = [line.strip() for line in typed if line.strip().startswith(PROGRAM)]
    found += [code for code in re.findall(r"`([^`]+)`", FENCE.sub("", PAGE)) if is_command(code)]
    return sorted({line.removeprefix(PROGRAM) for line in found})


def is_command(code: str) -> bool:
    """Whether a piece of code in a sentence is to be typed; a bare word may be anything."""
    first, *others = code.split()
    return code.startswith(PROGRAM) or (first in COMMANDS and bool(others))


@pytest.fixture
def unrun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are read with their words and options, and nothing is done."""
    monkeypatch.setattr(click.Command, "invoke", lambda _command, _context: None)


def parse(line: str) -> None:
    """Read a line as the program would; raises one of WRONG."""
    potluck.main(shlex.split(line), prog_name="potluck", standalone_mode=False)


@pytest.mark.usefixtures("unrun")
@pytest.mark.parametrize("line", commands())
def test_every_command_exists_and_is_written_rightly(line: str) -> None:
    if line == "test":  # pot.py's own: it starts tests/__main__.py
        assert '"test": "tests",' in (ROOT / "pot.py").read_text()
        return
    parse(line)


@pytest.mark.usefixtures("unrun")
def test_commands_are_found_and_wrong_ones_fail() -> None:
    assert {"demo", "up --open", "--home other up", "wait --to nas", "test"} <= set(commands())
    for line in ("serve", "up --opne", "service instal", "wait --timeout soon", "add"):
        with pytest.raises(WRONG):
            parse(line)


def test_exactly_these_commands_take_json() -> None:
    (said,) = (sentence for sentence in SENTENCES if "these take `--json`" in sentence)
    named = set(re.findall(r"`(\w+)`", said))
    context = click.Context(potluck)
    takes = set()
    for name in COMMANDS:
        command = potluck.get_command(context, name)
        assert command is not None
        if any("--json" in option.opts for option in command.params):
            takes.add(name)
    assert named == takes - {"demo", "exit", "quit", "stop"}, "which are other words for down"


# -- figures ---------------------------------------------------------------------------------------
def test_figures_are_those_of_the_benchmarks() -> None:
    rows = [each for each in SENTENCES if each.startswith(("| one file of 2", "| 20,000 small"))]
    assert len(rows) == 2
    for row, title in zip(rows, ("P1", "P2"), strict=True):
        table = BENCHMARKS.partition(f"**{title}:")[2].partition("**P")[0]
        figures = [cell.strip() for cell in row.strip("|").split("|")[1:]]
        systems = ("potluck", "syncthing", "rsync")
        for system, figure in zip(systems, figures, strict=True):
            (line,) = (line for line in table.splitlines() if line.startswith(f"| {system}"))
            assert figure == line.split("|")[4].strip(), f"{title}, {system}"
