"""What callers ask of the reports and get."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from shared.campaigns.api import CampaignView
from shared.kernel.ids import CampaignId, GrantId, OfferId, PostingId, RedemptionId
from shared.kernel.wire import Currency, ExternalId, Minor, Moment, Wire
from shared.ledger.api import HeadView

MOST_POSTINGS = 10_000
MOST_SEALED = 20_000
MOST_REDEMPTIONS = 1_000

RedemptionState = Literal["pending", "held", "payable", "paid", "reversed", "rejected"]


class Budget(Wire):
    """Where a campaign's money is: approved = left + reserved + spent."""

    approved_minor: Minor
    reserved_minor: Minor
    """Set aside for rewards that are not posted yet."""
    spent_minor: Minor
    """Posted less reversed: what customers have earned."""
    left_minor: Minor
    paid_minor: Minor
    """What of the spent has left for cards: credited, or on its way."""
    instructed_minor: Minor
    """What of that is on its way: the card system has not confirmed it."""
    honoured_minor: Minor
    """Rewards of other campaigns' offers that this budget bears out of goodwill, since theirs was exhausted."""
    ran_dry_at: Moment | None
    """The earliest purchase whose reward the budget could not cover."""


class Shown(Wire):
    """Impressions, and the distinct customers behind them."""

    served: int
    viewed: int
    clicked: int
    served_to: int
    viewed_by: int
    clicked_by: int


class ChannelFunnel(Shown):
    """What one channel showed; customers are distinct over all offers of the campaign."""

    channel: str


class Funnel(Shown):
    """From grants to money paid. Customers are distinct per offer, so a campaign's sum counts pairs of customer and offer."""

    granted: int
    activated: int
    purchased: int
    """Grants with at least one completion, admitted or not."""
    redeemed: int
    """Redemptions with a reward, promised or earned."""
    pending: int
    """Of these, those of which something has been authorised only and is not earned yet."""
    paid: int
    """Redemptions of which something was credited to a card."""
    reward_minor: Minor
    """All that is promised: pending and earned."""
    pending_minor: Minor
    earned_minor: Minor
    written_off_minor: Minor
    """What was credited, is earned no more, and is left to the customers. Spent is earned and written off."""
    goodwill_minor: Minor
    """What of the rewards another campaign bears out of goodwill."""
    paid_minor: Minor


class OfferFunnel(Funnel):
    """The funnel of one offer."""

    offer_id: OfferId
    name: str
    state: str


class VariantFunnel(Shown):
    """From grants to money paid, of one offer's grants of one variant, or of none. Steps are those of the offer's funnel.

    Impressions are of the variant that their channel told: those of which it told none count with none.
    """

    offer_id: OfferId
    variant: str | None
    granted: int
    activated: int
    purchased: int
    redeemed: int
    paid: int
    reward_minor: Minor
    paid_minor: Minor


class RefusalCount(Wire):
    """How often a reason kept a purchase, or a completion, from earning."""

    reason: str
    sentence: str
    count: int
    refused_minor: Minor
    """The reward that a shared pot (budget, total of the offer) did not cover; nothing for the other reasons."""


class BurnDay(Wire):
    """One day, in the campaign's zone, on which something was posted or reversed. Left is out of all that is approved by now."""

    day: date
    posted_minor: Minor
    reversed_minor: Minor
    spent_minor: Minor
    """Posted less reversed, up to and with this day."""
    left_minor: Minor


class CampaignReport(Wire):
    """All that a campaign came to, as of one moment."""

    as_of: Moment
    campaign: CampaignView
    budget: Budget
    held_out: int
    funnel: Funnel
    offers: list[OfferFunnel]
    variants: list[VariantFunnel]
    """Of offers of which some grants are of a variant; what is of none first. A customer who was shown several is in each."""
    channels: list[ChannelFunnel]
    refusals: list[RefusalCount]
    burn_down: list[BurnDay]


class LedgerQuery(Wire):
    """Which page of a campaign's postings: those after a posting."""

    after: PostingId | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_POSTINGS)] = 1_000


class SealedQuery(Wire):
    """Which page of a campaign's sealed lines: those after a posting."""

    after: PostingId | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_SEALED)] = MOST_SEALED


class PostingView(Wire):
    """One movement of money from the account that it debits to the one that it credits."""

    seal: int
    """The seal of the campaign's chain that covers it."""
    posting_id: PostingId
    step: str
    debit: str
    credit: str
    amount_minor: Minor
    reference: str
    """What it is about: a budget request, a redemption or a statement credit."""
    reason: str | None
    effective_at: Moment
    recorded_at: Moment


class StepTotal(Wire):
    """All postings of one step, summed up."""

    step: str
    postings: int
    amount_minor: Minor


class CampaignLedger(Wire):
    """A page of a campaign's postings, the totals of all of them (spent = post - reverse), and the head of their chain."""

    campaign_id: CampaignId
    currency: Currency
    totals: list[StepTotal]
    spent_minor: Minor
    head: HeadView | None
    """The last seal; null where nothing was posted. `/ledger.csv` gives what the seals were computed from."""
    postings: list[PostingView]
    next: PostingId | None
    """Ask for the page after this posting; null at the end."""


class RedemptionsQuery(Wire):
    """Which redemptions: all that meet every condition given."""

    customer_id: ExternalId | None = None
    offer_id: OfferId | None = None
    campaign_id: CampaignId | None = None
    grant_id: GrantId | None = None
    state: RedemptionState | None = None
    after: RedemptionId | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_REDEMPTIONS)] = 100


class RedemptionView(Wire):
    """One completion of a grant and where its money stands."""

    redemption_id: RedemptionId
    grant_id: GrantId
    completion: ExternalId
    """Which completion of the grant: the purchase where each stands alone, else the number of those that purchases reach together."""
    offer_id: OfferId
    campaign_id: CampaignId
    customer_id: str
    transaction_id: str
    state: RedemptionState
    wanted_minor: Minor
    """What the history earns."""
    reward_minor: Minor
    """What of it was admitted."""
    earned_minor: Minor
    """What of that has cleared; the rest is pending."""
    corrected_minor: Minor
    """How much of what the history earns is more (or, negative, less) than the terms give, by corrections."""
    paid_minor: Minor
    """What was credited or is on its way, with what was set against a debt."""
    instructed_minor: Minor
    """What of that is on its way: the card system has not confirmed it."""
    currency: Currency
    version: int
    earned_at: Moment
    payable_at: Moment
    reason: str | None
    sentence: str | None


class Redemptions(Wire):
    """A page of redemptions in the order of their ids."""

    redemptions: list[RedemptionView]
    next: RedemptionId | None
    """Ask for the page after this redemption; null at the end."""


class UnknownCardsQuery(Wire):
    """Which page of the cards that are nobody's."""

    after: ExternalId | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_REDEMPTIONS)] = 100


class UnknownCard(Wire):
    """A card that purchases were made with when it was nobody's, as far as is known: tell whose it was, and they count."""

    card_token: str
    transactions: int
    first_at: Moment
    last_at: Moment
    """The moments of the first and of the last of them."""
    reason: str
    sentence: str


class UnknownCards(Wire):
    """A page of cards in the order of their tokens."""

    cards: list[UnknownCard]
    next: str | None
    """Ask for the page after this card; null at the end."""


class KindBalance(Wire):
    """One kind of account: what the postings add up to, what the accounts say, and whether they agree, account by account."""

    kind: str
    debit_minor: Minor
    credit_minor: Minor
    account_debit_minor: Minor
    account_credit_minor: Minor
    agrees: bool


class CurrencyBalance(Wire):
    """The trial balance of one currency, from its postings."""

    currency: Currency
    debit_minor: Minor
    credit_minor: Minor
    balanced: bool
    """Debits equal credits, and every account agrees with its postings."""
    accounts: list[KindBalance]


class TrialBalance(Wire):
    """Whether the ledger balances, per currency."""

    as_of: Moment
    balanced: bool
    currencies: list[CurrencyBalance]
