"""Whatever is dropped is refused, or its lines are, with a reason; in bounded memory and time; and the next good file goes through."""

import json
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.context import ForkServerContext
from pathlib import Path
from threading import Barrier
from typing import Any, Final

import psycopg
import pytest

from events.files import FileDropped
from shared.files import receiving
from shared.kernel.cards import find_card_number
from shared.kernel.errors import Busy
from shared.platform.local.postgres import EmbeddedPostgres
from tests.integration.files.hostile import child
from tests.integration.files.hostile.corpus import CORPUS
from tests.integration.files.place import FILE, Place, bought

EXPECTED: Final[dict[str, dict[str, Any]]] = json.loads((Path(__file__).parents[3] / "cases/files/hostile.json").read_text("utf-8"))
MOST_MIB: Final = 256
KILLED_AFTER: Final = 540
"""Seconds, on a busy machine; what counts is the processor's time, of which a process gets so much and no more."""


@pytest.fixture(scope="session")
def processes() -> ForkServerContext:
    """Processes that have imported already what they need."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.integration.files.hostile.child"])
    return context


@pytest.fixture
def no_files(postgres: EmbeddedPostgres) -> None:
    """A database without files: to empty all tables for each of so many cases would take longer than the cases."""
    with psycopg.connect(postgres.owner_url(), autocommit=True) as connection:
        for table in ("lake_parts", "lake_objects", "drop_chunks", "drops", "outbox", "handled"):
            connection.execute(psycopg.sql.SQL("DELETE FROM {}").format(psycopg.sql.Identifier(table)))


def taken(condition: str, folder: Path, database_url: str, processes: ForkServerContext) -> dict[str, Any]:
    """What becomes of a hostile drop, in a process of its own that is killed when it takes too long."""
    for store in ("drops", "lake"):
        (folder / store).mkdir()
    dropped = child.put(condition, folder)
    here, there = processes.Pipe(duplex=False)
    process = processes.Process(target=child.take, args=(condition, dropped, folder, database_url, there))
    process.start()
    there.close()
    try:
        assert here.poll(KILLED_AFTER), "it takes too long"
        said: dict[str, Any] = here.recv()
    except EOFError:
        raise AssertionError("it died") from None
    finally:
        process.kill()
        process.join()
    return said


def test_each_hostile_drop_has_its_expectation() -> None:
    assert list(EXPECTED) == list(CORPUS)


@pytest.mark.parametrize("condition", CORPUS)
@pytest.mark.usefixtures("no_files")
def test_hostile_drop_is_turned_away_and_the_next_good_one_taken(
    condition: str, tmp_path: Path, postgres: EmbeddedPostgres, processes: ForkServerContext
) -> None:
    said, wanted = taken(condition, tmp_path, postgres.app_url(), processes), EXPECTED[condition]
    assert said["outcome"] == wanted["outcome"], said
    for reason in wanted.get("problems", ()):
        assert any(reason in problem for problem in said["problems"]), said["problems"]
    assert said["rejects"] == wanted.get("rejects", []), said["rejects"]
    assert bool(said["problems"]) == bool(wanted.get("problems")), said["problems"]
    assert all(len(problem) < 1000 and problem.isprintable() for problem in said["problems"])
    assert find_card_number(json.dumps([said["problems"], said["rejects"]]).encode()) is None
    assert (said["accepted"], said["rejected"]) == (wanted.get("accepted", 0), wanted.get("rejected", 0))
    assert said["posted"] == (wanted.get("accepted", 0) if wanted["outcome"] in {"accepted", "partial"} else 0)
    assert (said["left"], said["after"]) == ([], "accepted")
    assert said["mib"] <= MOST_MIB


def test_of_two_files_with_one_id_at_the_same_moment_one_is_taken_in(place: Place) -> None:
    dropped = [place.rows(bought(number), name=f"{FILE}_{scope}_r1.csv") for number, scope in enumerate(("full", "delta"))]
    start = Barrier(len(dropped))

    def receive(one: FileDropped) -> None:
        start.wait()
        receiving.receive_file(place.call(key=one.name, consumer="receive_file"), one)

    with ThreadPoolExecutor() as threads:
        turns = [threads.submit(receive, one) for one in dropped]
    for one, turn in zip(dropped, turns, strict=True):
        if isinstance(turn.exception(), Busy):
            receiving.receive_file(place.call(key=one.name, consumer="receive_file"), one)
    place.receive()
    assert sorted(str(view.outcome) for view in place.files()) == ["accepted", "refused"]
    assert place.by_outcome()["refused"].problems[0].message == "other data were taken in as this revision: send a new one"
    assert len(place.posted()) == 1
