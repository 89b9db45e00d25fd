"""The use cases of reconciliation: what partners say of redemptions is kept, and held against our record and the card system's."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from operator import attrgetter
from typing import Annotated, Final
from uuid import UUID

from shared.kernel.wire import Csv
from shared.platform.batches import BatchAnswer, Rejected, read_batch
from shared.platform.call import Call
from shared.platform.operations import BodySchema
from shared.reconciliation import store
from shared.reconciliation.api import BreakCount, BreakView, Partner, PartnerLine, Reconciliation, ReconciliationAsked, RecordTotal
from shared.reconciliation.model import breaks
from shared.reconciliation.store import Line

MOST_LINES: Final = 5_000
FIELD: Final = "lines"
REDEMPTIONS: Final = "redemptions"
SETTLEMENT: Final = "settlement"
Lines = Annotated[bytes, BodySchema(FIELD, PartnerLine, MOST_LINES)]
Sent = Sequence[tuple[int, PartnerLine]]


def put_partner_redemptions(call: Call, partner: Partner, raw: Lines) -> BatchAnswer:
    """Take redemptions as a partner confirms them: `{"lines": [...]}`, 1 to 5,000. Bad ones are named, the others taken.

    What is said again changes nothing. Redemptions that we don't have are kept as well: that is what reconciliation finds.
    """
    return _put(call, partner, REDEMPTIONS, raw)


def put_settlement(call: Call, partner: Partner, raw: Lines) -> BatchAnswer:
    """Take what a partner settled, redemption by redemption: `{"lines": [...]}`, 1 to 5,000. Bad ones are named, the others taken."""
    return _put(call, partner, SETTLEMENT, raw)


def reconcile(call: Call, query: ReconciliationAsked) -> Reconciliation:
    """Hold a partner's redemptions, its settlement and the card system's credits against ours, and class each break."""
    asked = query.model_dump(exclude={"late_days", "limit", "after"})
    with call.reading() as tx, tx.connection.transaction():
        tx.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        found = store.sides(tx, asked | {"after": query.after, "limit": query.limit + 1})
        totals = [RecordTotal(**row) for row in store.totals(tx, asked)]
        now = tx.now
    page = found[: query.limit]
    views = [BreakView.of(one) for sides in page for one in breaks(sides, timedelta(days=query.late_days), now)]
    return Reconciliation(
        totals=totals, counts=_counts(views), breaks=views, next=page[-1].redemption_id if len(found) > query.limit else None
    )


def reconcile_csv(call: Call, query: ReconciliationAsked) -> Csv:
    """The breaks of a reconciliation as CSV, a line for each: the same columns as the breaks of the JSON. At most `limit` redemptions."""
    names = list(BreakView.model_fields)
    lines = (one.model_dump(mode="json") for one in reconcile(call, query).breaks)
    cells = (",".join("" if line[name] is None else str(line[name]) for name in names) for line in lines)
    return Csv(text="\n".join([",".join(names), *cells, ""]))


def _put(call: Call, partner: str, record: str, raw: bytes) -> BatchAnswer:
    batch = read_batch(raw, FIELD, PartnerLine, MOST_LINES, id_field="reference")
    with call.transaction() as tx:
        known = store.lock(tx, partner, record, {said.reference for _, said in batch.accepted})
        sent, rejected = _that_fit(batch.accepted, known)
        store.put(tx, partner, record, _latest(said for _, said in sent))
        return tx.answer(BatchAnswer.of(len(sent), [*batch.rejected, *rejected]))


def _that_fit(sent: Sent, known: dict[str, UUID]) -> tuple[list[tuple[int, PartnerLine]], list[Rejected]]:
    """Those whose reference is no other redemption's, of the batch or from before."""
    fit, rejected = [], []
    of = dict(known)
    for index, said in sent:
        if of.setdefault(said.reference, said.redemption_id) == said.redemption_id:
            fit.append((index, said))
        else:
            message = "is the reference of another redemption"
            rejected.append(Rejected.because(index, said.reference, f"/{FIELD}/{index}/reference", message))
    return fit, rejected


def _latest(said: Iterable[PartnerLine]) -> list[Line]:
    """What holds of each reference: the latest by its moment; of two at one moment that it was taken back."""
    latest = {one.reference: one for one in sorted(said, key=attrgetter("at", "state"))}
    return [Line(one.reference, one.redemption_id, one.amount_minor, one.currency, one.at, one.state) for one in latest.values()]


def _counts(views: Iterable[BreakView]) -> list[BreakCount]:
    groups: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for view in views:
        groups[view.record, view.kind, view.currency].append(view.difference_minor)
    return [
        BreakCount.model_validate(
            {"record": record, "kind": kind, "currency": currency, "breaks": len(minors), "difference_minor": sum(minors)}
        )
        for (record, kind, currency), minors in sorted(groups.items())
    ]
