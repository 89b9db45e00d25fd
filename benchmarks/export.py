"""Exports: purchases of the lake with tokens, consent, guard and report, against the same query streamed by polars without them."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final
from uuid import UUID

import psycopg
import pyarrow as pa
from pysequoia import Tsk

from benchmarks.file_worker import peak
from benchmarks.files import blocks
from benchmarks.input import BANK, BARE, generate, size
from benchmarks.place import NOW, SHARDS
from benchmarks.result import Result
from events.files import ExportPartReady, ExportPartsDone, ExportPlanned
from shared.exports import desk, service
from shared.exports.api import ExportAsked, ExportView, ExportWithdrawn
from shared.exports.places import partners_of
from shared.files.drops import LakePart
from shared.files.frame import way_of
from shared.files.lake import as_parquet
from shared.files.lake_store import add_parts
from shared.files.parsing import parse
from shared.files.splitting import Splitter
from shared.kernel.clock import SimulatedClock
from shared.platform.call import Call, Caller, FilePlaces
from shared.platform.database import Database
from shared.platform.local.keys import LocalKeys
from shared.platform.local.postgres import EmbeddedPostgres
from shared.platform.migrate import migrate

ROWS: Final = size("ROWS", 2_000_000)
ROUNDS: Final = 3
REFUSING: Final = 20
"""Of so many customers one has no consent."""
KIND: Final = "kind=transactions"
ALLOWED: Final = "allowed.parquet"
MEGABYTE: Final = 1 << 20
CSV, PARQUET = "partner-transactions-csv", "partner-transactions-parquet"
WAYS: Final[Mapping[str, tuple[str, Mapping[str, bool], Mapping[str, bool]]]] = {
    "plain": (CSV, {}, {}),
    "packed": (CSV, {"gzip": True}, {}),
    "encrypted": (CSV, {}, {"pgp": True}),
    "columnar": (PARQUET, {}, {}),
}
"""Partners, and how each has its files: the layout, and what feed and partner say."""
PARTNERS: Final = {
    "portfolio": ["First Sample Bank", "Sample Gold Card", "Sample Rewards"],
    "partners": [
        {
            "partner": name,
            "token_key": "tokens-1",
            "answers": f"inbox/{name}",
            "feeds": [{"kind": "transactions", "layout": layout, "scope": "full", **of_feed}],
            **of_partner,
        }
        for name, (layout, of_feed, of_partner) in WAYS.items()
    ],
}
INSERT: Final = (
    "INSERT INTO customers (customer_id, shard, consent, created_at, updated_at)"
    " SELECT 'c' || lpad(n::text, 8, '0'), 0, n %% %(refusing)s > 0, %(now)s, %(now)s FROM generate_series(0, %(last)s) n"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Office:
    """A lake of purchases, customers of whom some refuse, and one partner."""

    folder: Path
    url: str

    @property
    def files(self) -> list[str]:
        """The lake's parts."""
        return sorted(map(str, (self.folder / "lake" / KIND).glob("*/*.parquet")))

    @contextmanager
    def call(self) -> Iterator[Call]:
        """A call with all places at hand."""
        stores = {name: str(self.folder / name) for name in ("drops", "lake", "exports")}
        keys = str(LocalKeys(self.folder / "keys").exports)
        pgp = {"pgp_key": str(self.folder / "ours.pgp"), "pgp_senders": str(self.folder)}
        places = FilePlaces(**stores, partners=str(self.folder / "partners.json"), export_keys=keys, **pgp)
        database = Database(self.url, pool_size=4, timeout_seconds=30)
        caller, clock = Caller(subject="bench"), SimulatedClock(NOW)
        try:
            yield Call(caller=caller, clock=clock, database=database, shards=SHARDS, file_places=places)
        finally:
            database.close()


def run() -> list[Result]:
    """Measure throughput, and memory of an export of two full parts against one of one."""
    with _office(ROWS) as office:
        figures = [(_seconds(lambda: ours(office)), _seconds(lambda: by_polars(office))) for _ in range(ROUNDS)]
        ways = {way: _seconds(partial(ours, office, way)) for way in WAYS if way != "plain"}
        long = _peak(office)
    with _office(ROWS // 2) as office:
        short = _peak(office)
    mine, theirs = (median(seconds) for seconds in zip(*figures, strict=True))
    what = f"{ROWS / 1e6:g} million purchases from the lake to csv with tokens, consent and guard"
    return [
        Result(
            name=f"{what}, of polars without tokens and guard",
            ours=f"{ROWS / mine:,.0f} rows/s",
            peer=f"{ROWS / theirs:,.0f} rows/s",
            ratio=theirs / mine,
            at_least=0.5,
        ),
        *(
            Result(
                name=f"the same export {what}, of the plain csv",
                ours=f"{ROWS / ways[way]:,.0f} rows/s",
                peer=f"{ROWS / mine:,.0f} rows/s",
                ratio=mine / ways[way],
                at_least=least,
            )
            for way, what, least in (("packed", "packed with gzip", 0.3), ("encrypted", "encrypted", 0.6), ("columnar", "as Parquet", 0.7))
        ),
        Result(
            name="memory at most of that export, of one of half",
            ours=f"{long // MEGABYTE} MB",
            peer=f"{short // MEGABYTE} MB",
            ratio=long / short,
            at_most=1.1,
        ),
    ]


@contextmanager
def _office(rows: int) -> Iterator[Office]:
    with tempfile.TemporaryDirectory(prefix="clo-bench-") as name:
        folder = Path(name)
        for store in ("drops", "lake", "exports"):
            (folder / store).mkdir()
        (folder / "partners.json").write_text(json.dumps(PARTNERS))
        (folder / "ours.pgp").write_bytes(bytes(Tsk.generate(user_id="clo")))
        (folder / "encrypted.pgp").write_bytes(bytes(Tsk.generate(user_id="encrypted").extract_certificate()))
        postgres = EmbeddedPostgres(folder / "postgres")
        migrate(postgres.owner_url())
        try:
            with psycopg.connect(postgres.owner_url()) as connection:
                connection.execute(INSERT, {"refusing": REFUSING, "now": NOW, "last": BANK.customers})
            office = Office(folder=folder, url=postgres.app_url())
            _fill(office, rows)
            allowed = [f"c{number:08}" for number in range(BANK.customers + 1) if number % REFUSING]
            (folder / ALLOWED).write_bytes(as_parquet(pa.table({"customer_id": allowed})))
            yield office
        finally:
            postgres.stop()


def _fill(office: Office, rows: int) -> None:
    """The lake as the file engine would leave it: a part for each chunk."""
    source, day = generate(office.folder / "source", rows).path, office.folder / "lake" / KIND / "day=2026-01-12"
    day.mkdir(parents=True)
    splitter = Splitter(layout=BARE)
    with office.call() as call, call.transaction() as tx:
        for number, chunk in enumerate(splitter.split(blocks(source))):
            table = pa.Table.from_batches(parse(chunk.data, way_of(splitter), chunk.first_line).accepted)
            data = as_parquet(table)
            (day / f"{number:06}.parquet").write_bytes(data)
            name = f"{KIND}/day=2026-01-12/{number:06}.parquet"
            said = {"kind": "transactions", "day": "2026-01-12", "records": table.num_rows, "bytes": len(data)}
            add_parts(tx, [LakePart(name=name, object=name, first_row=0, **said)])
    source.unlink()


def ours(office: Office, way: str = "plain") -> None:
    """One export from beginning to end, its parts one after the other; then it is taken back."""
    with office.call() as call:
        export_id = desk.ask_export(call, ExportAsked(partner=way, kind="transactions")).export_id
        service.split_export(call, ExportPlanned(export_id=export_id))
        for number in range(1, _view(call, export_id).parts + 1):
            service.write_part(call, ExportPartReady(export_id=export_id, number=number))
        service.finish_export(call, ExportPartsDone(export_id=export_id))
        view = _view(call, export_id)
        if view.state != "written":
            raise RuntimeError(view.state)
        desk.withdraw_export(call, export_id, ExportWithdrawn(reason="It was measured."))


def _view(call: Call, export_id: UUID) -> ExportView:
    return desk.get_export(call, export_id)


def by_polars(office: Office) -> None:
    """The same rows and columns of the same customers."""
    os.environ["POLARS_MAX_THREADS"] = "1"
    import polars as pl  # noqa: PLC0415  (as late as it is needed: our memory is measured without it)

    with office.call() as call:
        layout = partners_of(call).layouts["partner-transactions-csv"]
    out = office.folder / "polars.csv"
    rows = pl.scan_parquet(office.files).join(pl.scan_parquet(office.folder / ALLOWED), on="customer_id", how="semi")
    rows.select(field.target for field in layout.fields).sink_csv(out, datetime_format="%Y-%m-%dT%H:%M:%SZ")
    out.unlink()


def _seconds(work: Callable[[], None]) -> float:
    """Of this process's own time and that of those it starts, so that what else the machine does matters little."""
    start = sum(os.times()[:4])
    work()
    return sum(os.times()[:4]) - start


def _peak(office: Office) -> int:
    """The most that a process of its own holds while it exports."""
    command = [sys.executable, "-m", "benchmarks.export", str(office.folder), office.url]
    return int(subprocess.run(command, check=True, capture_output=True).stdout)


if __name__ == "__main__":
    ours(Office(folder=Path(sys.argv[1]), url=sys.argv[2]))
    sys.stdout.write(str(peak()))
