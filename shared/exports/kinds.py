"""What can be exported: of each kind the columns that a layout may write, where they come from, and whose they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.files.kinds import Totalled
from shared.files.layout import FieldType
from shared.files.names import Kind

TOKENS: Final[Mapping[str, str]] = {"customer_id": "customer", "account_token": "account", "card_token": "card"}
"""Columns that appear as tokens, whatever the kind, and what they are ids of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Exported(Totalled):
    """One kind of records that partners are sent."""

    columns: Mapping[str, FieldType]
    """Of the records: text, whole numbers (amounts in minor units), moments."""
    statement: str | None = None
    """The statement that gives key, version and columns of each record; None of what lies in the lake, or another area tells."""
    personal: bool = True
    """Whether each record is of a customer, whose consent is asked."""


def _columns(texts: str, wholes: str = "", moments: str = "") -> dict[str, FieldType]:
    return {
        **dict.fromkeys(texts.split(), "text"),
        **dict.fromkeys(wholes.split(), "whole"),
        **dict.fromkeys(moments.split(), "moment"),
    }


EXPORTED: Final[Mapping[Kind, Exported]] = {
    Kind.TRANSACTIONS: Exported(
        columns=_columns(
            "transaction_id kind original_transaction_id currency customer_id card_token card_product merchant_id network"
            " network_merchant_id descriptor location_id mcc channel country region city",
            "sequence sequence_count amount tip tax cash_back",
            "at posted_at expires_at",
        ),
        id="transaction_id",
        at="at",
        amount="amount",
    ),
    Kind.MERCHANTS: Exported(
        columns=_columns("merchant_id name brand mcc location_id zone country region city"),
        id="merchant_id",
        statement="merchants",
        personal=False,
    ),
    Kind.REDEMPTIONS: Exported(
        columns=_columns(
            "redemption_id grant_id offer_id campaign_id customer_id account_token transaction_id merchant_id state currency reason",
            "reward earned instructed paid revision",
            "earned_at payable_at",
        ),
        id="redemption_id",
        at="earned_at",
        amount="reward",
        statement="redemptions",
    ),
    Kind.CREDITS: Exported(
        columns=_columns("credit_id redemption_id customer_id account_token campaign_id currency", "amount", "instructed_at"),
        id="credit_id",
        at="instructed_at",
        amount="amount",
        statement="credits",
    ),
    Kind.RECONCILIATION: Exported(
        columns=_columns("redemption_id record kind currency", "ours theirs difference times"),
        id="redemption_id",
        personal=False,
    ),
}
