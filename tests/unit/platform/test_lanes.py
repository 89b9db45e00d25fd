"""A lane deals with its records one after the other, each once, however often they are read."""

import time
from typing import Final

import pytest

from shared.platform.delivery import MAX_ATTEMPTS, Answer, Verdict
from shared.platform.kafka.lanes import Lane
from shared.platform.kafka.records import Record

TAKEN, BUSY, POISON = Answer(status=204), Answer(status=503), Answer(status=422, detail="no")
OFFSETS: Final = (5, 6, 8)


def record(offset: int) -> Record:
    return Record("t", 0, offset, 0, (), None, b"")


@pytest.fixture
def lane() -> Lane:
    lane = Lane()
    lane.add(map(record, OFFSETS))
    return lane


def offsets(lane: Lane) -> list[int]:
    return [record.offset for record in lane.records]


def test_records_that_are_read_again_are_left_out(lane: Lane) -> None:
    lane.add(map(record, (5, 6, 8, 9)))
    assert offsets(lane) == [5, 6, 8, 9]
    for _ in range(4):
        lane.done()
    lane.add(map(record, (8, 9)))
    assert offsets(lane) == []


def test_what_was_answered_is_to_be_committed_once(lane: Lane) -> None:
    assert lane.uncommitted() is None
    lane.judge(TAKEN)
    assert lane.uncommitted() == 6
    lane.committed = 6
    assert lane.uncommitted() is None
    lane.judge(TAKEN)
    lane.judge(TAKEN)
    assert lane.uncommitted() == 9


def test_record_that_is_put_off_stays_first_and_is_not_due(lane: Lane) -> None:
    assert lane.is_due()
    assert lane.judge(BUSY) is Verdict.LATER
    assert (offsets(lane)[0], lane.attempts, lane.uncommitted()) == (5, 1, None)
    assert not lane.is_due()
    assert 0 < lane.due - time.monotonic() <= 0.2
    lane.judge(BUSY)
    assert 0.2 < lane.due - time.monotonic() <= 0.4


def test_attempts_are_those_of_the_first_record(lane: Lane) -> None:
    lane.judge(BUSY)
    lane.judge(TAKEN)
    assert lane.attempts == 0
    verdicts = [lane.judge(BUSY) for _ in range(MAX_ATTEMPTS)]
    assert verdicts == [Verdict.LATER] * (MAX_ATTEMPTS - 1) + [Verdict.DEAD]


def test_dead_record_stays_first_until_it_is_buried(lane: Lane) -> None:
    assert lane.judge(POISON) is Verdict.DEAD
    assert (lane.dead, offsets(lane)[0], lane.uncommitted()) == (POISON, 5, None)
    lane.put_off()
    assert lane.dead == POISON
    lane.done()
    assert (lane.attempts, offsets(lane)[0], lane.uncommitted()) == (0, 6, 6)
    assert lane.judge(TAKEN) is Verdict.TAKEN


def test_lane_that_was_taken_away_is_never_due(lane: Lane) -> None:
    lane.gone = True
    assert not lane.is_due()


def test_lane_without_records_is_not_due() -> None:
    assert not Lane().is_due()
