"""From parts to a file: data, signed report, manifest last, so that no half of a file is ever seen. And the ends without a file."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256

from events.files import ExportPartsDone
from shared.exports import store
from shared.exports.due import LOG, tell
from shared.exports.ending import end, take_away
from shared.exports.guard import guard_of
from shared.exports.kinds import EXPORTED
from shared.exports.model import Export, Part, State, summed
from shared.exports.packing import as_sent
from shared.exports.places import Places, places_of, work_prefix
from shared.exports.report import REPORT, sign
from shared.exports.tables import as_file, schema_of
from shared.files.manifest import Manifest
from shared.files.names import MANIFEST, Format
from shared.files.places import clear, keep, read_whole
from shared.files.stores.protocol import Changed, Exists, ObjectStore
from shared.files.stores.streams import BLOCK, digested, hashed
from shared.files.totals import Totals
from shared.files.writing import head, tail
from shared.kernel.errors import Broken, Busy, NotFound, Problem
from shared.platform.call import Call, Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Whole:
    """The data of a file as they lie in the place of exports."""

    generation: str
    size: int
    sha256: str
    sha256_plain: str
    """Of the data before they were packed and encrypted."""
    totals: Totals


def finish_export(call: Call, done: ExportPartsDone) -> None:
    """Put the file of an export together from its parts, and let its partner see it."""
    places = places_of(call)
    with call.reading() as tx:
        export = store.read(tx, done.export_id)
        parts = store.parts(tx, done.export_id)
    if export.state is not State.WRITING:
        return
    try:
        whole = _put_together(call, places, export, parts)
    except (Changed, NotFound) as error:
        raise Broken("A part is not there as it was scanned: the export was withdrawn just now, or something is wrong.") from error
    with call.transaction() as tx:
        export = store.read(tx, done.export_id, lock=True)
        if export.state is State.WRITING:
            _let_see(tx, places, export, parts, whole)
        elif export.state is not State.WRITTEN:
            take_away(places, export)  # it was withdrawn meanwhile
        clear(places.lake, work_prefix(export.export_id))


def refuse(call: Call, places: Places, export: Export, problems: tuple[Problem, ...]) -> None:
    """End an export in which the guard found something: nothing of it is ever seen."""
    with call.transaction() as tx:
        export = store.read(tx, export.export_id, lock=True)
        if export.state is State.WRITING:
            refused = end(tx, export, State.REFUSED, problems)
            signed = sign(refused, store.parts(tx, export.export_id), guard_of(places.partners.portfolio), places.keys)
            keep(places.exports, f"{export.name}{REPORT}", signed)
            LOG.warning("export refused by the guard", partner=export.partner, name=export.name, found=len(problems))
    clear(places.lake, work_prefix(export.export_id))  # what parts are made from is needed until that is on record


def _let_see(tx: Transaction, places: Places, export: Export, parts: Sequence[Part], whole: Whole) -> None:
    """Put report and manifest beside the data. Raises Busy where another attempt took the data away: nobody else does, as from here on."""
    if _generation(places.exports, export.name) != whole.generation:
        raise Busy("Another attempt puts the same file together.")
    withheld = summed([part.withheld for part in parts])
    written = replace(
        export,
        state=State.WRITTEN,
        written_at=tx.now,
        records=whole.totals.count,
        size=whole.size,
        sha256=whole.sha256,
        withheld=withheld,
    )
    signed = sign(written, parts, guard_of(places.partners.portfolio), places.keys)
    keep(places.exports, f"{export.name}{REPORT}", signed)
    manifest = _manifest(written, places, whole).model_dump_json(indent=2, exclude_none=True).encode() + b"\n"
    keep(places.exports, f"{export.name}{MANIFEST}", manifest)
    store.update(tx, written)
    tell(tx, written)


def _manifest(export: Export, places: Places, whole: Whole) -> Manifest:
    totals = whole.totals
    return Manifest(
        file_id=export.file_name.file_id,
        revision=1,
        schema_version=places.layout_of(export).schema_version,
        record_count=totals.count,
        sums={currency: str(minor) for currency, minor in sorted(totals.sums.items())},
        entry_hash=f"{totals.entry_hash:010}",
        sha256_plain=whole.sha256_plain,
        sha256_cipher=whole.sha256 if export.pgp else None,
        file_bytes=whole.size,
        file_sha256=whole.sha256,
        first_event_at=totals.first_at,
        last_event_at=totals.last_at,
        token_key=export.token_key,
    )


def _generation(store: ObjectStore, name: str) -> str | None:
    """Which content a name holds; None where it holds nothing."""
    try:
        return store.stat(name).generation
    except NotFound:
        return None


def _put_together(call: Call, places: Places, export: Export, parts: Sequence[Part]) -> Whole:
    """The data, stored as one object that is seen whole or not at all. What a run before this one left is no file without a manifest."""
    told = _as_told(places, export, parts)
    if told:
        return told
    with suppress(Exists):
        return _stored(places, export, parts)
    with replace(call, once=None).transaction() as tx:  # who is about to write the manifest holds the export
        if store.read(tx, export.export_id, lock=True).state is State.WRITING:
            take_away(places, export)
    return _stored(places, export, parts)


def _stored(places: Places, export: Export, parts: Sequence[Part]) -> Whole:
    """Put the data together and pack them. Raises Exists where something bears the file's name."""
    layout, totals = places.layout_of(export), sum((part.totals for part in parts), Totals())
    ends = head(layout, export.file_name.file_id), tail(layout, totals)
    plain = sent = sha256()
    made = _contents(places.lake, parts, *ends)
    if layout.format is Format.PARQUET:
        made = as_file(made, schema_of(EXPORTED[export.kind], layout))
    blocks = hashed(made, plain)
    if export.gzip or export.pgp:
        sent = sha256()
        blocks = hashed(as_sent(blocks, export, places), sent)
    stored = places.exports.create(export.name, blocks)
    hashes = {"sha256": sent.hexdigest(), "sha256_plain": plain.hexdigest()}
    return Whole(generation=stored.generation, size=stored.size, totals=totals, **hashes)


def _as_told(places: Places, export: Export, parts: Sequence[Part]) -> Whole | None:
    """The data of a manifest that is there already, for it may have been read; None where none is. Raises Broken for data of another."""
    try:
        told = Manifest.model_validate_json(read_whole(places.exports, f"{export.name}{MANIFEST}"))
    except NotFound:
        return None
    found = places.exports.stat(export.name)
    with places.exports.open(export.name, found.generation) as stream:
        digest = digested(stream, sha256())
    totals = sum((part.totals for part in parts), Totals())
    if told.totals != totals or told.file_sha256 != digest.hexdigest():
        raise Broken("Another file lies where an export belongs.")
    hashes = {"sha256": digest.hexdigest(), "sha256_plain": told.sha256_plain}
    return Whole(generation=found.generation, size=found.size, totals=totals, **hashes)


def _contents(lake: ObjectStore, parts: Sequence[Part], before: bytes, after: bytes) -> Iterator[bytes]:
    """Header, parts, trailer. Raises Changed where a part is not the one that was scanned."""
    yield before
    for part in parts:
        for start in range(0, part.size, BLOCK):
            yield lake.read(str(part.object), str(part.generation), start, min(start + BLOCK, part.size))
    yield after
