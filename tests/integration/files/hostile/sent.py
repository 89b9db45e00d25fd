"""What an attacker or a broken batch job puts into the drop place: a data file, its manifest, and what happens to them later."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shared.files.stores.folder import FolderStore
from shared.files.stores.protocol import Stored
from tests.integration.files.place import FILE, Row, as_csv, bought, manifest_of

CSV = f"{FILE}_delta_r1.csv"
JSONL = f"{FILE}_delta_r1.jsonl"
FIXED = f"{FILE}_delta_r1.fixed"
GZIP = f"{CSV}.gz"
TWO = (bought(1), bought(2))
MIB = 1 << 20
FOLDER = "inbox"

Parts = Iterable[bytes]


def nothing(_drops: Path) -> None:
    """Leave the drop place as it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """One drop. Its manifest says what is true of `rows` and of the data that are sent, but for what is `said` otherwise."""

    data: Parts = ()
    name: str = CSV
    rows: Sequence[Row] = TWO
    said: Mapping[str, object] = field(default_factory=dict)
    plain: Parts | None = None
    """Of what the manifest says the hash, where it is not of the data."""
    manifest: Parts | None = None
    """The manifest as it is, in place of that."""
    before: Callable[[Path], None] = nothing
    """What happens to the drop place before the manifest is read."""
    between: Callable[[Path], None] = nothing
    """What happens to it when the file was received, and its chunks were not read yet."""

    def put(self, store: FolderStore) -> Stored:
        """Write data and manifest, in the order a sender does."""
        digest = hashlib.sha256()
        for part in self.data if self.plain is None else self.plain:
            digest.update(part)
        if self.data:
            store.create(f"{FOLDER}/{self.name}", self.data)
        parts = self._right_manifest(digest.hexdigest()) if self.manifest is None else self.manifest
        return store.create(f"{FOLDER}/{self.name}.manifest.json", parts)

    def _right_manifest(self, sha256: str) -> Parts:
        told = {"file_id": self.name.rsplit("_", 2)[0], "revision": 1, "schema_version": "1", "sha256_plain": sha256}
        return [json.dumps(told | manifest_of(self.rows) | dict(self.said)).encode()]


def csv(*rows: Row, **other: object) -> Sent:
    """A csv file of these rows, whole and right but for what they hold."""
    return Sent(data=[as_csv(rows)], rows=rows, **other)  # type: ignore[arg-type]


def edited(edit: Callable[[bytes], bytes], **other: object) -> Sent:
    """A csv file of two purchases that was changed, and whose hash is told as it is."""
    return Sent(data=[edit(as_csv(TWO))], **other)  # type: ignore[arg-type]


def damaged(edit: Callable[[bytes], bytes], **other: object) -> Sent:
    """A csv file of two purchases that was changed on its way."""
    whole = as_csv(TWO)
    return Sent(data=[edit(whole)], plain=[whole], **other)  # type: ignore[arg-type]


def parts_of(csv_file: bytes) -> tuple[list[bytes], list[bytes], bytes]:
    """Header and names, details, trailer."""
    lines = csv_file.splitlines(keepends=True)
    return lines[:2], lines[2:-1], lines[-1]


def with_details(details: Callable[[list[bytes]], bytes]) -> Callable[[bytes], bytes]:
    """Change the details of a csv file alone."""

    def edit(whole: bytes) -> bytes:
        head, rows, trailer = parts_of(whole)
        return b"".join(head) + details(rows) + trailer

    return edit
