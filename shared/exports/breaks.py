"""The breaks of a partner's reconciliation as records to be sent: where its word, its settlement or the card system differ from ours."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from shared.exports import store
from shared.exports.model import Export
from shared.files.names import Scope
from shared.platform.call import Call, Transaction
from shared.reconciliation.api import BreakView, ReconciliationAsked
from shared.reconciliation.service import reconcile

PERIOD: Final = timedelta(days=400)
"""Redemptions that were earned so long before are held against what the partner says."""
PAGE: Final = 5_000


def pages(call: Call, tx: Transaction, export: Export) -> Iterator[list[dict[str, Any]]]:
    """The breaks there are, page by page; of a delta those that the partner does not know as they are."""
    asked = ReconciliationAsked(
        partner=export.partner, earned_from=export.planned_at - PERIOD, earned_to=export.planned_at + timedelta(seconds=1), limit=PAGE
    )
    while True:
        found = reconcile(call, asked)
        told = [_row(one) for one in found.breaks]
        known = store.known(tx, export, [row["key"] for row in told]) if export.scope is Scope.DELTA else {}
        page = [row for row in told if known.get(row["key"]) != row["version"]]
        if page:
            yield page
        if found.next is None:
            return
        asked = asked.model_copy(update={"after": found.next})


def _row(one: BreakView) -> dict[str, Any]:
    said = one.model_dump(mode="json")
    amounts = {name: said[f"{name}_minor"] for name in ("ours", "theirs", "difference")}
    return {
        "key": f"{said['redemption_id']}/{one.record}/{one.kind}",
        "version": f"{one.ours_minor}/{one.theirs_minor}/{one.currency}/{one.times}",
        **{name: said[name] for name in ("redemption_id", "record", "kind", "currency", "times")},
        **amounts,
    }
