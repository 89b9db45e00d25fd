"""What becomes of files on their way in and out."""

from typing import Annotated, Literal

from pydantic import Field

from events.payloads import FileStep, ObjectName
from shared.kernel.ids import DropId, ExportId
from shared.kernel.wire import ExternalId, Moment, Wire


class FileDropped(Wire):
    """An object is whole in the drop place. Manifests are written last, so they alone start anything."""

    name: ObjectName
    generation: Annotated[str, Field(min_length=1, max_length=200)]
    """Which content of that name it is."""
    attempt: Annotated[int, Field(ge=1, le=999)] = 1
    """Above 1 where it was refused or rejected before and somebody asked that it be tried anew."""


class ChunkReady(Wire):
    """A chunk of a dropped file can be taken: to be read and checked, or for what its records say to take effect."""

    drop_id: DropId
    number: Annotated[int, Field(ge=1)]
    step: FileStep


class FileStepDone(Wire):
    """A step is done with every chunk of a dropped file."""

    drop_id: DropId
    step: FileStep


class FileClosed(Wire):
    """Nothing is left to do about a dropped file. What was accepted has been published; acknowledgement and rejects lie beside it."""

    drop_id: DropId
    name: ObjectName
    file_id: ExternalId
    revision: int
    outcome: Literal["accepted", "partial", "rejected"]
    records: int
    accepted: int
    rejected: int


class LakeScattered(Wire):
    """The records of a day lie in many small objects of the lake, or in one in which much counts no more: they can be put together."""

    kind: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
    """Of records, as files of them are named."""
    day: Annotated[str, Field(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2}|none)$")]
    """In UTC; `none` of records that tell no moment."""


class ExportPlanned(Wire):
    """A file for a partner is due or was asked for: what goes into it is to be settled."""

    export_id: ExportId


class ExportPartReady(Wire):
    """A part of an export can be written."""

    export_id: ExportId
    number: Annotated[int, Field(ge=1)]


class ExportPartsDone(Wire):
    """Every part of an export is written and scanned: the file can be put together."""

    export_id: ExportId


class ExportMoved(Wire):
    """Where an export stands that its partner or those who watch it should know of."""

    export_id: ExportId
    partner: ExternalId
    kind: ExternalId
    name: ObjectName
    """Of the file, with the partner's folder, in the place of exports."""
    state: Literal["written", "overdue", "acknowledged", "refused", "rejected", "withdrawn"]
    """`overdue`: written, and not answered in time."""
    records: int
    at: Moment
