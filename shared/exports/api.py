"""What callers send and get about exports."""

from typing import Annotated, Literal

from pydantic import Field

from shared.exports.model import Export
from shared.exports.partners import PartnerName
from shared.kernel.ids import ExportId
from shared.kernel.wire import Moment, Wire
from shared.platform.batches import ItemProblem

KindName = Literal["transactions", "merchants", "redemptions", "credits", "reconciliation"]


class ExportAsked(Wire):
    """A file to be sent to a partner now."""

    partner: PartnerName
    kind: KindName
    scope: Literal["full", "delta"] | None = None
    """Everything there is, or what is new or changed since the last acknowledged one; as the partner's feed says where not given."""


class ExportWithdrawn(Wire):
    """Why an export is taken back."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class ExportsQuery(Wire):
    """Which exports are asked for."""

    partner: PartnerName | None = None
    kind: KindName | None = None
    state: Literal["planned", "writing", "written", "acknowledged", "refused", "rejected", "withdrawn"] | None = None
    before: ExportId | None = None
    """Go on after this one: `next` of the page before."""
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class ExportView(Wire):
    """An export and how far it has come."""

    export_id: ExportId
    partner: str
    kind: str
    scope: str
    name: str
    """Of the file, with the partner's folder, in the place of exports."""
    state: str
    parts: int
    parts_written: int
    records: int
    bytes: int
    sha256: str | None
    withheld: dict[str, int]
    """How many records were left out, by why."""
    problems: list[ItemProblem]
    """What the guard found, or what is wrong with the partner's last answer, or why it rejected the file."""
    token_key: str | None
    asked_by: str
    due_at: Moment | None
    planned_at: Moment
    written_at: Moment | None
    ack_due_at: Moment | None
    overdue_at: Moment | None
    closed_at: Moment | None

    @classmethod
    def of(cls, export: Export, progress: tuple[int, int]) -> "ExportView":
        """Show an export, with how many parts it has and how many of these are written."""
        return cls(
            export_id=export.export_id,
            partner=export.partner,
            kind=export.kind.value,
            scope=export.scope.value,
            name=export.name,
            state=export.state.value,
            parts=progress[0],
            parts_written=progress[1],
            records=export.records,
            bytes=export.size,
            sha256=export.sha256,
            withheld=dict(export.withheld),
            problems=[ItemProblem(path=problem.path, message=problem.message) for problem in export.problems],
            token_key=export.token_key,
            asked_by=export.asked_by,
            due_at=export.due_at,
            planned_at=export.planned_at,
            written_at=export.written_at,
            ack_due_at=export.ack_due_at,
            overdue_at=export.overdue_at,
            closed_at=export.closed_at,
        )


class ExportList(Wire):
    """Exports, newest first."""

    exports: list[ExportView]
    next: ExportId | None
    """To be sent as `before` for the next page; null where this is the last."""
