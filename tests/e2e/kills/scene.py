"""A file of purchases on its way to cashback, and what must have come of it whatever was killed on the way."""

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from typing import Any, Final

from pyarrow import parquet

from shared.files import desk
from shared.files.api import DropTold, FileView
from shared.platform import outbox
from shared.platform.database import exactly_one, rows
from tests.e2e.kills.processes import Processes
from tests.e2e.kills.site import Site
from tests.integration.files.place import as_csv, bought, manifest_of

RECORDS: Final = 24
BAD: Final = 7
BUDGET: Final = 100_000_000
REWARDS: Final = """
SELECT r.customer_id, r.transaction_id, r.state, r.reward_minor, r.paid_minor, r.reason, sum(c.amount_minor)::bigint AS credited
FROM redemptions AS r LEFT JOIN statement_credits AS c USING (redemption_id)
WHERE r.transaction_id LIKE %(word)s GROUP BY r.redemption_id ORDER BY r.transaction_id, r.customer_id
"""
COUNTING: Final = "SELECT name FROM lake_parts WHERE name LIKE %(drop)s ORDER BY name"
PAID: Final = {"state": "payable", "reward_minor": 200, "paid_minor": 200, "credited": 200}
_numbers: Final = count(1)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A site whose customers buy again and again, each time told by a file of its own."""

    site: Site

    @property
    def running(self) -> Processes:
        """The processes at work."""
        return self.site.running

    def drop(self) -> str:
        """A packed file of purchases, one of them not valid; the word by which it is known."""
        word = f"f{next(_numbers):04}"
        lines = [
            bought(number, transaction_id=f"{word}-{number}", **({"currency": "usd"} if number == BAD else {})) for number in range(RECORDS)
        ]
        plain = as_csv(lines, file_id=_file_id(word))
        dropped = self.site.drops.drop(gzip.compress(plain), name=_name(word), plain=plain, **manifest_of(lines))
        desk.note_drop(self.site.drops.call(), DropTold(name=dropped.name, generation=dropped.generation))
        return word

    def wait(self, word: str) -> None:
        """Wait until the file is closed and all that follows from it is done."""
        self.site.wait_until(lambda: self.site.is_done(_name(word)), _name(word))

    def wait_until(self, holds: Callable[[], bool], word: str) -> None:
        """Wait until something holds on the way of a file."""
        self.site.wait_until(holds, _name(word))

    def state(self, word: str) -> dict[str, Any]:
        """What came of a file, without the names and moments that differ from file to file."""
        view = self.site.file(_name(word))
        answer = json.loads(self._beside(view, ".ack.json"))
        rejects = [json.loads(line) for line in self._beside(view, ".rej.jsonl").splitlines()]
        for reject in rejects:
            del reject["line_hash"]  # of the whole line, with its id
        with self.site.drops.make().reading() as tx:
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
        assert self.site.drops.left() == []
        assert hashed(state) == undisturbed, state
        self.site.world.verify()

    def _beside(self, view: FileView, ending: str) -> bytes:
        return self.site.drops.text(f"{view.name}{ending}")

    def _lake(self, view: FileView, word: str) -> list[str]:
        lake, found = self.site.drops.lake, []
        parts = [part for part in lake.list() if view.drop_id.hex in part.name]
        with self.site.drops.make().reading() as tx:
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
