"""The questions that reports answer, one function each."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final, cast
from uuid import UUID

from psycopg.rows import DictRow

from shared.campaigns import service as campaigns
from shared.campaigns.api import CampaignView
from shared.campaigns.model import Campaign
from shared.kernel.errors import Invalid, Problem
from shared.kernel.ids import BUDGET_REQUEST, CREDIT, REDEMPTION, CampaignId, Prefix
from shared.kernel.reasons import Reason
from shared.kernel.wire import Csv
from shared.ledger import service as ledger
from shared.ledger.api import HeadView
from shared.ledger.chain import COLUMNS, Row, line
from shared.platform.call import Call, Transaction
from shared.reports import store
from shared.reports.api import (
    Budget,
    BurnDay,
    CampaignLedger,
    CampaignReport,
    ChannelFunnel,
    CurrencyBalance,
    Funnel,
    KindBalance,
    LedgerQuery,
    OfferFunnel,
    PostingView,
    Redemptions,
    RedemptionsQuery,
    RedemptionView,
    RefusalCount,
    SealedQuery,
    StepTotal,
    TrialBalance,
    UnknownCard,
    UnknownCards,
    UnknownCardsQuery,
    VariantFunnel,
)

REFERENCES: Final[dict[str, Prefix]] = {"approve": BUDGET_REQUEST, "withdraw": BUDGET_REQUEST} | dict.fromkeys(
    ("instruct", "pay", "fail", "return"), CREDIT
)
"""What a posting of a step is about; a redemption where the step is not named."""

SENTENCES: Final = {reason.code: reason.support for reason in Reason}

PARTS: Final = ("budgets", "holdouts", "offer_funnels", "variant_funnels", "channel_funnels", "refusals", "burn_down")
"""The statements that a campaign's report is made from."""

NO_BUDGET: Final = dict.fromkeys(
    ("approved_minor", "reserved_minor", "spent_minor", "left_minor", "instructed_minor", "paid_minor", "honoured_minor"), 0
)


def campaign_report(call: Call, campaign_id: CampaignId) -> CampaignReport:
    """Budget, funnels, reasons of refusal and burn-down of one campaign, as of one moment."""
    with store.snapshot(call) as tx:
        return _reports(tx, [campaigns.require_campaign(tx, campaign_id)])[0]


def all_reports(call: Call, *, most: int) -> list[CampaignReport]:
    """The reports of the newest campaigns, at most so many, as of one moment and in as many statements as a single one takes."""
    with store.snapshot(call) as tx:
        return _reports(tx, campaigns.newest_campaigns(tx, most=most))


def campaign_ledger(call: Call, campaign_id: CampaignId, query: LedgerQuery) -> CampaignLedger:
    """The postings that prove what a campaign spent, in the order they were sealed. Raises Invalid when `after` is not one of them."""
    with store.snapshot(call) as tx:
        campaign = campaigns.require_campaign(tx, campaign_id)
        _require_posting(tx, campaign_id, query.after)
        totals = [StepTotal(**row) for row in store.ledger_totals(tx, campaign_id)]
        page, more = _page(store.postings(tx, campaign_id, after=query.after, limit=query.limit + 1), query.limit)
        amounts = {total.step: total.amount_minor for total in totals}
        return CampaignLedger(
            campaign_id=campaign_id,
            currency=campaign.currency,
            totals=totals,
            spent_minor=amounts.get("post", 0) - amounts.get("reverse", 0),
            head=HeadView.of(head) if (head := ledger.head(tx, campaign_id)) else None,
            postings=[_posting(row) for row in page],
            next=page[-1]["posting_id"] if more else None,
        )


def sealed_ledger(call: Call, campaign_id: CampaignId, query: SealedQuery) -> Csv:
    """A campaign's postings as they were sealed, a line for each: with them anybody can recompute its chain and what it spent.

    Ids are without their prefixes. The last column is the hash of the line's seal: SHA-256 over the hash of the seal before (32 zero
    bytes for the first) and the seal's lines up to that column, each with a line feed. A page that has a header only is the end.
    """
    with store.snapshot(call) as tx:
        campaigns.require_campaign(tx, campaign_id)
        _require_posting(tx, campaign_id, query.after)
        found = store.sealed(tx, campaign_id, after=query.after, limit=query.limit)
    lines = (f"{line(cast('Row', tuple(row[name] for name in COLUMNS)))},{(row['hash'] or b'').hex()}" for row in found)
    return Csv(text="\n".join([",".join((*COLUMNS, "seal_hash")), *lines, ""]))


def list_redemptions(call: Call, query: RedemptionsQuery) -> Redemptions:
    """Redemptions that meet every condition, by id, so that pages hold still while redemptions come and change."""
    with call.reading() as tx:
        found = store.redemptions(tx, query.model_dump() | {"limit": query.limit + 1})
    page, more = _page(found, query.limit)
    return Redemptions(
        redemptions=[RedemptionView(**row, sentence=sentence(row["reason"]) if row["reason"] else None) for row in page],
        next=page[-1]["redemption_id"] if more else None,
    )


def list_unknown_cards(call: Call, query: UnknownCardsQuery) -> UnknownCards:
    """Cards that purchases wait for, for nobody is known to have held them at that moment."""
    with call.reading() as tx:
        found = store.unknown_cards(tx, after=query.after, limit=query.limit + 1)
    page, more = _page(found, query.limit)
    why = Reason.CARD_UNKNOWN
    return UnknownCards(
        cards=[UnknownCard(**row, reason=why.code, sentence=why.support) for row in page], next=page[-1]["card_token"] if more else None
    )


def trial_balance(call: Call) -> TrialBalance:
    """Debits and credits per currency and kind of account, added up from the postings and held against the accounts."""
    with store.snapshot(call) as tx:
        found = store.trial_balance(tx)
        currencies = [_currency_balance(currency, list(kinds)) for currency, kinds in groupby(found, key=lambda row: row["currency"])]
        return TrialBalance(as_of=tx.now, balanced=all(c.balanced for c in currencies), currencies=currencies)


def sentence(code: str) -> str:
    """The support sentence of a reason code."""
    return SENTENCES.get(code) or code.replace("_", " ").capitalize() + "."


def _reports(tx: Transaction, chosen: Sequence[Campaign]) -> list[CampaignReport]:
    ids = [campaign.campaign_id for campaign in chosen]
    parts = {name: store.by_campaign(tx, name, ids) for name in PARTS}
    return [_report(tx, campaign, {name: part[campaign.campaign_id] for name, part in parts.items()}) for campaign in chosen]


def _report(tx: Transaction, campaign: Campaign, parts: Mapping[str, list[DictRow]]) -> CampaignReport:
    budgets, holdouts, refusals = parts["budgets"], parts["holdouts"], parts["refusals"]
    dry = next((row["first_at"] for row in refusals if row["reason"] == Reason.BUDGET_EXHAUSTED.code), None)
    budget = Budget(**(budgets[0] if budgets else NO_BUDGET), ran_dry_at=dry)
    offers = [OfferFunnel(**row) for row in parts["offer_funnels"]]
    return CampaignReport(
        as_of=tx.now,
        campaign=CampaignView.of(campaign),
        budget=budget,
        held_out=holdouts[0]["held_out"] if holdouts else 0,
        funnel=Funnel(**{step: sum(getattr(offer, step) for offer in offers) for step in Funnel.model_fields}),
        offers=offers,
        variants=[VariantFunnel(**row) for row in parts["variant_funnels"]],
        channels=[ChannelFunnel(**row) for row in parts["channel_funnels"]],
        refusals=[_refusal(row) for row in refusals],
        burn_down=[BurnDay(**row, left_minor=budget.approved_minor - row["spent_minor"]) for row in parts["burn_down"]],
    )


def _refusal(row: DictRow) -> RefusalCount:
    return RefusalCount(reason=row["reason"], sentence=sentence(row["reason"]), count=row["count"], refused_minor=row["refused_minor"])


def _require_posting(tx: Transaction, campaign_id: UUID, posting_id: UUID | None) -> None:
    if posting_id and not store.has_posting(tx, campaign_id, posting_id):
        raise Invalid(problems=(Problem(path="/query/after", message="is not a posting of this campaign"),))


def _posting(row: DictRow) -> PostingView:
    return PostingView(**row | {"reference": REFERENCES.get(row["step"], REDEMPTION).render(row["reference"])})


def _currency_balance(currency: str, kinds: list[dict[str, Any]]) -> CurrencyBalance:
    accounts = [KindBalance(**{name: row[name] for name in KindBalance.model_fields}) for row in kinds]
    debit_minor, credit_minor = sum(a.debit_minor for a in accounts), sum(a.credit_minor for a in accounts)
    return CurrencyBalance(
        currency=currency,
        debit_minor=debit_minor,
        credit_minor=credit_minor,
        balanced=debit_minor == credit_minor and all(a.agrees for a in accounts),
        accounts=accounts,
    )


def _page(found: list[DictRow], limit: int) -> tuple[list[DictRow], bool]:
    """The rows of a page that was read with one row more than it shows, and whether there was one more."""
    return found[:limit], len(found) > limit
