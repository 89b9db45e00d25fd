"""The rules of a row model between its fields, for columns: where records are that may break one."""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from events.payloads import OF_KIND
from shared.files.arrays import either
from shared.files.names import Kind

Columns = Mapping[str, pa.Array]
MERCHANTS: Final = ("merchant_id", "network_merchant_id", "descriptor")
HOLDERS: Final = ("customer_id", "card_token")
WITHOUT_SEQUENCE: Final = pa.array(["purchase", "refund"])


def _transactions(columns: Columns) -> pa.Array | None:
    kinds = columns.get("kind")
    masks = [_none_given(columns, MERCHANTS), _none_given(columns, HOLDERS)]
    for name, kind in OF_KIND.items():
        said = columns.get(name)
        if said is not None and said.null_count < len(said):
            others = pa.repeat(True, len(said)) if kinds is None else pc.not_equal(pc.fill_null(kinds, "purchase"), kind)  # noqa: FBT003
            masks.append(pc.and_(said.is_valid(), others))
    sequence = columns.get("sequence")
    if sequence is not None and pc.any(pc.not_equal(sequence, 0)).as_py():
        alone = pa.repeat(True, len(sequence)) if kinds is None else pc.is_in(pc.fill_null(kinds, "purchase"), value_set=WITHOUT_SEQUENCE)  # noqa: FBT003
        masks.append(pc.and_(alone, pc.fill_null(pc.not_equal(sequence, 0), fill_value=False)))
    return either(*masks)


def _none_given(columns: Columns, names: tuple[str, ...]) -> pa.Array | None:
    given = [columns[name] for name in names if name in columns]
    if not given:
        return pa.repeat(True, len(next(iter(columns.values()))))  # noqa: FBT003
    if any(array.null_count == 0 for array in given):
        return None
    return reduce(pc.and_, [array.is_null() for array in given])


def _cards(columns: Columns) -> pa.Array | None:
    if "valid_from" not in columns or "valid_to" not in columns:
        return None
    return pc.fill_null(pc.less_equal(columns["valid_to"], columns["valid_from"]), fill_value=False)


PROVEN: Final[Mapping[Kind, Callable[[Columns], pa.Array | None]]] = {Kind.TRANSACTIONS: _transactions, Kind.CARDS: _cards}
