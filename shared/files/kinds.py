"""What the records of each kind of file become: the row model, which is the law, and which of its fields the control totals are of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from events.payloads import Transaction
from events.told import CustomerSent, MerchantShape
from shared.aggregators.api import PartnerOffer
from shared.audiences.api import CardSent, GrantSent, MemberSent
from shared.files.names import Kind
from shared.kernel.wire import Wire
from shared.reconciliation.api import PartnerLine
from shared.redemptions.results_api import PayoutResult


@dataclass(frozen=True, kw_only=True, slots=True)
class Totalled:
    """Which fields of a record the control totals are of."""

    id: str
    """The field that the entry hash is of."""
    at: str | None = None
    """The field with the moment of the event."""
    amount: str | None = None
    """The field that is added up, in minor units of the record's `currency`."""
    traced: bool = True
    """Whether a record may still be refused when it is to take effect: where it stands is kept with it until then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record(Totalled):
    """The canonical record of a kind."""

    model: type[Wire]


RECORDS: Final[Mapping[Kind, Record]] = {
    Kind.TRANSACTIONS: Record(model=Transaction, id="transaction_id", at="at", amount="amount", traced=False),
    Kind.CUSTOMERS: Record(model=CustomerSent, id="customer_id", at="consent_at"),
    Kind.CARDS: Record(model=CardSent, id="card_token", at="valid_from"),
    Kind.MERCHANTS: Record(model=MerchantShape, id="merchant_id"),
    Kind.SEGMENTS: Record(model=MemberSent, id="customer_id"),
    Kind.GRANTS: Record(model=GrantSent, id="reference", at="granted_at"),
    Kind.PAYOUTS: Record(model=PayoutResult, id="credit_id", at="at", amount="amount"),
    Kind.OFFERS: Record(model=PartnerOffer, id="reference"),
    Kind.REDEMPTIONS: Record(model=PartnerLine, id="reference", at="at", amount="amount"),
    Kind.SETTLEMENT: Record(model=PartnerLine, id="reference", at="at", amount="amount"),
}
CURRENCY: Final = "currency"
