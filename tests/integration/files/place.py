"""A drop place to test in: files as a bank would write them, and their events delivered as a bus would."""

import csv
import gzip
import hashlib
import importlib
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from events.catalog import BY_TYPE
from events.files import FileDropped
from events.payloads import Transaction, TransactionsPosted
from functions.registry import BY_NAME
from shared.files import desk, lake, lake_store, receiving
from shared.files.api import FilesQuery, FileView
from shared.files.library import load
from shared.files.names import read_name
from shared.files.stores.folder import FolderStore
from shared.files.totals import entry_hash
from shared.platform.call import Call, FilePlaces
from tests.conftest import NOW, MakeCall

FILE = "transactions_mybank_20260112_0001"
WAITING = "SELECT seq, event_id, type, payload, pending FROM outbox WHERE pending <> '{}' ORDER BY seq"
TAKEN = "UPDATE outbox SET pending = array_remove(pending, %(consumer)s) WHERE seq = %(seq)s"
MOST_TRIES = 5
Row = Mapping[str, object]


def bought(number: int, **other: object) -> dict[str, object]:
    """A purchase of 15 dollars as a row of the packaged layout."""
    usual = {
        "transaction_id": f"t{number}",
        "at": NOW.isoformat(),
        "currency": "USD",
        "amount": 1500,
        "customer_id": f"cust-{number}",
        "merchant_id": "shop-1",
    }
    return usual | other


def as_csv(rows: Iterable[Row], *, file_id: str = FILE, trailer: str | None = None) -> bytes:
    """The rows as the packaged layout of transactions writes them."""
    rows = list(rows)
    layout = load().find(read_name(f"{file_id}_delta_r1.csv"), "1")
    columns = [str(told.column) for told in layout.fields]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["H", file_id])
    writer.writerow(["record", *columns])
    writer.writerows(["D", *(row.get(column, "") for column in columns)] for row in rows)
    told = manifest_of(rows)
    sums = " ".join(f"{currency}:{minor}" for currency, minor in told["sums"].items())
    text.write(trailer if trailer is not None else f"T,{told['record_count']},{told['entry_hash']},{sums}\n")
    return text.getvalue().encode()


def manifest_of(rows: Iterable[Row]) -> dict[str, Any]:
    """What a manifest says of the rows."""
    rows = list(rows)
    sums: dict[str, int] = {}
    for row in rows:
        amount = str(row.get("amount"))
        if amount.isdigit():
            currency = str(row["currency"]).upper()
            sums[currency] = sums.get(currency, 0) + int(amount)
    return {
        "record_count": len(rows),
        "sums": {currency: str(minor) for currency, minor in sums.items()},
        "entry_hash": f"{entry_hash(str(next(iter(row.values()))).encode() for row in rows):010}",
    }


@dataclass(kw_only=True)
class Place:
    """A folder of drops and one of the lake, and a database."""

    folder: Path
    make: MakeCall
    came: list[tuple[str, str]] = field(default_factory=list)
    """What was delivered: function and type."""
    PACKED: ClassVar[str] = f"{FILE}_delta_r1.csv.gz"
    delivers: Callable[[str], bool] = lambda _consumer: True
    """Which functions are at work."""
    _posted: list[str] = field(default_factory=list)

    @property
    def drops(self) -> FolderStore:
        return FolderStore(self.folder / "drops")

    @property
    def lake(self) -> FolderStore:
        return FolderStore(self.folder / "lake")

    @property
    def layouts(self) -> Path:
        """Where layouts of a sender's own lie, if a test makes the folder."""
        return self.folder / "layouts"

    def call(self, *, key: str | None = None, consumer: str = "test") -> Call:
        """A call with the folders at hand."""
        own = str(self.layouts) if self.layouts.exists() else None
        places = FilePlaces(drops=str(self.folder / "drops"), lake=str(self.folder / "lake"), layouts=own)
        return replace(self.make("bank", key=key, consumer=consumer), file_places=places)

    def drop(self, data: bytes, *, name: str = f"{FILE}_delta_r1.csv", plain: bytes | None = None, **said: object) -> FileDropped:
        """A file and its manifest, in the order a sender writes them."""
        told = {
            "file_id": name.rsplit("_", 2)[0],
            "revision": 1,
            "schema_version": "1",
            "sha256_plain": hashlib.sha256(data if plain is None else plain).hexdigest(),
        }
        self.drops.create(f"inbox/{name}", [data])
        stored = self.drops.create(f"inbox/{name}.manifest.json", [json.dumps(told | said).encode()])
        return FileDropped(name=stored.name, generation=stored.generation)

    def rows(self, *rows: Row, name: str = f"{FILE}_delta_r1.csv", **said: object) -> FileDropped:
        """A whole file of these rows, as it should be but for what is said otherwise."""
        return self.drop(as_csv(rows, file_id=str(said.get("file_id", FILE))), name=name, **manifest_of(rows) | said)

    def packed(self, *rows: Row) -> FileDropped:
        """The same, packed: its chunks are objects of their own."""
        plain = as_csv(rows)
        return self.drop(gzip.compress(plain), name=self.PACKED, plain=plain, **manifest_of(rows))

    def receive(self, *dropped: FileDropped, survives: type[Exception] | tuple[()] = ()) -> None:
        """Let drops be taken in, and all that follows from it; what a function dies of that is survived is told it again."""
        for one in dropped:
            self._until_taken(partial(self._receive, one), survives)
        while waiting := self.query(WAITING):
            for row in waiting:
                for consumer in row["pending"]:
                    self._until_taken(partial(self._deliver, row, consumer), survives)

    def _receive(self, dropped: FileDropped) -> None:
        receiving.receive_file(self.call(key=f"{dropped.name}/{dropped.generation}", consumer="receive_file"), dropped)

    def _until_taken(self, take: Callable[[], None], survives: type[Exception] | tuple[()]) -> None:
        for _ in range(MOST_TRIES):
            try:
                return take()
            except survives:
                continue
        raise AssertionError(MOST_TRIES)

    def _deliver(self, row: dict[str, Any], consumer: str) -> None:
        kind, function = BY_TYPE[row["type"]], BY_NAME[consumer]
        use_case = getattr(importlib.import_module(function.service), function.consumes[kind.payload])
        raw = bytes(row["payload"])
        said = raw if "raw" in signature(use_case).parameters else kind.payload.model_validate_json(raw)
        if self.delivers(consumer):
            use_case(self.call(key=row["event_id"].hex, consumer=consumer), said)
        if kind.payload is TransactionsPosted and consumer == "redeem_cashback":
            self._posted += [told["transaction_id"] for told in json.loads(raw)["transactions"]]
        self.came.append((consumer, kind.type))
        with self.make().transaction() as tx:
            tx.connection.execute(TAKEN, {"consumer": consumer, "seq": row["seq"]})

    def query(self, statement: str) -> list[dict[str, Any]]:
        """Rows of a statement."""
        with self.make().reading() as tx:
            return tx.connection.execute(statement).fetchall()

    def files(self) -> list[FileView]:
        """What was dropped, newest first."""
        return desk.list_files(self.call(), FilesQuery()).files

    def by_outcome(self) -> dict[str | None, FileView]:
        """What was dropped, by how it ended."""
        return {view.outcome: view for view in self.files()}

    def file(self) -> FileView:
        """The one file that was dropped."""
        (view,) = self.files()
        return view

    def answer(self, name: str = f"{FILE}_delta_r1.csv") -> dict[str, Any]:
        """The acknowledgement beside a file."""
        found: dict[str, Any] = json.loads(self.text(f"inbox/{name}.ack.json"))
        return found

    def rejects(self, name: str = f"{FILE}_delta_r1.csv") -> list[dict[str, Any]]:
        """The records of a file that were not taken, with their reasons."""
        return [json.loads(line) for line in self.text(f"inbox/{name}.rej.jsonl").splitlines()]

    def text(self, name: str) -> bytes:
        """What an object holds."""
        return self.drops.read(name, self.drops.stat(name).generation)

    def left(self) -> list[str]:
        """What is left of drops on their way."""
        return [stored.name for stored in self.drops.list("work/")]

    def counting(self) -> set[str]:
        """The objects of the lake in which something counts."""
        return {row["object"] for row in self.query("SELECT object FROM lake_parts")}

    def content(self) -> dict[str, list[str]]:
        """What each part of the lake holds, wherever it lies: its records as text, what is not said left out."""
        with self.make().reading() as tx:
            parts = lake_store.placed(tx, [row["name"] for row in self.query("SELECT name FROM lake_parts")])
        found = {part.name: lake.read_parts(self.lake, [part], Transaction.model_fields).to_pylist() for part in parts}
        return {name: [str({key: row[key] for key in row if row[key] is not None}) for row in found[name]] for name in found}

    def posted(self) -> list[str]:
        """The ids of the purchases that were published, however often."""
        return self._posted

    def drop_id(self) -> UUID:
        """Of the one file."""
        return self.file().drop_id


def as_jsonl(rows: Iterable[Row]) -> bytes:
    """The rows as the packaged layouts of lines of JSON write them that have nothing around the details."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)
