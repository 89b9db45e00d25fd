"""What must be true at the end: each check is a pure function of figures, and says what it expected and found."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from demo import judging
from demo.figures import Figures
from demo.journey import CURRENCY, Journey
from demo.made_up import Shown
from demo.reckoning import Expected, reckon
from demo.timeline import Batch, timeline
from shared.kernel.money import to_decimal

BUDGET_EXHAUSTED: Final = "budget_exhausted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """Something that must hold: what was expected and what was found."""

    name: str
    expected: str
    actual: str
    ok: bool


def check_all(
    figures: Figures, journey: Journey, impressions: Sequence[Shown], posted: Mapping[int, int], judged: Counter[str]
) -> list[Check]:
    """All checks on the figures of the year."""
    return [
        grants(figures, journey),
        balances(figures),
        spent_is_posted(figures, posted),
        within_budget(figures),
        as_reckoned(figures, reckon(journey)),
        ran_dry(figures, request_of_basket(journey, impressions)),
        within_limits(figures),
        counted_once(figures, impressions),
        paid(figures),
        nothing_lost(figures),
        *coupons(judged, journey),
    ]


def same(name: str, expected: object, actual: object) -> Check:
    """A check that two things are equal."""
    return Check(name=name, expected=_written(expected), actual=_written(actual), ok=expected == actual)


def grants(figures: Figures, journey: Journey) -> Check:
    """Each household of a campaign holds each of its offers once."""
    offers = Counter(coupon.campaign for coupon in journey.coupons)
    expected = sum(len(campaign.households) * offers[campaign.number] for campaign in journey.campaigns)
    return same("Grants issued", expected, sum(report["funnel"]["granted"] for report in figures.reports.values()))


def balances(figures: Figures) -> Check:
    """Debits equal credits in every currency, and every account agrees with its postings."""
    currencies = figures.balance["currencies"]
    wrong = [c["currency"] for c in currencies if not c["balanced"] or c["debit_minor"] != c["credit_minor"]]
    names = ", ".join(c["currency"] for c in currencies)
    return Check(
        name="Ledger balances in every currency",
        expected="debits = credits",
        actual=f"not in {', '.join(wrong)}" if wrong else f"balances in {names}" if names else "an empty ledger",
        ok=bool(currencies) and not wrong and bool(figures.balance["balanced"]),
    )


def spent_is_posted(figures: Figures, posted: Mapping[int, int]) -> Check:
    """Spent is the sum of the postings and the sum of the redemptions' rewards, for each campaign."""
    rewards: dict[str, int] = defaultdict(int)
    for redemption in figures.redemptions:
        rewards[redemption["campaign_id"]] += redemption["reward_minor"]
    wrong = [
        number
        for number, report in figures.reports.items()
        if not report["budget"]["spent_minor"] == posted[number] == rewards[report["campaign"]["campaign_id"]]
    ]
    return _for_all("Spent = postings = redemptions, per campaign", len(figures.reports), wrong)


def within_budget(figures: Figures) -> Check:
    """No campaign has spent and promised more than was approved."""
    wrong = [
        number
        for number, report in figures.reports.items()
        if report["budget"]["spent_minor"] + report["budget"]["reserved_minor"] > report["budget"]["approved_minor"]
    ]
    return _for_all("Spent within the approved budget, per campaign", len(figures.reports), wrong)


def as_reckoned(figures: Figures, expected: Mapping[int, Expected]) -> Check:
    """Redemptions and spend are what a plain reckoning over the data comes to; where the budget ran dry, what was wanted is."""
    wanted: dict[str, Expected] = defaultdict(Expected)
    for redemption in figures.redemptions:
        wanted[redemption["campaign_id"]].redemptions += 1
        wanted[redemption["campaign_id"]].reward_minor += redemption["wanted_minor"]
    wrong = [number for number, report in figures.reports.items() if wanted[report["campaign"]["campaign_id"]] != expected[number]]
    return _for_all("Redemptions as reckoned without the platform, per campaign", len(figures.reports), wrong)


def request_of_basket(journey: Journey, impressions: Sequence[Shown]) -> dict[str, int]:
    """In which request each basket was posted."""
    batches = (part for part in timeline(journey, impressions) if isinstance(part, Batch))
    return {basket.basket_id: number for number, batch in enumerate(batches) for basket in batch.baskets}


def ran_dry(figures: Figures, request_of: Mapping[str, int]) -> Check:
    """Some campaign, not every one, ran out of budget between two rewards of one request: the first was admitted, the other refused."""
    admitted: dict[str, set[int]] = defaultdict(set)
    refused: dict[str, set[int]] = defaultdict(set)
    for redemption in figures.redemptions:
        kind = refused if redemption["reason"] == BUDGET_EXHAUSTED else admitted
        kind[redemption["campaign_id"]].add(request_of[redemption["transaction_id"]])
    dry = [n for n, report in figures.reports.items() if refused[(campaign := report["campaign"]["campaign_id"])] & admitted[campaign]]
    return Check(
        name="A budget runs dry in the middle of a batch",
        expected="in one campaign at least, not in all",
        actual=f"campaign {', '.join(map(str, dry))}" if dry else "none",
        ok=0 < len(dry) < len(figures.reports),
    )


def within_limits(figures: Figures) -> Check:
    """Each customer has had each offer once at most."""
    rewarded = Counter((r["customer_id"], r["offer_id"]) for r in figures.redemptions if r["reward_minor"] > 0)
    return same("Customers over an offer's limit", 0, sum(count > 1 for count in rewarded.values()))


def counted_once(figures: Figures, impressions: Iterable[Shown]) -> Check:
    """Impressions that were reported twice count once, by kind."""
    expected = Counter(kind for kind, _ in {(shown.kind, shown.impression_id) for shown in impressions})
    actual = {kind: sum(report["funnel"][kind] for report in figures.reports.values()) for kind in sorted(expected)}
    return same("Impressions counted once", dict(sorted(expected.items())), actual)


def paid(figures: Figures) -> Check:
    """Statement credits add up to what was paid, each is instructed once, and all that was earned is paid."""
    credited = sum({credit["credit_id"]: credit["amount_minor"] for credit in figures.credits}.values())
    once = len({credit["credit_id"] for credit in figures.credits}) == len(figures.credits)
    of_reports = {name: sum(r["budget"][name] for r in figures.reports.values()) for name in ("spent_minor", "paid_minor")}
    return Check(
        name="Statement credits = paid = earned",
        expected=f"{_money(of_reports['spent_minor'])} earned",
        actual=f"{_money(of_reports['paid_minor'])} paid, {_money(credited)} credited" + ("" if once else ", some twice"),
        ok=once and credited == of_reports["paid_minor"] == of_reports["spent_minor"],
    )


def nothing_lost(figures: Figures) -> Check:
    """Every event was taken by its functions."""
    return same("Events that no function could take", 0, figures.dead_letters)


def coupons(judged: Counter[str], journey: Journey) -> list[Check]:
    """The engine says of every coupon truly redeemed what the data says."""
    names = {
        judging.BASKET: "Real redemptions with a basket that local day",
        judging.TARGETED: "Real redemptions by a targeted household",
        judging.IN_WINDOW: "Real redemptions inside the window",
    }
    return [same(name, len(journey.coupon_uses), judged[rule]) for rule, name in names.items()]


def unchanged(before: str, after: str) -> Check:
    """A second run of the same input changed nothing."""
    return same("A second run of the same input changes nothing", before[:16], after[:16])


def recall(judged: Counter[str], journey: Journey) -> float:
    """The share of real redemptions whose day's baskets hold a product of the coupon. The data does not promise that all do."""
    return judged[judging.IN_SCOPE] / len(journey.coupon_uses)


def _for_all(name: str, count: int, wrong: list[int]) -> Check:
    actual = f"wrong for {', '.join(map(str, wrong))}" if wrong else f"holds for all {count}"
    return Check(name=name, expected=f"holds for all {count}", actual=actual, ok=not wrong and count > 0)


def _money(minor: int) -> str:
    return f"{to_decimal(minor, CURRENCY)} {CURRENCY}"


def _written(value: object) -> str:
    match value:
        case bool() | str():
            return str(value)
        case int():
            return f"{value:,}"
        case dict():
            return ", ".join(f"{name} {_written(part)}" for name, part in value.items())
    return str(value)
