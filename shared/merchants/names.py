"""Which of the aliases that are sent may stand beside those on file: at no moment do two merchants have the same name. Pure."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shared.merchants.model import Alias, Merchant
from shared.platform.batches import ItemProblem, Rejected


class Sent(NamedTuple):
    """A merchant at its place in a batch."""

    place: int
    merchant: Merchant


Standing = dict[tuple[object, ...], dict[tuple[object, ...], Alias]]
"""Aliases by what they say, and by what tells them from all others."""


def without_conflicts(batch: Iterable[Sent], on_file: Iterable[Alias]) -> tuple[list[Sent], list[Rejected]]:
    """The merchants whose names may stand, and the others with all that is wrong with theirs.

    Merchants count in the order of the batch: a name passes from one to another where the one that had it comes first, with its end.
    """
    standing: Standing = {}
    for alias in on_file:
        standing.setdefault(alias.name, {})[alias.key] = alias
    accepted, rejected = [], []
    for sent in batch:
        problems = list(_problems(sent, standing))
        if problems:
            rejected.append(Rejected(index=sent.place, id=sent.merchant.merchant_id, problems=problems))
            continue
        accepted.append(sent)
        for alias in sent.merchant.aliases:
            standing.setdefault(alias.name, {})[alias.key] = alias
    return accepted, rejected


def _problems(sent: Sent, standing: Standing) -> Iterator[ItemProblem]:
    seen = set()
    for number, alias in enumerate(sent.merchant.aliases):
        path = f"/merchants/{sent.place}/aliases/{number}"
        if alias.key in seen:
            yield ItemProblem(path=path, message="this alias from this moment on is in the merchant twice")
        seen.add(alias.key)
        others = [other for other in standing.get(alias.name, {}).values() if other.merchant_id != alias.merchant_id]
        for other in others:
            if alias.overlaps(other):
                yield ItemProblem(path=path, message=f"the merchant {other.merchant_id} has this alias {_when(other)}: end it there first")


def _when(alias: Alias) -> str:
    start = f"from {alias.valid_from.isoformat()}" if alias.valid_from else "always so far"
    return f"{start} until {alias.valid_to.isoformat()}" if alias.valid_to else f"{start}, with no end"
