"""What of exports begins: those that the clock says are due, those that somebody asks for; and answers that did not come in time."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from events.files import ExportMoved, ExportPlanned
from shared.exports import store
from shared.exports.model import Export, State
from shared.exports.partners import Feed, NotPartners, Partner, Partners
from shared.exports.places import partners_of
from shared.files.names import Kind, Scope
from shared.kernel.errors import Conflict
from shared.kernel.ids import EXPORT, new_id
from shared.platform.call import Call, Transaction

LOG: Final = structlog.get_logger("clo.exports")
MOST_OVERDUE: Final = 100
SCHEDULE: Final = "schedule"
UTC_ZONE: Final = "UTC"
OVERDUE: Final = "overdue"


class OnItsWay(Conflict):
    """A file of this kind is on its way to this partner or awaits its answer: the next one begins where that one ends."""

    code = "export_on_its_way"


def plan_due(call: Call, tx: Transaction) -> int:
    """Plan what the schedules of partners say; how many exports. What was missed is made up once; what can't begin yet stays due.

    Where the file of partners is wrong, that is an alert, and whatever else is due goes on.
    """
    try:
        partners = partners_of(call)
    except NotPartners as wrong:
        LOG.critical("nothing is exported: the file of partners is wrong", problems=[problem.message for problem in wrong.problems])
        return 0
    planned = [_plan_if_due(tx, partners, partner, feed) for partner in partners.partners.values() for feed in partner.feeds]
    return sum(planned)


def _plan_if_due(tx: Transaction, partners: Partners, partner: Partner, feed: Feed) -> bool:
    due_at = feed.schedule.last_due(tx.now) if feed.schedule else None
    if due_at is None or store.is_planned(tx, partner.partner, feed.kind, due_at):
        return False
    return _add(tx, _new(tx, partners, partner, feed, due_at)) is not None


def plan(tx: Transaction, partners: Partners, partner: Partner, feed: Feed, *, asked_by: str, scope: str | None) -> Export:
    """Plan an export that somebody asks for. Raises OnItsWay."""
    export = _add(tx, _new(tx, partners, partner, feed, None, asked_by=asked_by, scope=scope))
    if export is None:
        raise OnItsWay
    return export


def _new(
    tx: Transaction,
    partners: Partners,
    partner: Partner,
    feed: Feed,
    due_at: datetime | None,
    *,
    asked_by: str = SCHEDULE,
    scope: str | None = None,
) -> Export:
    zone = feed.schedule.zone if feed.schedule else UTC_ZONE
    return Export(
        export_id=new_id(tx.now),
        partner=partner.partner,
        kind=Kind(feed.kind),
        scope=Scope(scope or feed.scope),
        format=partners.layouts[feed.layout].format,
        layout=feed.layout,
        gzip=feed.gzip,
        pgp=partner.pgp,
        token_key=partner.token_key,
        day=(due_at or tx.now).astimezone(ZoneInfo(zone)).date(),
        sequence=0,
        asked_by=asked_by,
        due_at=due_at,
        state=State.PLANNED,
        planned_at=tx.now,
        ack_hours=feed.ack_hours,
    )


def _add(tx: Transaction, export: Export) -> Export | None:
    if store.add(tx, export) is None:
        return None
    key = EXPORT.render(export.export_id)
    tx.emit(ExportPlanned(export_id=export.export_id), subject=key, key=key)
    return store.read(tx, export.export_id)


def mark_overdue(tx: Transaction) -> int:
    """Raise the alert of written exports that were not answered in time, at most so many in one go; how many. Each is told once."""
    overdue = store.lock_overdue(tx, MOST_OVERDUE)
    for export in overdue:
        store.update(tx, export.overdue(tx.now))
        tell(tx, export, OVERDUE)
        LOG.warning("export not acknowledged", partner=export.partner, name=export.name, written_at=str(export.written_at))
    return len(overdue)


def in_use(call: Call) -> list[str]:
    """The objects of the lake that exports on their way are still to be made from, whatever has become of the parts that lay there."""
    with call.reading() as tx:
        return [rows.object for rows in store.sources_in_use(tx)]


def tell(tx: Transaction, export: Export, state: str | None = None) -> None:
    """Tell where an export stands."""
    key = EXPORT.render(export.export_id)
    said = {"export_id": key, "partner": export.partner, "kind": export.kind.value, "name": export.name, "records": export.records}
    moved = ExportMoved.model_validate(said | {"state": state or export.state.value, "at": tx.now})
    tx.emit(moved, subject=key, key=key)
