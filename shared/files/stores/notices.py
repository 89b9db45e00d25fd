"""What tells of a new object: an event of Google, a message of Amazon, or a look at the store itself."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Final, TypeVar
from urllib.parse import unquote_plus

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from shared.files.stores.names import object_name
from shared.files.stores.protocol import ObjectStore
from shared.kernel.errors import Invalid
from shared.platform.operations import problems_of

GOOGLE: Final = "google.cloud.storage."
FINALIZED: Final = f"{GOOGLE}object.v1.finalized"
CREATED: Final = "ObjectCreated:"
BRIDGE_CREATED: Final = "Object Created"
WRAPPINGS: Final = ("Message", "Body", "body")
"""Members that hold what was wrapped, as text: of a notification of SNS, and of an SQS message."""
DEEPEST: Final = 4

Bucket = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finalized:
    """An object that is whole: where (what the store is opened by), under which name, and which content."""

    store: str
    name: str
    generation: str

    def seen_from(self, url: str) -> "Finalized | None":
        """The same object by its name in the store `url`, which may begin at a prefix; None when it is not of that store."""
        if url == self.store:
            return self
        prefix = url.removeprefix(f"{self.store}/")
        if prefix == url or not self.name.startswith(f"{prefix}/"):
            return None
        return replace(self, store=url, name=self.name.removeprefix(f"{prefix}/"))


class _Told(BaseModel):
    """What others write: fields that are not asked for are passed over."""

    model_config = ConfigDict(frozen=True, strict=True, hide_input_in_errors=True)


Shape = TypeVar("Shape", bound=_Told)


class _GcsObject(_Told):
    bucket: Bucket
    name: str
    generation: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,19}$")]


class _S3Bucket(_Told):
    name: Bucket


class _S3Object(_Told):
    key: str
    tag: Annotated[str, Field(validation_alias=AliasChoices("eTag", "etag"), pattern=r"^[A-Za-z0-9-]{1,64}$")]


class _S3Place(_Told):
    bucket: _S3Bucket
    object: _S3Object


class _BridgeKind(_Told):
    kind: Annotated[str | None, Field(alias="detail-type")] = None


class _BridgeEvent(_Told):
    detail: _S3Place


class _S3Record(_Told):
    event: Annotated[str, Field(alias="eventName")]
    s3: _S3Place


def _none_but_created(records: object) -> object:
    """Other events lack what tells a content: they are passed over before they are looked at."""
    if not isinstance(records, list):
        return records
    return [None if isinstance(one, dict) and not str(one.get("eventName", CREATED)).startswith(CREATED) else one for one in records]


class _S3Message(_Told):
    records: Annotated[tuple[_S3Record | None, ...], BeforeValidator(_none_but_created), Field(alias="Records", strict=False)] = ()


def read_notice(kind: str, payload: bytes) -> tuple[Finalized, ...]:
    """Read a CloudEvent by which a store tells of objects. Raises Invalid with everything that is wrong with its data."""
    if not kind.startswith(GOOGLE):
        return from_s3(payload)
    found = from_gcs(kind, payload)
    return (found,) if found else ()


def from_gcs(kind: str, payload: bytes) -> Finalized | None:
    """Read the type and data of a CloudEvent of Google Cloud Storage.

    None for other events and for markers of folders. Raises Invalid with everything that is wrong with the data.
    """
    if kind != FINALIZED:
        return None
    told = _read(_GcsObject, payload)
    return _finalized(f"gs://{told.bucket}", told.name, told.generation)


def from_s3(payload: bytes) -> tuple[Finalized, ...]:
    """Read an event notification of S3, or an event of EventBridge about it: the objects that were created, in order of telling.

    It may come in an SQS message or an SNS notification, and as text within JSON. None of other events, of markers of folders, of the
    test message. Raises Invalid with everything that is wrong with it.
    """
    message = _unwrapped(payload)
    kind = _read(_BridgeKind, message).kind
    if kind is None:
        told = [(record.s3, unquote_plus(record.s3.object.key)) for record in _read(_S3Message, message).records if record]
    else:
        places = [_read(_BridgeEvent, message).detail] if kind == BRIDGE_CREATED else []
        told = [(place, place.object.key) for place in places]  # here keys stand as they are
    found = (_finalized(f"s3://{place.bucket.name}", key, place.object.tag) for place, key in told)
    return tuple(one for one in found if one)


class Watch:
    """Finds the new objects of a store by looking at it again and again, in order of names."""

    def __init__(self, store: ObjectStore, suffix: str | tuple[str, ...] = "") -> None:
        """Look for names that end so, or in one of several ways. What is there at the first look is new: its taker knows what it took."""
        self._store, self._suffix = store, suffix
        self._seen: dict[str, str] = {}

    def look(self) -> Iterator[Finalized]:
        """What has come or changed since; it counts as seen when the next one is asked for, so what could not be taken comes again."""
        present = set()
        for stored in self._store.list():
            if stored.name.endswith(self._suffix):
                present.add(stored.name)
                if self._seen.get(stored.name) != stored.generation:
                    yield Finalized(store=self._store.url, name=stored.name, generation=stored.generation)
                    self._seen[stored.name] = stored.generation
        self._seen = {name: generation for name, generation in self._seen.items() if name in present}


def _read(shape: type[Shape], payload: bytes) -> Shape:
    try:
        return shape.model_validate_json(payload)
    except ValidationError as error:
        raise Invalid("The notification can't be read.", tuple(problems_of(error))) from error


def _unwrapped(payload: bytes) -> bytes:
    """What a notification says, taken out of what carried it."""
    for _ in range(DEEPEST):
        try:
            found = json.loads(payload)
        except (ValueError, RecursionError):
            return payload
        inner = next((found[name] for name in WRAPPINGS if isinstance(found.get(name), str)), None) if isinstance(found, dict) else found
        if not isinstance(inner, str):
            return payload
        payload = inner.encode(errors="replace")
    return payload


def _finalized(store: str, name: str, generation: str) -> Finalized | None:
    return None if name.endswith("/") else Finalized(store=store, name=object_name(name), generation=generation)
