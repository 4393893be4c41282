"""Beliefs: what one node believes of the others, told as transcripts with the time in the margin.

Ann is the node whose head we look into; the others are records.
"""

from __future__ import annotations

from msgspec import structs

from potluck.core import limits
from potluck.core.ring.beliefs import Beliefs, News, Witnesses
from potluck.core.ring.members import accuse, write_record
from potluck.core.wire.catalogue import Status
from tests.core.fakes import ALL, ANN, BEN, CLEO, DORA, EMIL, Crowd, Member, apart, member_record

ALIVE, SUSPECT, DEAD, LEFT = Status


def ann(*others: Member) -> Beliefs:
    """Ann, who knows that the others are there."""
    beliefs = Beliefs(ANN, ALL, apart, b"run")
    beliefs.merge([member_record(other, seat=2) for other in others], 0.0)
    return beliefs


def status_of(beliefs: Beliefs, member: Member) -> Status | None:
    record = beliefs.get(member.device)
    return record.status if record else None


def advance(beliefs: Beliefs, until: float) -> list[News]:
    """Tick whenever a tick is asked for, as the engine does."""
    news: list[News] = []
    while (due := beliefs.deadline()) is not None and due <= until:
        news += beliefs.on_tick(due)
    return news


def test_alone_one_knows_oneself() -> None:
    beliefs = ann()
    assert [record.device for record in beliefs.ring()] == [ANN.device]
    own = beliefs.own
    assert (own.status, own.incarnation, own.seat) == (ALIVE, 1, 1)
    assert beliefs.deadline() is None
    assert beliefs.on_tick(5.0) == []


def test_a_new_node_is_news_once() -> None:
    beliefs = ann()
    record = member_record(BEN, seat=2)
    assert beliefs.merge([record, record], 0.0) == [News(record, None, -1)]
    assert beliefs.merge([record], 1.0) == []
    assert len(beliefs.records) == 2


def test_what_is_not_signed_is_not_believed() -> None:
    beliefs = Beliefs(ANN, Crowd(ANN, BEN), apart, b"run")
    assert beliefs.merge([member_record(CLEO), member_record(BEN, status=DEAD, by=CLEO)], 0.0) == []
    assert len(beliefs.records) == 1


def test_a_suspect_stays_in_the_ring_until_patience_ends() -> None:
    beliefs = ann(BEN)
    (told,) = beliefs.suspect(BEN.device, 10.0, process_gone=False)
    assert (told.record.status, told.before, told.old_number) == (SUSPECT, ALIVE, 1)
    assert advance(beliefs, 11.9) == []
    assert len(beliefs.ring()) == 2
    (dead,) = advance(beliefs, 12.0)
    assert (dead.record.status, dead.before, dead.old_number) == (DEAD, SUSPECT, 1)
    assert dead.record.accuser == ANN.device
    assert len(beliefs.ring()) == 1


def test_a_process_that_is_gone_has_little_time_even_if_it_was_suspected_before() -> None:
    for before in (False, True):
        beliefs = ann(BEN)
        if before:
            beliefs.suspect(BEN.device, 9.9, process_gone=False)
        beliefs.suspect(BEN.device, 10.0, process_gone=True)
        assert [
            item.record.status for item in advance(beliefs, 10.0 + limits.SUSPICION_FAST_S)
        ] == [DEAD]


def test_accusing_twice_says_nothing_new() -> None:
    beliefs = ann(BEN)
    assert beliefs.suspect(BEN.device, 10.0, process_gone=False)
    assert beliefs.suspect(BEN.device, 10.5, process_gone=False) == []


def test_nobody_suspects_the_unknown_itself_or_the_dead() -> None:
    beliefs = ann(BEN)
    beliefs.suspect(BEN.device, 0.0, process_gone=True)
    advance(beliefs, 1.0)
    for device in (ANN.device, BEN.device, CLEO.device):
        assert beliefs.suspect(device, 2.0, process_gone=True) == []


def test_a_node_outside_every_group_accuses_in_vain() -> None:
    crowd = Crowd(ANN, BEN)
    beliefs = Beliefs(ANN, crowd, apart, b"run")
    beliefs.merge([member_record(BEN)], 0.0)
    del crowd.known[ANN.device]
    assert beliefs.suspect(BEN.device, 1.0, process_gone=True) == []
    assert status_of(beliefs, BEN) is ALIVE


def test_lateness_stretches_patience() -> None:
    beliefs = ann(BEN)
    beliefs.lateness = 3.0
    beliefs.suspect(BEN.device, 10.0, process_gone=False)
    assert advance(beliefs, 15.9) == []
    assert len(advance(beliefs, 16.0)) == 1
    beliefs = ann(BEN)
    beliefs.lateness = 3.0
    beliefs.suspect(BEN.device, 10.0, process_gone=True)
    assert beliefs._suspicions[BEN.device].ends_s == 10.0 + 3.0 * limits.SUSPICION_FAST_S


def test_an_answer_ends_the_suspicion() -> None:
    beliefs = ann(BEN)
    beliefs.suspect(BEN.device, 10.0, process_gone=False)
    (news,) = beliefs.merge([member_record(BEN, 2, seat=2)], 10.5)
    assert (news.before, news.record.status) == (SUSPECT, ALIVE)
    assert beliefs.deadline() is None


def test_each_of_a_few_further_accusers_shortens_patience_and_is_passed_on() -> None:
    beliefs = ann(BEN, CLEO, DORA, EMIL)
    beliefs.suspect(BEN.device, 10.0, process_gone=False)
    for number, accuser in enumerate((EMIL, CLEO, DORA), 1):
        accusation = member_record(BEN, 1, SUSPECT, seat=2, by=accuser)
        assert [item.record for item in beliefs.merge([accusation], 10.0)] == [accusation]
        assert beliefs.merge([accusation], 10.0) == []  # the second time it is noise
        assert beliefs._suspicions[BEN.device].ends_s == 10.0 + 2.0 - number / 3
    assert len(advance(beliefs, 11.0)) == 1


def test_beyond_a_few_accusers_nothing_is_passed_on() -> None:
    crowd = [Member(f"witness {n}") for n in range(6)]
    beliefs = Beliefs(ANN, Crowd(ANN, BEN, *crowd), apart, b"run")
    beliefs.merge([member_record(BEN)], 0.0)
    told = [beliefs.merge([member_record(BEN, 1, SUSPECT, by=by)], 1.0) for by in crowd]
    assert [len(news) for news in told] == [1, 1, 1, 1, 0, 0]
    assert beliefs._suspicions[BEN.device].ends_s == 1.0 + limits.SUSPICION_MIN_S


def test_a_later_accusation_starts_patience_anew() -> None:
    beliefs = ann(BEN)
    beliefs.merge([member_record(BEN, 1, SUSPECT, seat=2, by=CLEO)], 10.0)
    assert len(beliefs.merge([member_record(BEN, 3, SUSPECT, seat=2, by=DORA)], 11.0)) == 1
    assert beliefs._suspicions[BEN.device].ends_s == 13.0
    assert beliefs.merge([member_record(BEN, 2, SUSPECT, seat=2, by=EMIL)], 11.0) == []


def test_in_a_small_ring_one_word_of_death_is_a_suspicion() -> None:
    beliefs = ann(BEN, CLEO)
    (news,) = beliefs.merge([member_record(BEN, 1, DEAD, seat=2, by=CLEO)], 10.0)
    assert (news.record.status, news.record.accuser) == (SUSPECT, ANN.device)
    assert beliefs.merge([member_record(BEN, 1, DEAD, seat=2, by=CLEO)], 10.1) == []
    assert beliefs.merge([member_record(BEN, 1, DEAD, seat=2, by=DORA)], 10.1) == []
    assert status_of(beliefs, BEN) is SUSPECT


def test_in_a_larger_ring_too_one_word_of_death_is_a_suspicion() -> None:
    for others in ((BEN, CLEO, DORA), (BEN, CLEO, DORA, EMIL)):
        beliefs = ann(*others)
        accusation = member_record(BEN, 1, DEAD, seat=2, by=CLEO)
        (news,) = beliefs.merge([accusation], 10.0)
        assert (news.record.status, news.record.accuser) == (SUSPECT, ANN.device)
        assert beliefs.merge([accusation], 10.1) == []  # the same witness twice is one
        assert status_of(beliefs, BEN) is SUSPECT
        assert len(beliefs.ring()) == 1 + len(others)


def test_in_a_larger_ring_two_words_of_death_are_enough() -> None:
    beliefs = ann(BEN, CLEO, DORA)
    beliefs.merge([member_record(BEN, 1, DEAD, seat=2, by=CLEO)], 10.0)
    (news,) = beliefs.merge([member_record(BEN, 1, DEAD, seat=2, by=DORA)], 10.1)
    assert news.record.status is DEAD
    assert len(beliefs.ring()) == 3


def test_only_nodes_of_the_ring_are_witnesses_of_a_death() -> None:
    beliefs = ann(BEN, CLEO, DORA)
    for stranger in (EMIL, CLEO, EMIL):
        beliefs.merge([member_record(BEN, 1, DEAD, seat=2, by=stranger)], 10.0)
    assert status_of(beliefs, BEN) is SUSPECT
    beliefs.merge([member_record(DORA, 2, LEFT, seat=2)], 10.0)
    beliefs.merge([member_record(EMIL, 1, seat=2)], 10.0)
    beliefs.merge([member_record(BEN, 1, DEAD, seat=2, by=DORA)], 10.1)
    assert status_of(beliefs, BEN) is SUSPECT, "who has left saw nothing"
    (news,) = beliefs.merge([member_record(BEN, 1, DEAD, seat=2, by=EMIL)], 10.1)
    assert news.record.status is DEAD


def test_one_member_and_all_that_it_invented_kill_nobody_that_answers() -> None:
    """Cleo let in a crowd; all of them sit in the ring and say that Ben is dead."""
    crowd = [Member(f"made up {number}") for number in range(20)]
    made_up = {CLEO.device, *(one.device for one in crowd)}
    everybody = Crowd(ANN, BEN, CLEO, DORA, *crowd)

    def related(one: bytes, other: bytes) -> bool:
        return one != other and not {one, other} <= made_up

    beliefs = Beliefs(ANN, everybody, related, b"run")
    beliefs.merge([member_record(one, seat=2) for one in (BEN, CLEO, DORA, *crowd)], 0.0)
    for run in range(1, 4):
        for liar in (CLEO, *crowd):
            beliefs.merge([member_record(BEN, run, DEAD, seat=2, by=liar)], 20.0 * run)
        assert status_of(beliefs, BEN) is SUSPECT
        assert advance(beliefs, 20.0 * run + limits.SUSPICION_S - 0.1) == [], "nor sooner"
        beliefs.merge([member_record(BEN, run + 1, seat=2)], 20.0 * run + limits.SUSPICION_S)
        assert status_of(beliefs, BEN) is ALIVE
    beliefs.merge([member_record(BEN, 4, DEAD, seat=2, by=crowd[-1])], 200.0)
    beliefs.merge([member_record(BEN, 4, DEAD, seat=2, by=DORA)], 200.0)
    assert status_of(beliefs, BEN) is DEAD, "an honest witness beside a liar is two"


def test_a_word_of_death_about_a_suspect_adds_an_accuser_and_no_news() -> None:
    beliefs = ann(BEN, CLEO)
    beliefs.suspect(BEN.device, 10.0, process_gone=False)
    assert beliefs.merge([member_record(BEN, 1, DEAD, seat=2, by=CLEO)], 10.0) == []
    assert beliefs._suspicions[BEN.device].ends_s < 12.0


def test_who_leaves_is_gone_at_once_and_nobody_else_can_say_it() -> None:
    beliefs = ann(BEN)
    (news,) = beliefs.merge([member_record(BEN, 2, LEFT, seat=2)], 10.0)
    assert (news.record.status, news.before, news.old_number) == (LEFT, ALIVE, 1)


def test_the_accused_answers_with_a_higher_incarnation() -> None:
    beliefs = ann(BEN)
    for accusation, expected in ((SUSPECT, 2), (DEAD, 3), (LEFT, 4)):
        before = beliefs.own.incarnation
        by = None if accusation is LEFT else BEN
        (news,) = beliefs.merge([member_record(ANN, before, accusation, by=by)], 10.0 + before)
        assert news.record == beliefs.own
        assert (beliefs.own.status, beliefs.own.incarnation) == (ALIVE, expected)
    assert beliefs.merge([member_record(ANN, 3)], 10.0) == []


def test_a_record_of_an_earlier_run_is_outdone() -> None:
    beliefs = ann()
    beliefs.merge([member_record(ANN, 41)], 0.0)
    assert beliefs.own.incarnation == 42


def test_a_leaver_does_not_argue() -> None:
    beliefs = ann(BEN)
    beliefs.write([], 2, 1, LEFT)
    assert beliefs.merge([member_record(ANN, 9)], 10.0) == []
    assert beliefs.own.status is LEFT


def test_the_long_dead_are_forgotten() -> None:
    beliefs = ann(BEN, CLEO)
    beliefs.merge([member_record(BEN, 2, LEFT)], 10.0)
    assert beliefs.deadline() == 10.0 + limits.FORGET_S
    assert advance(beliefs, 10.0 + limits.FORGET_S) == []
    assert beliefs.get(BEN.device) is None
    assert beliefs.get(CLEO.device) is not None


def test_the_end_of_somebody_never_heard_of_is_kept_and_not_told() -> None:
    beliefs = ann()
    assert beliefs.merge([member_record(BEN, 2, LEFT)], 10.0) == []
    assert beliefs.merge([member_record(BEN, 1)], 11.0) == []  # so an old word cannot bring it back
    assert status_of(beliefs, BEN) is LEFT


def test_who_left_is_not_brought_back_by_a_later_word_of_death() -> None:
    beliefs = ann(BEN)
    beliefs.merge([member_record(BEN, 2, LEFT, seat=2)], 10.0)
    (news,) = beliefs.merge([member_record(BEN, 3, DEAD, seat=2, by=CLEO)], 11.0)
    assert (news.before, news.record.status) == (LEFT, DEAD)
    assert len(beliefs.ring()) == 1


def test_who_comes_back_is_news_and_is_not_forgotten() -> None:
    beliefs = ann(BEN)
    beliefs.merge([member_record(BEN, 2, LEFT)], 10.0)
    (news,) = beliefs.merge([member_record(BEN, 3, seat=2)], 20.0)
    assert (news.before, news.old_number) == (LEFT, -1)
    assert beliefs.deadline() is None


def test_a_suspect_never_heard_of_gets_its_time() -> None:
    beliefs = ann()
    assert len(beliefs.merge([member_record(BEN, 1, SUSPECT, by=CLEO)], 10.0)) == 1
    assert len(beliefs.merge([member_record(BEN, 1, SUSPECT, by=DORA)], 10.0)) == 1
    assert len(advance(beliefs, 11.7)) == 1


def test_a_node_that_slept_holds_it_against_nobody() -> None:
    beliefs = ann(BEN)
    beliefs.suspect(BEN.device, 10.0, process_gone=False)
    beliefs.on_tick(10.5)
    assert beliefs.on_tick(510.5) == []
    assert advance(beliefs, 511.9) == []
    assert len(advance(beliefs, 512.0)) == 1


def test_a_tick_that_is_only_late_is_no_sleep() -> None:
    beliefs = ann(BEN)
    beliefs.suspect(BEN.device, 10.0, process_gone=False)
    news = beliefs.on_tick(10.0 + limits.PAUSE_S)
    news += advance(beliefs, 10.0 + limits.SUSPICION_S)
    assert len(news) == 1


def test_idle_time_before_a_suspicion_is_no_sleep() -> None:
    beliefs = ann(BEN)
    beliefs.on_tick(1.0)
    beliefs.suspect(BEN.device, 500.0, process_gone=False)
    assert len(advance(beliefs, 502.0)) == 1


def test_endless_accusations_are_not_listened_to() -> None:
    beliefs = ann(BEN, CLEO)
    for incarnation in (1, 2):
        beliefs.merge([member_record(BEN, incarnation, seat=2)], 10.0)
        told = beliefs.merge([member_record(BEN, incarnation, SUSPECT, seat=2, by=CLEO)], 10.0)
        assert len(told) == (incarnation == 1)
    assert status_of(beliefs, BEN) is ALIVE


def test_who_said_dead_three_times_and_was_wrong_is_not_listened_to() -> None:
    beliefs = ann(BEN, CLEO)
    for incarnation in (1, 2, 3):
        now = 11.0 * incarnation
        assert beliefs.merge([member_record(BEN, incarnation, DEAD, seat=2, by=CLEO)], now)
        assert beliefs.merge([member_record(BEN, incarnation + 1, seat=2)], now + 0.1)
    assert beliefs.merge([member_record(BEN, 4, DEAD, seat=2, by=CLEO)], 50.0) == []
    assert beliefs.suspect(BEN.device, 50.0, process_gone=False)  # we believe our own eyes


def test_another_run_of_the_accused_refutes_nobody() -> None:
    beliefs = ann(CLEO)
    for run in range(1, 6):
        record = write_record(BEN, b"run %d" % run, [], run, 2, ALIVE)
        beliefs.merge([record], 11.0 * run)
        assert beliefs.merge([accuse(CLEO, record, DEAD)], 11.0 * run + 0.1)


M, X, Y = b"malice", b"target", b"another"


def test_the_same_accusation_may_be_repeated() -> None:
    witnesses = Witnesses()
    assert all(witnesses.listens(M, X, 1, now) for now in (0.0, 0.1, 5.0))
    assert witnesses.listens(M, X, 0, 5.0)
    assert witnesses.listens(M, X, 2, limits.ACCUSATION_S)  # since the first time, not the last


def test_another_accusation_of_the_same_target_waits_ten_seconds() -> None:
    witnesses = Witnesses()
    assert witnesses.listens(M, X, 1, 0.0)
    assert not witnesses.listens(M, X, 2, limits.ACCUSATION_S - 0.1)
    assert witnesses.listens(M, Y, 2, 1.0)
    assert witnesses.listens(Y, X, 2, 1.0)
    assert witnesses.listens(M, X, 2, limits.ACCUSATION_S)
    assert not witnesses.listens(M, X, 3, limits.ACCUSATION_S + 0.1)


def test_who_was_refuted_three_times_is_not_listened_to_for_a_minute() -> None:
    witnesses = Witnesses()
    for now in (0.0, 20.0, 40.0):
        assert witnesses.listens(M, X, int(now), now)
        witnesses.on_refuted([M], now)
    assert not witnesses.listens(M, Y, 1, 41.0)
    assert witnesses.listens(Y, X, 99, 41.0)
    assert not witnesses.listens(M, Y, 1, limits.DEAF_S - 0.1)
    assert witnesses.listens(M, Y, 1, limits.DEAF_S)


def test_memory_is_bounded_and_the_oldest_goes() -> None:
    witnesses = Witnesses()
    for number in range(limits.LIST_ITEMS + 1):
        assert witnesses.listens(M, number.to_bytes(4, "big"), 1, 0.0)
    assert len(witnesses._accused) == limits.LIST_ITEMS
    assert witnesses.listens(M, (0).to_bytes(4, "big"), 2, 0.0)
    assert not witnesses.listens(M, (5).to_bytes(4, "big"), 2, 0.0)


def test_they_say_how_they_stand() -> None:
    beliefs = ann(BEN, CLEO)
    beliefs.suspect(BEN.device, 10.0, process_gone=False)
    assert repr(beliefs) == "<Beliefs alive 1, 3 records, 1 suspects>"


def test_who_is_no_member_any_more_is_nothing_here() -> None:
    beliefs = ann(BEN, CLEO)
    beliefs.suspect(BEN.device, 0.0, process_gone=False)
    for _ in range(2):
        assert beliefs.keep({CLEO.device, ANN.device}, 1.0) == []
    assert status_of(beliefs, BEN) is None
    assert beliefs.deadline() is None
    assert status_of(beliefs, CLEO) is ALIVE


def test_the_word_of_who_is_no_member_any_more_is_taken_back() -> None:
    still = {ANN.device, BEN.device, DORA.device, EMIL.device}
    for status in (SUSPECT, DEAD):
        beliefs = Beliefs(ANN, ALL, apart, b"run")
        dead = member_record(BEN, 4, status, seat=2, by=CLEO)
        beliefs.merge([dead], 0.0)
        assert status_of(beliefs, BEN) is status
        (news,) = beliefs.keep(still, 5.0)
        assert (news.record, news.before) == (member_record(BEN, 4, seat=2), status)
        assert news.old_number == (1 if status is SUSPECT else -1)
        assert beliefs.deadline() is None
        assert beliefs.keep(still, 6.0) == []
        assert beliefs._witnesses._refuted_s == {}, "nobody who is still here was wrong"


def test_a_suspicion_of_a_member_goes_on_without_the_word_of_who_is_none() -> None:
    beliefs = ann(BEN, CLEO, DORA, EMIL)
    beliefs.suspect(BEN.device, 10.0, process_gone=False)
    beliefs.merge([member_record(BEN, 1, SUSPECT, seat=2, by=DORA)], 10.0)
    beliefs.merge([member_record(BEN, 1, DEAD, seat=2, by=CLEO)], 10.0)
    suspicion = beliefs._suspicions[BEN.device]
    assert suspicion.confirmations == 2
    assert suspicion.killers == {CLEO.device}
    beliefs.keep({ANN.device, BEN.device, DORA.device, EMIL.device}, 10.1)
    assert suspicion.killers == set()
    assert suspicion.confirmations == 1
    assert CLEO.device not in suspicion.accusers


def test_an_accusation_is_refuted_whoever_signed_it_since_a_member_believes_it() -> None:
    beliefs = Beliefs(ANN, Crowd(ANN, BEN), apart, b"run")  # Cleo was removed here
    for status, own in ((SUSPECT, 2), (DEAD, 3)):
        (news,) = beliefs.merge([accuse(CLEO, beliefs.own, status)], float(own))
        assert news.record == beliefs.own == member_record(ANN, own)
    forged = structs.replace(accuse(CLEO, beliefs.own, DEAD), incarnation=9)
    assert beliefs.merge([forged], 5.0) == [], "nobody else writes an incarnation"
    assert beliefs.own.incarnation == 3
    assert beliefs.deadline() is None


def test_who_accuses_without_end_is_answered_once_in_so_long_and_the_newest_is() -> None:
    beliefs = ann(BEN)
    (first,) = beliefs.merge([accuse(BEN, beliefs.own, SUSPECT)], 10.0)
    assert first.record.incarnation == 2, "the first at once"
    for status in (SUSPECT, DEAD):
        assert beliefs.merge([accuse(BEN, beliefs.own, status)], 10.01) == []
    assert beliefs.merge([member_record(ANN, 7), member_record(ANN, 5)], 10.02) == []
    assert beliefs.deadline() == 10.0 + limits.REFUTE_S < 10.0 + limits.SUSPICION_FAST_S
    assert beliefs.on_tick(10.1) == []
    (answer,) = beliefs.on_tick(10.0 + limits.REFUTE_S)
    assert answer == News(beliefs.own, ALIVE, 0)
    assert beliefs.own == member_record(ANN, 8)
    assert beliefs.deadline() is None
    assert advance(beliefs, 20.0) == []


def test_what_is_written_while_an_answer_waits_is_that_answer() -> None:
    beliefs = ann(BEN)
    beliefs.merge([accuse(BEN, beliefs.own, SUSPECT)], 10.0)
    beliefs.merge([member_record(ANN, 40)], 10.01)
    beliefs.write([], beliefs.own.incarnation + 1, 1, LEFT)
    assert (beliefs.own.status, beliefs.own.incarnation) == (LEFT, 41)
    assert beliefs.merge([member_record(ANN, 50)], 10.02) == []
    assert beliefs.deadline() is None, "who has left argues no more"
    assert beliefs.on_tick(11.0) == []


def test_a_record_of_another_run_of_mine_is_noted_and_answered_like_an_accusation() -> None:
    mine = ann()
    record = write_record(ANN, b"other", [], 7, 1, ALIVE)
    (news,) = mine.merge([record], 0.0)
    assert (mine.rival, news.record.incarnation) == (record, 8)
