"""What an object store can do: the one protocol that a folder, S3 and Google Cloud Storage keep."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from shared.kernel.errors import Conflict


class Exists(Conflict):
    """There is an object of this name already."""

    code = "exists"


class Changed(Conflict):
    """The object has been replaced since."""

    code = "changed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """One content of one name: the generation tells it from every other content that the name had or will have."""

    name: str
    generation: str
    size: int


class ObjectStore(Protocol):
    """Objects by name, never changed but replaced as a whole.

    Every name is checked: Invalid tells what is wrong with it. Busy means that the same call may succeed later, Broken that the store
    is not there, or not ours to use.
    """

    @property
    def url(self) -> str:
        """What the store is opened by: `folder:/path`, `s3://bucket/prefix`, `gs://bucket/prefix`."""

    def stat(self, name: str) -> Stored:
        """What the name holds now. Raises NotFound."""

    def list(self, prefix: str = "", after: str = "") -> Iterator[Stored]:
        """What there is, by name in order of code points: names that begin with `prefix` and come after `after`.

        Read page by page. What bears a name that no object may have is left out.
        """

    def read(self, name: str, generation: str, start: int = 0, stop: int | None = None) -> bytes:
        """Bytes `start` to `stop` (exclusive, or the end) of that generation; fewer where it ends earlier.

        Raises NotFound, and Changed when the name holds another generation now.
        """

    def open(self, name: str, generation: str) -> BinaryIO:
        """That generation as a stream, of which some 8 MiB are held at a time. Opening and reading raise what `read` raises."""

    def create(self, name: str, parts: Iterable[bytes]) -> Stored:
        """Store what the parts come to under a name that holds nothing: seen whole or not at all, and only by one of several writers.

        Holds some 8 MiB and one part at a time. Raises Exists; what is raised by the parts passes through, and nothing is stored.
        """

    def delete(self, name: str, generation: str) -> None:
        """Leave the name with nothing. Done already when it holds nothing; raises Changed when it holds another generation."""

    def sweep(self, older_than: datetime) -> int:
        """Remove what writers left that died before that moment; how many they were. A writer that is not dead is told Busy."""
