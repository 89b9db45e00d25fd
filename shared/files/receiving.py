"""Taking in a dropped file: is it what its manifest says, and where can it be cut. Nothing it says takes effect here."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO, Final
from uuid import UUID

from events.files import FileDropped
from shared.files import answers, closing, steps, store
from shared.files.drops import Drop, Found, Outcome, Piece, State, Step, admitted, attempt_of, contradictions, problems_in
from shared.files.effects import EFFECTS
from shared.files.frame import read_header, read_trailer, way_of
from shared.files.layout import LONGEST_RECORD, RECODED
from shared.files.library import NoLayout
from shared.files.manifest import Manifest, read_manifest
from shared.files.names import MANIFEST, FileName, Format, read_name
from shared.files.notes import note
from shared.files.places import Places, keep, places_of, work_name
from shared.files.probe import probed
from shared.files.recoding import recoded
from shared.files.sealed import Keys, unsealed
from shared.files.senders import load_senders, why_not
from shared.files.splitting import CHUNK_BYTES, Chunk, Splitter
from shared.files.stores.names import object_name
from shared.files.stores.notices import read_notice
from shared.files.stores.protocol import Changed, Stored
from shared.files.stores.streams import blocks_of, digested, hashed
from shared.files.taking import TAKERS
from shared.files.unpacking import unpacked
from shared.kernel.errors import Busy, Invalid, NotFound, Problem
from shared.kernel.ids import derived_id
from shared.platform.call import Call, Transaction

MOST_MANIFEST_BYTES: Final = 100_001
NOT_TAKEN: Final[dict[str, Callable[[FileName, Places], bool]]] = {
    "encrypted files are not taken here": lambda name, places: name.pgp and places.keys is None,
    "there is no certificate of this sender here": lambda name, places: name.pgp and not _has_certificate(name.sender, places),
    "files of Parquet that are packed or encrypted as a whole are not taken": lambda name, _: _is_wrapped_parquet(name),
    "files of this kind are not taken here yet": lambda name, _: name.kind not in {*EFFECTS, *TAKERS},
}


class NotAsTold(Invalid):
    """The file is not what its manifest says."""

    code = "not_as_told"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """What came of cutting a file: its pieces, or what is wrong with it."""

    pieces: tuple[Piece, ...] = ()
    names: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def receive_file(call: Call, dropped: FileDropped) -> None:
    """Take in the file whose manifest was dropped: put it on record, prove that it is whole, let its chunks be read.

    A file that can't be taken in is closed with all that is wrong with it. Other objects start nothing: a manifest is written last.
    Raises Busy while the revision before it is on its way, Invalid where no object can be named so.
    """
    object_name(dropped.name)
    drop = _put_on_record(call, dropped) if dropped.name.endswith(MANIFEST) else None
    if drop and drop.state is State.RECEIVED and drop.attempt > 1:
        answers.remove(places_of(call).drops, drop)
    cut = _cut(places_of(call), drop) if drop and drop.state is State.RECEIVED else None
    with call.transaction() as tx:
        if drop and cut and store.read(tx, drop.drop_id, lock=True).state is State.RECEIVED:
            drop = _go_on(tx, places_of(call), drop, cut)
    if drop and drop.outcome and drop.outcome not in answers.TAKEN_IN:
        answers.write(places_of(call).drops, drop, Found())


def note_objects(call: Call, kind: str, raw: bytes) -> None:
    """Take a store's word on new objects: each manifest among them, if it is of this drop place, is an event of a file that was dropped.

    Raises Invalid with everything that is wrong with the notification.
    """
    drops = places_of(call).drops
    found = (one.seen_from(drops.url) for one in read_notice(kind, raw))
    with call.transaction() as tx:
        for one in found:
            if one and one.name.endswith(MANIFEST):
                note(tx, drops, one.name, one.generation)


def _put_on_record(call: Call, dropped: FileDropped) -> Drop:
    """The drop as it is on record, at first in a transaction of its own: it is seen while it is being cut."""
    drop = _look(places_of(call), dropped, call.clock.now())
    with replace(call, once=None).transaction() as tx:
        earlier = store.revisions(tx, drop.manifest.file_id) if drop.manifest else []
        _require_all_before(tx, places_of(call), drop, earlier)
        drop = admitted(drop, earlier)
        store.add(tx, drop)
    with call.reading() as tx:
        try:
            return store.read(tx, drop.drop_id)
        except NotFound:
            raise Busy("Another drop of the same revision is being taken in.") from None


def _require_all_before(tx: Transaction, places: Places, drop: Drop, earlier: Sequence[Drop]) -> None:
    """Stores tell of objects in any order. Raises Busy while the revision before it lies there and was not looked at yet."""
    before = drop.manifest.supersedes if drop.manifest else None
    if before is None or any(one.manifest and one.manifest.revision >= before for one in earlier):
        return
    folder = drop.name[: -len(str(drop.file_name))]
    for stored in places.drops.list(f"{folder}{drop.file_name.file_id}_"):
        with suppress(Invalid):
            if stored.name.endswith(MANIFEST) and read_name(stored.name[len(folder) : -len(MANIFEST)]).revision == before:
                _require_on_record(tx, derived_id(places.drops.url, stored.name, stored.generation))


def _require_on_record(tx: Transaction, drop_id: UUID) -> None:
    try:
        store.read(tx, drop_id)
    except NotFound:
        raise Busy("The revision before it lies there and is yet to be taken in.") from None


def _look(places: Places, dropped: FileDropped, now: datetime) -> Drop:
    """The drop by what its name, its manifest and the store say: received, or refused with all that is wrong."""
    name = dropped.name.removesuffix(MANIFEST)
    seen = Drop(
        drop_id=attempt_of(derived_id(places.drops.url, dropped.name, dropped.generation), dropped.attempt),
        name=name,
        generation=dropped.generation,
        manifest_generation=dropped.generation,
        attempt=dropped.attempt,
        size=0,
        state=State.RECEIVED,
        received_at=now,
    )
    try:
        said = seen.file_name
        seen = replace(seen, kind=said.kind.value, sender=said.sender)
        raw = places.drops.read(dropped.name, dropped.generation, 0, MOST_MANIFEST_BYTES)
        manifest = read_manifest(raw, said)
        places.library.find(said, manifest.schema_version)
        data = places.drops.stat(name)
    except Changed:
        return seen.refused([Problem(path="", message="the manifest was replaced before it was read")])
    except NoLayout as error:
        return seen.refused([Problem(path="", message=str(error))])
    except NotFound:
        return seen.refused(
            [Problem(path="", message="the data must be there before the manifest, both as files; one of them is not there")]
        )
    except Invalid as error:
        return seen.refused(problems_in(error))
    seen = replace(seen, manifest=manifest, generation=data.generation, size=data.size)
    problems = [Problem(path="", message=message) for message in _why_not(seen, places)]
    return seen.refused(problems) if problems else seen


def _why_not(seen: Drop, places: Places) -> Iterator[str]:
    """Why such files are not taken here, whatever they hold."""
    if places.senders:
        folder = seen.name[: -len(f"/{seen.file_name}")]
        refusal = why_not(load_senders(places.senders), seen.file_name, folder)
        yield from [refusal] if refusal else []
    yield from (message for message, is_so in NOT_TAKEN.items() if is_so(seen.file_name, places))


def _has_certificate(sender: str, places: Places) -> bool:
    return places.keys is None or places.keys.certificate_of(sender) is not None


def _is_wrapped_parquet(name: FileName) -> bool:
    return name.format is Format.PARQUET and (name.gzip or name.pgp)


def _cut(places: Places, drop: Drop) -> Cut:
    """Read the whole file once: where it can be cut, its hash, and what stands around its details."""
    digest = hashlib.sha256()
    try:
        _require_as_told(places, drop)
        cut = CUTS.get(drop.file_name.format, _cut_text)(places, drop, digest)
    except (Changed, NotFound):
        return Cut(problems=(closing.REPLACED,))
    except Invalid as error:
        return Cut(problems=problems_in(error))
    told, found = _manifest(drop).sha256_plain, digest.hexdigest()
    wrong = () if told == found else (Problem(path="/sha256_plain", message=f"{told} was told, {found} was found"),)
    return replace(cut, problems=(*wrong, *cut.problems))


def _cut_text(places: Places, drop: Drop, digest: "hashlib._Hash") -> Cut:
    name, manifest, problems = drop.file_name, _manifest(drop), list[Problem]()
    splitter = Splitter(layout=places.layout_of(drop), size=CHUNK_BYTES, longest=LONGEST_RECORD)
    with places.drops.open(drop.name, drop.generation) as stream:
        plain = hashed(_plain(stream, name, places.keys), digest)
        is_recoded = splitter.layout.encoding in RECODED
        chunks = splitter.split(recoded(plain, splitter.layout.encoding) if is_recoded else plain)
        pieces = tuple(_piece(places, drop, chunk, packed=name.gzip or name.pgp or is_recoded) for chunk in chunks)
    names: list[str] = []
    checks: tuple[Callable[[], None], ...] = (
        lambda: read_header(splitter, manifest.file_id),
        lambda: names.extend(way_of(splitter).names),
        lambda: problems.extend(_trailer_problems(splitter, manifest)),
    )
    for check in checks:
        try:
            check()
        except Invalid as error:
            problems += error.problems
    return Cut(pieces=pieces, names=tuple(names), problems=tuple(problems))


def _cut_parquet(places: Places, drop: Drop, digest: "hashlib._Hash") -> Cut:
    with places.drops.open(drop.name, drop.generation) as stream:
        digested(stream, digest)
    stored = Stored(name=drop.name, generation=drop.generation, size=drop.size)
    groups = probed(places.drops.url, stored, places.layout_of(drop), drop.drop_id)
    return Cut(
        pieces=tuple(
            Piece(number=number, first_line=group.first_row, lines=group.rows, start=group.start, stop=group.stop, object=group.object)
            for number, group in enumerate(groups, 1)
        )
    )


CUTS: Final[Mapping[Format, Callable[[Places, Drop, "hashlib._Hash"], Cut]]] = {Format.PARQUET: _cut_parquet}
"""How formats are cut that are no text."""


def _trailer_problems(splitter: Splitter, manifest: Manifest) -> Iterable[Problem]:
    said = read_trailer(splitter)
    return contradictions(manifest, said) if said else ()


def _manifest(drop: Drop) -> Manifest:
    if drop.manifest is None:
        raise NotFound("The drop has no manifest.")
    return drop.manifest


def _require_as_told(places: Places, drop: Drop) -> None:
    """Before anything is decrypted or unpacked: is the file, as it lies there, what the manifest says."""
    manifest = _manifest(drop)
    told = {"sha256_cipher": manifest.sha256_cipher, "file_sha256": manifest.file_sha256}
    wrong: list[tuple[str, object, object]] = []
    if manifest.file_bytes not in {None, drop.size}:
        wrong.append(("file_bytes", manifest.file_bytes, drop.size))
    if any(told.values()):
        with places.drops.open(drop.name, drop.generation) as stream:
            found = digested(stream, hashlib.sha256()).hexdigest()
        wrong += [(name, said, found) for name, said in told.items() if said not in {None, found}]
    if wrong:
        raise NotAsTold(
            problems=tuple(Problem(path=f"/{name}", message=f"{said} was told, {is_so} was found") for name, said, is_so in wrong)
        )


def _plain(stream: BinaryIO, name: FileName, keys: Keys | None) -> Iterable[bytes]:
    blocks: Iterable[bytes] = blocks_of(stream)
    if name.pgp and keys:
        blocks = unsealed(blocks, keys, name.sender)
    return unpacked(blocks) if name.gzip else blocks


def _piece(places: Places, drop: Drop, chunk: Chunk, *, packed: bool) -> Piece:
    """Where a chunk lies: of a file that is packed, or in another encoding than it is read in, in an object of its own."""
    own = work_name(drop.drop_id, "chunks", chunk.number) if packed else None
    if own:
        keep(places.drops, own, chunk.data)
    return Piece(number=chunk.number, first_line=chunk.first_line, lines=chunk.lines, start=chunk.start, stop=chunk.stop, object=own)


def _go_on(tx: Transaction, places: Places, drop: Drop, cut: Cut) -> Drop:
    """Let the chunks be read; a file that could not be cut, or is not what it should be, is closed."""
    if cut.problems:
        return closing.close(tx, places, drop.closed(Outcome.REJECTED, cut.problems, tx.now))
    drop = replace(drop, state=State.PROCESSING, names=cut.names, split_at=tx.now)
    store.update(tx, drop)
    store.add_pieces(tx, drop.drop_id, cut.pieces)
    steps.start(tx, drop, Step.READ, [piece.number for piece in cut.pieces])
    return drop
