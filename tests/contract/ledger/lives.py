"""One life of a ledger, led over the adapter: in memory and in PostgreSQL alike."""

from collections.abc import Callable
from uuid import UUID

from shared.kernel.ids import derived_id
from shared.ledger.chain import INVARIANT
from shared.ledger.model import Kind, Movement, Step
from tests.contract.ledger.books import CURRENCIES, ONE, OTHER, REFUSED, Books, Entry, move, signed
from tests.contract.ledger.conformance import Life, Line

APPROVED = 1_000
KINDS = (Kind.AVAILABLE, Kind.RESERVED, Kind.PAYABLE, Kind.INSTRUCTED, Kind.PAID)
ENDS = (Step.POST, Step.VOID, Step.EXPIRE)


def live(books: Books) -> Life:
    """Every step in three campaigns of two currencies, and every attempt to break an invariant."""
    for campaign in CURRENCIES:
        books.approve(campaign, derived_id("request", campaign), APPROVED)
        books.post([move(Step.RESERVE, 300, "a", campaign=campaign), move(Step.POST, 300, "a", campaign=campaign)])
        books.post([move(Step.RESERVE, 200, "b", campaign=campaign)])
        books.post(
            [move(Step.REVERSE, 40, "a", turn=2, campaign=campaign, reason="revised"), move(Step.INSTRUCT, 250, "c", campaign=campaign)]
        )
        books.post([move(Step.PAY, 250, "c", campaign=campaign)])
        books.post([move(Step.WITHDRAW, 10, "d", campaign=campaign)])
    tried = {name: attempt(books) for name, attempt in ATTEMPTS.items()}
    entries = books.entries()
    per_currency: dict[str, int] = {}
    for (_, _, currency), minor in signed(entries).items():
        per_currency[currency] = per_currency.get(currency, 0) + minor
    return Life(
        lines=[_line(entry) for entry in entries],
        balances={str(c): {kind: books.balance(c, kind) for kind in KINDS} for c in CURRENCIES},
        per_currency=per_currency,
        tried=tried,
    )


def _line(entry: Entry) -> Line:
    return Line(
        campaign=str(entry.debited[1] or entry.credited[1]),
        seal=entry.seal,
        posting_id=str(entry.posting_id),
        step=entry.step,
        debit=entry.debited[0],
        credit=entry.credited[0],
        amount_minor=entry.amount_minor,
        reference=str(entry.reference),
        reason=entry.reason,
    )


def _refused(books: Books, *movements: Movement) -> bool:
    """Whether movements are refused and nothing at all is left of them."""
    before = books.entries()
    try:
        books.post(list(movements))
    except REFUSED:
        return books.entries() == before
    return False


def _only_added(books: Books) -> bool:
    before = {entry.posting_id: entry for entry in books.entries()}
    books.post([move(Step.RESERVE, 1, "late"), move(Step.VOID, 1, "late")])
    after = {entry.posting_id: entry for entry in books.entries()}
    return before.items() <= after.items() and len(after) == len(before) + 2


def _approval_once(books: Books) -> bool:
    before = books.entries()
    try:
        books.approve(ONE, derived_id("request", ONE), APPROVED)
    except REFUSED:
        return books.entries() == before
    return False


def _any_order(books: Books) -> bool:
    things = [
        [move(Step.RESERVE, 30, "x"), move(Step.POST, 30, "x")],
        [move(Step.RESERVE, 20, "y"), move(Step.EXPIRE, 20, "y")],
        [move(Step.RESERVE, 10, "z")],
    ]
    ends = []
    for number, order in enumerate((things, things[::-1])):
        campaign = derived_id("order", number)
        books.approve(campaign, derived_id("request", campaign), APPROVED)
        for movements in order:
            books.post([move(m.step, m.amount_minor, str(m.reference), campaign=campaign) for m in movements])
        ends.append([books.balance(campaign, kind) for kind in KINDS])
    return ends[0] == ends[1] == [APPROVED - 40, 10, 30, 0, 0]


def _never_reserved(books: Books) -> bool:
    """Not even where the campaign has reserved enough for other things, or another campaign for the same thing."""
    return books.balance(ONE, Kind.RESERVED) >= 1 and all(_refused(books, move(step, 1, "never")) for step in ENDS)


def _ends_once(books: Books) -> bool:
    held = True
    for first in ENDS:
        books.post([move(Step.RESERVE, 7, f"once {first}")])
        books.post([move(first, 7, f"once {first}")])
        held &= all(_refused(books, move(second, 7, f"once {first}", turn=2)) for second in ENDS)
    return held


def _in_parts(books: Books) -> bool:
    books.post([move(Step.RESERVE, 100, "parts")])
    books.post([move(Step.POST, 60, "parts")])
    held = _refused(books, move(Step.VOID, 41, "parts"))
    books.post([move(Step.VOID, 30, "parts"), move(Step.EXPIRE, 10, "parts")])
    return held and _refused(books, move(Step.EXPIRE, 1, "parts", turn=2))


def _apart(books: Books) -> bool:
    before = [books.balance(OTHER, kind) for kind in KINDS]
    books.post([move(Step.RESERVE, 5, "apart"), move(Step.POST, 5, "apart")])
    entries = books.entries()
    owners: list[set[UUID | None]] = [{entry.debited[1], entry.credited[1]} - {None} for entry in entries]
    alike = all(entry.debited[2] == entry.credited[2] for entry in entries)
    return alike and all(len(own) == 1 for own in owners) and [books.balance(OTHER, kind) for kind in KINDS] == before


ATTEMPTS: dict[str, Callable[[Books], bool]] = {
    "postings are only ever added": _only_added,
    "a posting is carried out once": lambda books: _refused(books, move(Step.RESERVE, 1, "new"), move(Step.RESERVE, 300, "a")),
    "an approval counts once": _approval_once,
    "what exceeds the pot is refused whole": lambda books: _refused(books, move(Step.RESERVE, 1, "s"), move(Step.RESERVE, 9_999, "l")),
    "a budget is lowered by no more than is free": lambda books: _refused(
        books, move(Step.WITHDRAW, books.balance(ONE, Kind.AVAILABLE) + 1, "w")
    ),
    "final balances do not depend on the order of arrival": _any_order,
    "what was never reserved is neither posted nor voided nor expired": _never_reserved,
    "a reservation ends once, by post, void or expiry": _ends_once,
    "a reservation stays open until it is used up, in parts": _in_parts,
    "no more is paid than was ever posted, even if tried": lambda books: _refused(books, move(Step.INSTRUCT, 9_999, "p")),
    "campaigns and currencies never mix": _apart,
    "the chain can be recomputed": lambda books: INVARIANT not in books.findings(),
}
