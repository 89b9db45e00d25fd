"""What does not come by file is kept in the lake too: a part for each event and day, under a name that follows from the event."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
from pydantic_core import to_json

from events.payloads import FileOrigin, Impression, ImpressionsLogged, Transaction, TransactionsPosted
from shared.files import lake, lake_store
from shared.files.clock_columns import UTC_MOMENT
from shared.files.places import places_of
from shared.kernel.errors import Broken
from shared.kernel.ids import OFFER, derived_id
from shared.kernel.money import to_minor
from shared.kernel.wire import Wire
from shared.platform.call import Call
from shared.platform.operations import read_payload

TRANSACTIONS: Final = "transactions"
IMPRESSIONS: Final = "impressions"
AT: Final = "at"
Value = Callable[[Any, Any], object]
"""From what is said and the message that says it to what is kept."""


class Teller(Wire, extra="ignore"):
    """Who tells purchases. It is read first: the purchases of an event take fifteen times as long."""

    file: FileOrigin | None = None
    again: bool = False


def keep_transactions(call: Call, raw: bytes) -> None:
    """Keep purchases that came by request, or from a system of the bank. Those of files lie in the lake, those told again came before."""
    teller = read_payload(Teller, raw)
    if teller.file is None and not teller.again:
        _keep(call, TRANSACTIONS, Transaction, read_payload(TransactionsPosted, raw).transactions)


def keep_impressions(call: Call, logged: ImpressionsLogged) -> None:
    """Keep impressions."""
    _keep(call, IMPRESSIONS, Impression, logged.impressions)


def _keep(call: Call, kind: str, model: type[Wire], messages: Sequence[Wire]) -> None:
    if call.file_places is None:  # nobody asked for a lake
        return
    if call.once is None:
        raise Broken("Parts of the lake are named by the event that tells of them.")
    event = derived_id(call.once.source, call.once.key).hex
    kept = lake.keep_days(places_of(call).lake, kind, f"event-{event}", table_of(model, messages), AT, from_file=False)
    with call.transaction() as tx:
        lake_store.add_parts(tx, kept)


def table_of(model: type[Wire], messages: Sequence[Wire]) -> pa.Table:
    """Messages as columns of the names and types that files of them have: amounts in minor units, moments in UTC."""
    columns = {}
    for name in model.model_fields:
        of, value = KEPT.get(name, TEXT)
        said = ((getattr(message, name), message) for message in messages)
        columns[name] = pa.array([None if told is None else value(told, message) for told, message in said], of)
    return pa.table(columns)


def _as_it_is(told: Any, _message: object) -> object:  # noqa: ANN401  (of whatever type the column is)
    return told


TEXT: Final[tuple[pa.DataType, Value]] = (pa.string(), _as_it_is)
KEPT: Final[Mapping[str, tuple[pa.DataType, Value]]] = {
    **dict.fromkeys(("at", "posted_at", "expires_at"), (UTC_MOMENT, _as_it_is)),
    **dict.fromkeys(("amount", "tip", "tax", "cash_back"), (pa.int64(), lambda amount, message: to_minor(amount, message.currency))),
    **dict.fromkeys(("sequence", "sequence_count", "version"), (pa.int64(), _as_it_is)),
    "items": (pa.string(), lambda items, _: to_json(items).decode() if items else None),
    "offer_id": (pa.string(), lambda offer_id, _: OFFER.render(offer_id)),
}
"""The fields that are kept otherwise than as text."""
