"""The desk of exports: asking for one, seeing how far they have come, taking one back."""

from shared.exports import due, store
from shared.exports.api import ExportAsked, ExportList, ExportsQuery, ExportView, ExportWithdrawn
from shared.exports.ending import end, take_away
from shared.exports.model import State
from shared.exports.places import partners_of, places_of, work_prefix
from shared.files.places import clear
from shared.kernel.errors import Problem
from shared.kernel.ids import ExportId
from shared.platform.call import Call

NO_PARTS = (0, 0)


def ask_export(call: Call, body: ExportAsked) -> ExportView:
    """Let a file be sent to a partner now. Raises NotFound where the partner is sent none of that kind, OnItsWay where one is under way."""
    partners = partners_of(call)
    partner, feed = partners.find(body.partner, body.kind)
    with call.transaction() as tx:
        export = due.plan(tx, partners, partner, feed, asked_by=call.caller.subject, scope=body.scope)
        return tx.answer(ExportView.of(export, NO_PARTS), status=202)


def list_exports(call: Call, query: ExportsQuery) -> ExportList:
    """Exports, newest first, with whatever is asked of them."""
    with call.reading() as tx:
        found = store.list_some(tx, query.model_dump() | {"limit": query.limit + 1})
        progress = store.progress(tx, [export.export_id for export in found])
    exports = found[: query.limit]
    views = [ExportView.of(export, progress.get(export.export_id, NO_PARTS)) for export in exports]
    return ExportList(exports=views, next=exports[-1].export_id if len(found) > query.limit else None)


def get_export(call: Call, export_id: ExportId) -> ExportView:
    """One export: state, parts, counts, and what is wrong with it. Raises NotFound."""
    with call.reading() as tx:
        export = store.read(tx, export_id)
        return ExportView.of(export, store.progress(tx, [export_id]).get(export_id, NO_PARTS))


def withdraw_export(call: Call, export_id: ExportId, body: ExportWithdrawn) -> ExportView:
    """Take an export back that its partner did not take: its file goes, and its records come again with the next delta.

    Raises NotFound, and NotOpen where it is over.
    """
    with call.transaction() as tx:
        export = store.read(tx, export_id, lock=True)
        withdrawn = end(tx, export, State.WITHDRAWN, (Problem(path="", message=f"{call.caller.subject}: {body.reason}"),))
        take_away(places_of(call), withdrawn)
        answer = tx.answer(ExportView.of(withdrawn, store.progress(tx, [export_id]).get(export_id, NO_PARTS)))
    clear(places_of(call).lake, work_prefix(export_id))
    return answer
