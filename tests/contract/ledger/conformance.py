"""What must hold of any ledger, by name, as questions about one life that it led and that is looked at from outside."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from shared.ledger.model import ROUTES, Kind, Step

USES: Final = frozenset({Step.POST, Step.VOID, Step.EXPIRE})


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One posting as it is seen from outside, whatever keeps it."""

    campaign: str
    seal: int
    posting_id: str
    step: Step
    debit: Kind
    credit: Kind
    amount_minor: int
    reference: str
    reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Life:
    """What a ledger shows once it led its life: postings, balances, and what came of what was tried, by the name of the invariant."""

    lines: Sequence[Line]
    balances: Mapping[str, Mapping[Kind, int]]
    """By campaign; funding is not a campaign's."""
    per_currency: Mapping[str, int]
    """Credits less debits over all accounts."""
    tried: Mapping[str, bool]


def _moments(life: Life) -> Iterator[list[Line]]:
    """The postings of each campaign up to each of its seals."""
    ordered = sorted(life.lines, key=lambda line: (line.campaign, line.seal))
    for _, of_campaign in groupby(ordered, key=lambda line: line.campaign):
        so_far: list[Line] = []
        for _, added in groupby(of_campaign, key=lambda line: line.seal):
            so_far = [*so_far, *added]
            yield so_far


def _sum(lines: Iterable[Line], *steps: Step) -> int:
    return sum(line.amount_minor for line in lines if line.step in steps)


def _balances(lines: Iterable[Line]) -> Counter[Kind]:
    sums: Counter[Kind] = Counter()
    for line in lines:
        sums[line.debit] -= line.amount_minor
        sums[line.credit] += line.amount_minor
    return sums


def _balanced(life: Life) -> bool:
    return bool(life.per_currency) and not any(life.per_currency.values())


def _routes(life: Life) -> bool:
    return all((line.debit, line.credit) == ROUTES[line.step] for line in life.lines)


def _summed(life: Life) -> bool:
    sums = {campaign: _balances(line for line in life.lines if line.campaign == campaign) for campaign in life.balances}
    return all(sums[campaign][kind] == minor for campaign, kinds in life.balances.items() for kind, minor in kinds.items())


def _not_overdrawn(life: Life) -> bool:
    sums = map(_balances, _moments(life))
    return all(min(at[Kind.AVAILABLE], at[Kind.RESERVED], at[Kind.INSTRUCTED], at[Kind.PAID]) >= 0 for at in sums)


def _accounted(life: Life) -> bool:
    def approved(campaign: str) -> int:
        own = [line for line in life.lines if line.campaign == campaign]
        return _sum(own, Step.APPROVE) - _sum(own, Step.WITHDRAW)

    return all(sum(kinds.values()) == approved(campaign) for campaign, kinds in life.balances.items())


def _exposure(life: Life) -> bool:
    return all(
        _sum(lines, Step.RESERVE) - _sum(lines, Step.VOID, Step.EXPIRE, Step.REVERSE)
        <= _sum(lines, Step.APPROVE) - _sum(lines, Step.WITHDRAW)
        for lines in _moments(life)
    )


def _parts(life: Life) -> bool:
    for lines in _moments(life):
        by_reference: dict[str, list[Line]] = defaultdict(list)
        for line in lines:
            by_reference[line.reference].append(line)
        if any(_sum(about, *USES) > _sum(about, Step.RESERVE) for about in by_reference.values()):
            return False
    return True


def _reversals(life: Life) -> bool:
    reversed_ = [line for line in life.lines if line.step is Step.REVERSE]
    posted: Counter[str] = Counter()
    for line in life.lines:
        posted[line.reference] += _sum([line], Step.POST) - _sum([line], Step.REVERSE)
    return bool(reversed_) and all(line.reason and posted[line.reference] >= 0 for line in reversed_)


def _paid(life: Life) -> bool:
    return all(_sum(lines, Step.INSTRUCT) <= _sum(lines, Step.POST) for lines in _moments(life)) and _sum(life.lines, Step.INSTRUCT) > 0


def _ids(life: Life) -> bool:
    return len({line.posting_id for line in life.lines}) == len(life.lines) > 0


def _amounts(life: Life) -> bool:
    return all(line.amount_minor > 0 for line in life.lines)


def _gapless(life: Life) -> bool:
    numbers: dict[str, set[int]] = defaultdict(set)
    for line in life.lines:
        numbers[line.campaign].add(line.seal)
    return all(own == set(range(1, len(own) + 1)) for own in numbers.values())


SEEN: Final[Mapping[str, Callable[[Life], bool]]] = {
    "debits equal credits in each currency": _balanced,
    "each step joins its two accounts": _routes,
    "balances are the sums of postings": _summed,
    "nothing is overdrawn at any moment": _not_overdrawn,
    "all that is approved is available, reserved, payable or paid": _accounted,
    "exposure is never above what is approved": _exposure,
    "the parts of a reservation are at no moment more than the whole": _parts,
    "a reversal mirrors what was posted, and gives its reason": _reversals,
    "paid is at no moment more than was ever posted": _paid,
    "an id is that of one posting": _ids,
    "an amount is more than nothing": _amounts,
    "seals are numbered without a gap": _gapless,
}
"""Invariants that are read off a life."""

TRIED: Final = (
    "the chain can be recomputed",
    "postings are only ever added",
    "a posting is carried out once",
    "an approval counts once",
    "what exceeds the pot is refused whole",
    "a budget is lowered by no more than is free",
    "final balances do not depend on the order of arrival",
    "what was never reserved is neither posted nor voided nor expired",
    "a reservation ends once, by post, void or expiry",
    "a reservation stays open until it is used up, in parts",
    "no more is paid than was ever posted, even if tried",
    "campaigns and currencies never mix",
)
"""Invariants that a life tries to break."""

NOT_OVER_HTTP: Final = {
    "what was never reserved is neither posted nor voided nor expired": "no operation posts what was not reserved",
    "a reservation ends once, by post, void or expiry": "reward and reservation are posted in one step; none is left open",
    "a reservation stays open until it is used up, in parts": "no operation leaves a reservation open",
    "no more is paid than was ever posted, even if tried": "payments follow from redemptions; no operation asks for one",
}
"""Invariants that can't be driven through the interface, and why."""
