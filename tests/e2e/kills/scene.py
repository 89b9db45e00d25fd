"""A file of purchases on its way to cashback, and what must have come of it whatever was killed on the way."""

import gzip
import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, Final

from pyarrow import parquet

from events.payloads import ScheduleTicked
from shared.files import desk
from shared.files.api import DropTold, FilesQuery, FileView
from shared.files.stores.folder import DRAFTS
from shared.files.sweeping import LEFT_FOR
from shared.kernel.clock import SystemClock
from shared.platform import outbox
from shared.platform.database import exactly_one, rows
from shared.schedule import service as schedule
from tests.conftest import NOW
from tests.e2e.kills.processes import Processes
from tests.e2e.process import wait_until
from tests.integration.files.place import Place as Drops
from tests.integration.files.place import as_csv, bought, manifest_of
from tests.world import World

RECORDS: Final = 24
BAD: Final = 7
BUDGET: Final = 100_000_000
SECONDS: Final = 180.0
REWARDS: Final = """
SELECT r.customer_id, r.transaction_id, r.state, r.reward_minor, r.paid_minor, r.reason, sum(c.amount_minor)::bigint AS credited
FROM redemptions AS r LEFT JOIN statement_credits AS c USING (redemption_id)
WHERE r.transaction_id LIKE %(word)s GROUP BY r.redemption_id ORDER BY r.transaction_id, r.customer_id
"""
COUNTING: Final = "SELECT name FROM lake_parts WHERE name LIKE %(drop)s ORDER BY name"
PAID: Final = {"state": "payable", "reward_minor": 200, "paid_minor": 200, "credited": 200}
_numbers: Final = count(1)


@dataclass(kw_only=True)
class Scene:
    """One world whose customers buy again and again, each time told by a file of its own."""

    drops: Drops
    world: World
    running: Processes
    pending: Callable[[], int]
    """How many events are on their way."""

    def drop(self) -> str:
        """A packed file of purchases, one of them not valid; the word by which it is known."""
        word = f"f{next(_numbers):04}"
        lines = [
            bought(number, transaction_id=f"{word}-{number}", **({"currency": "usd"} if number == BAD else {})) for number in range(RECORDS)
        ]
        plain = as_csv(lines, file_id=_file_id(word))
        dropped = self.drops.drop(gzip.compress(plain), name=_name(word), plain=plain, **manifest_of(lines))
        desk.note_drop(self.drops.call(), DropTold(name=dropped.name, generation=dropped.generation))
        return word

    def wait(self, word: str) -> None:
        """Wait until the file is closed and all that follows from it is done."""
        self.wait_until(lambda: self._is_done(word), word)

    def wait_until(self, holds: Callable[[], bool], word: str) -> None:
        """Wait until something holds on the way of a file."""
        try:
            wait_until(holds, seconds=SECONDS, what=f"{word} is done")
        except AssertionError as late:
            with self.drops.make().reading() as tx:
                waiting = rows(tx.connection, "SELECT type, pending, attempts, last_error FROM outbox WHERE pending <> '{}'")
            late.add_note(f"{waiting}\n{self.file(word)}\n{self.running.log()}")
            raise

    def state(self, word: str) -> dict[str, Any]:
        """What came of a file, without the names and moments that differ from file to file."""
        view = self.file(word)
        answer = json.loads(self._beside(view, ".ack.json"))
        rejects = [json.loads(line) for line in self._beside(view, ".rej.jsonl").splitlines()]
        for reject in rejects:
            del reject["line_hash"]  # of the whole line, with its id
        with self.drops.make().reading() as tx:
            rewards = rows(tx.connection, REWARDS, word=f"{word}-%")
            dead = exactly_one(tx.connection, outbox.SQL["backlog"])["dead"]
        return {
            "file": (view.outcome, view.records, view.accepted, view.rejected, view.chunks, view.chunks_read, view.chunks_applied),
            "answer": {name: answer[name] for name in ("outcome", "records", "accepted", "rejected", "sums", "problems")},
            "rejects": rejects,
            "lake": self._lake(view, word),
            "rewards": [{**row, "transaction_id": row["transaction_id"].removeprefix(word)} for row in rewards],
            "dead": dead,
        }

    def require_whole(self, word: str, undisturbed: str) -> None:
        """Nothing lost, nothing doubled, nothing left, and the same as if nothing had happened."""
        state = self.state(word)
        good = [f"-{number}" for number in range(RECORDS) if number != BAD]
        told = manifest_of([bought(number) for number in range(RECORDS) if number != BAD])
        assert state["file"][:4] == ("partial", RECORDS, len(good), 1)
        assert state["answer"]["sums"] == told["sums"]
        assert [row["transaction_id"] for row in state["rewards"]] == sorted(good)
        assert {(row["state"], row["reward_minor"], row["paid_minor"], row["credited"]) for row in state["rewards"]} == {
            ("payable", 200, 200, 200)
        }
        assert state["lake"] == sorted(good)
        assert self.drops.left() == []
        assert hashed(state) == undisturbed, state
        self.world.verify()

    def unfinished(self) -> int:
        """Objects that a writer began and nobody sees."""
        return len(self._drafts())

    def sweep_a_day_later(self) -> None:
        """Let the schedule do what is due when all that is unfinished is old."""
        old = (SystemClock().now() - 2 * LEFT_FOR).timestamp()
        for draft in self._drafts():
            os.utime(draft, (old, old))
        schedule.run_schedule(self.drops.call(), ScheduleTicked(at=NOW))

    def file(self, word: str) -> FileView:
        """How far a file is."""
        (view,) = desk.list_files(self.drops.call(), FilesQuery(name=_name(word))).files
        return view

    def _drafts(self) -> list[Path]:
        folders = [self.drops.folder / store / DRAFTS for store in ("drops", "lake")]
        return [file for folder in folders if folder.exists() for file in folder.iterdir()]

    def _is_done(self, word: str) -> bool:
        assert not self.running.broken, self.running.log()
        return self.pending() == 0 and self.file(word).state == "closed" and self.running.ready()

    def _beside(self, view: FileView, ending: str) -> bytes:
        return self.drops.text(f"{view.name}{ending}")

    def _lake(self, view: FileView, word: str) -> list[str]:
        lake, found = self.drops.lake, []
        parts = [part for part in lake.list() if view.drop_id.hex in part.name]
        with self.drops.make().reading() as tx:
            counting = rows(tx.connection, COUNTING, drop=f"%{view.drop_id.hex}%")
        assert [row["name"] for row in counting] == [part.name for part in parts]
        for part in parts:
            table = parquet.read_table(io.BytesIO(lake.read(part.name, part.generation)))
            found += table["transaction_id"].to_pylist()
        return sorted(each.removeprefix(word) for each in found)


def hashed(state: dict[str, Any]) -> str:
    """A state in short."""
    return sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def _file_id(word: str) -> str:
    return f"transactions_mybank_20260112_{word[1:]}"


def _name(word: str) -> str:
    return f"{_file_id(word)}_delta_r1.csv.gz"
