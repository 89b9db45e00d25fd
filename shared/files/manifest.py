"""The manifest: what a sender says of a data file, in a small file beside it that is written last."""

from collections.abc import Iterator
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError, model_validator

from shared.files.json_objects import read_object
from shared.files.names import FileName
from shared.files.totals import Totals
from shared.kernel.errors import Invalid, Malformed, Problem
from shared.kernel.wire import Currency, ExternalId, Moment, Wire
from shared.platform.operations import problems_of

MOST_BYTES: Final = 100_000
MOST_CURRENCIES: Final = 200

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 digest: 64 hexadecimal digits in small letters."""

EntryHash = Annotated[str, StringConstraints(pattern=r"^[0-9]{10}$")]
"""Ten digits: the sum of the CRC-32 of the records' ids modulo 10^10. The order of the records does not matter."""


def _digits(said: object) -> object:
    return str(said) if type(said) is int else said


Sum = Annotated[str, BeforeValidator(_digits), StringConstraints(pattern=r"^[0-9]{1,24}$")]
"""A sum of amounts in minor units, in a string or as a number."""

Revision = Annotated[int, Field(ge=1, le=999)]


class Manifest(Wire):
    """What is said of a data file. It is read when it is there: a data file without one is not complete yet."""

    file_id: ExternalId
    """The file's name up to its sequence, the same for all revisions: `transactions_mybank_20260112_0001`."""
    revision: Revision
    """1 to 999, as the file's name says it."""
    supersedes: Revision | None = None
    """The revision whose place it takes. Required of every revision but the first."""
    schema_version: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}(\.[0-9]{1,4})?$")]
    """The version of the layout, such as "1"."""
    record_count: Annotated[int, Field(ge=0, le=10**12)]
    """Detail records, without header, names of columns and trailer."""
    sums: Annotated[dict[Currency, Sum], Field(max_length=MOST_CURRENCIES)] = Field(default_factory=dict)
    """What the amounts come to, by currency, whatever a record's kind."""
    entry_hash: EntryHash
    """The sum of the CRC-32 of the records' ids modulo 10^10, in ten digits. The order of the records does not matter."""
    sha256_plain: Sha256
    """Of the data as it is before it is packed and encrypted."""
    sha256_cipher: Sha256 | None = None
    """Of the encrypted file. Required of a file that ends in `.pgp`."""
    first_event_at: Moment | None = None
    """When the first event of the file happened; left out where there is none."""
    last_event_at: Moment | None = None
    """When the last one did."""
    token_key: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    """Of a file from Clo: the id of the key that its tokens were made with."""
    file_bytes: Annotated[int, Field(ge=0)] | None = None
    """How many bytes the file has as it lies there, packed and encrypted. Files from Clo tell it."""
    file_sha256: Sha256 | None = None
    """Of the file as it lies there, packed and encrypted. Files from Clo tell it."""

    @model_validator(mode="after")
    def _revisions_follow(self) -> Self:
        if self.revision > 1 and self.supersedes is None:
            raise ValueError("supersedes must be said of every revision but the first")
        if self.supersedes is not None and self.supersedes >= self.revision:
            raise ValueError("supersedes must be less than revision")
        return self

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if (self.first_event_at is None) != (self.last_event_at is None):
            raise ValueError("first_event_at and last_event_at must be given both or neither")
        if self.first_event_at and self.last_event_at and self.last_event_at < self.first_event_at:
            raise ValueError("last_event_at must not be before first_event_at")
        return self

    @property
    def totals(self) -> Totals:
        """What it says that the records come to."""
        return Totals(
            count=self.record_count,
            sums={currency: int(said) for currency, said in self.sums.items()},
            entry_hash=int(self.entry_hash),
            first_at=self.first_event_at,
            last_at=self.last_event_at,
        )


class NotAManifest(Invalid):
    """The manifest is not valid, or not this file's."""

    code = "not_a_manifest"


def read_manifest(raw: bytes, name: FileName) -> Manifest:
    """Read the manifest of the file of this name.

    Raises Malformed when it is no JSON object, has a member twice or is longer than 100,000 bytes, NotAManifest with every problem
    otherwise.
    """
    if len(raw) > MOST_BYTES:
        raise Malformed(f"The manifest is longer than {MOST_BYTES:,} bytes.")
    if read_object(raw.decode(errors="replace")) is None:
        raise Malformed("The manifest is not valid JSON: an object with each member once.")
    try:
        manifest = Manifest.model_validate_json(raw)
    except ValidationError as error:
        if any(detail["type"] == "json_invalid" for detail in error.errors(include_url=False, include_input=False)):
            raise Malformed("The manifest is not valid JSON.") from error
        raise NotAManifest(problems=tuple(problems_of(error, body=raw))) from error
    problems = tuple(Problem(path=path, message=message) for path, message in _differences(manifest, name))
    if problems:
        raise NotAManifest(problems=problems)
    return manifest


def _differences(manifest: Manifest, name: FileName) -> Iterator[tuple[str, str]]:
    """In what the manifest and the name contradict each other."""
    if manifest.file_id != name.file_id:
        yield "/file_id", f"must be {name.file_id}, as the file's name says"
    if manifest.revision != name.revision:
        yield "/revision", f"must be {name.revision}, as the file's name says"
    if name.pgp and manifest.sha256_cipher is None:
        yield "/sha256_cipher", "must be given: the file's name says that it is encrypted"
    if not name.pgp and manifest.sha256_cipher is not None:
        yield "/sha256_cipher", "must be left out: the file's name does not say that it is encrypted"
