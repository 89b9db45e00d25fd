"""A place to send files from: partners, keys, stores, and events delivered as a bus would."""

import csv
import io
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pyarrow as pa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from events.files import FileDropped
from shared.exports import acks, desk
from shared.exports.api import ExportAsked, ExportsQuery, ExportView
from shared.exports.keys import load_keys
from shared.exports.kinds import EXPORTED
from shared.exports.report import verify
from shared.exports.tokens import Tokens
from shared.files.columns import TYPES
from shared.files.drops import LakePart
from shared.files.lake import as_parquet
from shared.files.lake_store import add_parts
from shared.files.names import Kind
from shared.files.stores.folder import FolderStore
from shared.kernel.shards import shard_of
from shared.platform.call import Call, FilePlaces
from tests.conftest import NOW, SHARDS, MakeCall
from tests.integration.files.place import Place

KEY_ID = "tokens-1"
OUTBOX = "SELECT payload FROM outbox WHERE type = 'clo.export.moved.v1' ORDER BY seq"
CUSTOMER = (
    "INSERT INTO customers VALUES (%s, %s, NULL, %s, %s, %s, %s, NULL)"
    " ON CONFLICT (customer_id) DO UPDATE SET attributes = excluded.attributes, consent = excluded.consent"
)


def made_keys() -> dict[str, Any]:
    """Two secrets and a key to sign with, as a JWK set."""
    secrets = {KEY_ID: b"1" * 32, "tokens-2": b"2" * 32}
    octets = [
        {"kty": "oct", "kid": kid, "k": urlsafe_b64encode(secret).decode().rstrip("="), "use": "tok"} for kid, secret in secrets.items()
    ]
    pair = OKPAlgorithm.to_jwk(Ed25519PrivateKey.generate(), as_dict=True)
    return {"keys": [*octets, {**pair, "kid": "sign-1", "alg": "EdDSA"}]}


def feed(kind: str, layout: str, **other: object) -> dict[str, object]:
    """What a partner is sent of a kind."""
    return {"kind": kind, "layout": layout} | other


FEEDS = (
    feed("transactions", "partner-transactions-csv"),
    feed("merchants", "partner-merchants-csv"),
    feed("redemptions", "partner-redemptions-csv"),
)


def partner(name: str = "agg-one", **other: object) -> dict[str, object]:
    """A partner of usual feeds."""
    return {"partner": name, "token_key": KEY_ID, "answers": f"inbox/{name}", "feeds": list(FEEDS)} | other


CARD_SYSTEM = partner("cards", token_key=None, feeds=[feed("credits", "card-credits-csv")])


def bought(number: int, **other: object) -> dict[str, object]:
    """A purchase as the lake has it."""
    usual = {
        "transaction_id": f"t{number}",
        "kind": "purchase",
        "at": NOW,
        "currency": "USD",
        "amount": 1500,
        "customer_id": f"cust-{number}",
        "card_token": f"card-{number}",
        "merchant_id": "shop-1",
        "city": "New York",
    }
    return usual | other


@dataclass(kw_only=True)
class Office:
    """Stores of drops, the lake and exports, and a database."""

    folder: Path
    make: MakeCall
    answered: int = field(default=0)

    def __post_init__(self) -> None:
        for name in ("drops", "lake", "exports"):
            (self.folder / name).mkdir()
        (self.folder / "keys.json").write_text(json.dumps(made_keys()))
        self.place = Place(folder=self.folder, make=self.make)
        self.place.call = self.call  # type: ignore[method-assign]
        self.partners(partner(), CARD_SYSTEM)

    @property
    def places(self) -> FilePlaces:
        stores = {name: str(self.folder / name) for name in ("drops", "lake", "exports")}
        return FilePlaces(**stores, partners=str(self.folder / "partners.json"), export_keys=str(self.folder / "keys.json"))

    @property
    def exports(self) -> FolderStore:
        return FolderStore(self.folder / "exports")

    @property
    def lake(self) -> FolderStore:
        return FolderStore(self.folder / "lake")

    def call(self, *, key: str | None = None, consumer: str = "test") -> Call:
        """A call with the stores at hand."""
        return replace(self.make("olga", key=key, consumer=consumer), file_places=self.places)

    def partners(self, *partners: Mapping[str, object], portfolio: tuple[str, ...] = ("First Sample Bank",), **other: object) -> None:
        """Let these be the partners."""
        said = {"portfolio": portfolio, "partners": partners} | other
        (self.folder / "partners.json").write_text(json.dumps(said))

    def customers(self, *customer_ids: str, consent: bool = True, **attributes: object) -> None:
        """Customers with or without consent."""
        with self.make().transaction() as tx:
            for customer_id in customer_ids:
                values = (customer_id, shard_of(customer_id, SHARDS), json.dumps(attributes), consent, NOW, NOW)
                tx.connection.execute(CUSTOMER, values)

    def keep(self, name: str, *rows: Mapping[str, object], from_file: bool = True) -> None:
        """A part of the lake that counts, as files bring it there, or events."""
        part = replace(self.lay(name, *rows), from_file=from_file)
        with self.make().transaction() as tx:
            add_parts(tx, [part])

    def lay(self, name: str, *rows: Mapping[str, object]) -> LakePart:
        """An object in the lake, with one part."""
        object_name = f"kind=transactions/day=2026-01-15/{name}.parquet"
        columns = EXPORTED[Kind.TRANSACTIONS].columns
        told = {column: pa.array([row.get(column) for row in rows], TYPES[of]) for column, of in columns.items()}
        data = as_parquet(pa.table(told))
        self.lake.create(object_name, [data])
        return LakePart(
            name=object_name,
            kind="transactions",
            day="2026-01-15",
            records=len(rows),
            object=object_name,
            first_row=0,
            bytes=len(data),
        )

    def ask(self, kind: str = "transactions", *, to: str = "agg-one", scope: str | None = None) -> UUID:
        """Ask for an export."""
        return desk.ask_export(self.call(), ExportAsked.model_validate({"partner": to, "kind": kind, "scope": scope})).export_id

    def run(self, survives: type[Exception] | tuple[()] = ()) -> None:
        """Deliver all events there are, and all that follows from them."""
        self.place.receive(survives=survives)

    def send(self, kind: str = "transactions", *, to: str = "agg-one", scope: str | None = None) -> ExportView:
        """Ask for an export and let it be written."""
        export_id = self.ask(kind, to=to, scope=scope)
        self.run()
        return self.view(export_id)

    def view(self, export_id: UUID) -> ExportView:
        return desk.get_export(self.call(), export_id)

    def views(self) -> list[ExportView]:
        return desk.list_exports(self.call(), ExportsQuery()).exports

    def text(self, name: str) -> bytes:
        return self.exports.read(name, self.exports.stat(name).generation)

    def rows(self, view: ExportView) -> list[dict[str, str]]:
        """The details of a file that was sent."""
        lines = list(csv.reader(io.StringIO(self.text(view.name).decode())))
        return [dict(zip(lines[1], line, strict=True)) for line in lines[2:-1]]

    def ids(self, view: ExportView) -> list[str]:
        """The ids of its records."""
        return [list(row.values())[1] for row in self.rows(view)]

    def manifest(self, view: ExportView) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text(f"{view.name}.manifest.json"))
        return found

    def report(self, view: ExportView) -> dict[str, Any]:
        return verify(self.text(f"{view.name}.report.jwt"), load_keys(str(self.folder / "keys.json")))

    def seen(self) -> list[str]:
        """What partners can see."""
        return [stored.name for stored in self.exports.list()]

    def left(self) -> list[str]:
        """What is left of exports on their way, seen or not."""
        drafts = [path for store in ("lake", "exports") for path in (self.folder / store / ".unfinished").glob("*")]
        return [*(stored.name for stored in self.lake.list("exports/")), *map(str, drafts)]

    def answer(self, view: ExportView, *, folder: str | None = None, **other: object) -> None:
        """Let the partner answer to a file."""
        leaf = view.name.rpartition("/")[2]
        said = {"name": leaf, "sha256": view.sha256, "records": view.records, "outcome": "accepted"} | other
        self.drop(f"{folder or f'inbox/{view.partner}'}/{leaf}.ack.json", json.dumps(said).encode())

    def drop(self, name: str, data: bytes) -> None:
        """Let an object be dropped, in place of what was there."""
        drops = FolderStore(self.folder / "drops")
        for stored in drops.list(name):
            drops.delete(stored.name, stored.generation)
        stored = drops.create(name, [data])
        self.answered += 1
        call = self.call(key=f"answer-{self.answered}", consumer="export_file")
        acks.take_answer(call, FileDropped(name=stored.name, generation=stored.generation))

    def tokens(self, of: str = "agg-one", key: str = KEY_ID) -> Tokens:
        """Makes a partner's tokens."""
        return Tokens(secret=load_keys(str(self.folder / "keys.json")).secret(key), partner=of)

    def moved(self) -> list[str]:
        """Where exports were told to stand, in order."""
        return [json.loads(bytes(row["payload"]))["state"] for row in self.place.query(OUTBOX)]


def unsigned(report: bytes) -> dict[str, Any]:
    """What a report says, whoever signed it."""
    said: dict[str, Any] = jwt.decode(report, options={"verify_signature": False})
    return said
