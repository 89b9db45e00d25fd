"""From a setting to a store. What a store's library costs to import, only who opens such a store pays."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from shared.files.stores.names import object_name
from shared.files.stores.protocol import ObjectStore
from shared.kernel.errors import Invalid

SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
BUCKET: Final = re.compile(r"//([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])(?:/(.*))?", re.DOTALL)


@cache
def open_store(url: str) -> ObjectStore:
    """The store that `folder:/path`, a path, `s3://bucket/prefix` or `gs://bucket/prefix` names; the same one for the same words.

    Nothing is asked of it yet. Raises Invalid when the words name no store, Broken when there are no credentials for it.
    """
    match = SCHEME.fullmatch(url)
    scheme, place = match.groups() if match else ("folder", url)
    if scheme not in OPENERS or not place or not place.isprintable():
        raise Invalid(f"A store is named by a path or by {', '.join(OPENERS)} with a colon and a place.")
    return OPENERS[scheme](place)


def _folder(place: str) -> ObjectStore:
    from shared.files.stores.folder import FolderStore

    return FolderStore(Path(place).absolute())


def _s3(place: str) -> ObjectStore:
    from shared.files.stores.s3 import S3Store

    return S3Store(*_bucket_and_prefix(place))


def _gcs(place: str) -> ObjectStore:
    from shared.files.stores.gcs import GcsStore

    return GcsStore(*_bucket_and_prefix(place))


OPENERS: Final[Mapping[str, Callable[[str], ObjectStore]]] = {"folder": _folder, "s3": _s3, "gs": _gcs}


def _bucket_and_prefix(place: str) -> tuple[str, str]:
    match = BUCKET.fullmatch(place)
    if not match:
        raise Invalid("After the colon come two slashes, the name of a bucket and perhaps a prefix: s3://bucket/prefix.")
    prefix = (match[2] or "").removesuffix("/")
    return match[1], object_name(prefix) if prefix else ""
