"""All that marketing and the bank ask of audiences, gathered for the one function that answers them."""

from shared.audiences.cards import get_card, put_cards
from shared.audiences.customers import get_customer, put_customers
from shared.audiences.erasure import erase_customer
from shared.audiences.grants import issue_grants, list_grants
from shared.audiences.grants_told import put_grants
from shared.audiences.members import put_members
from shared.audiences.service import create_segment, estimate_audience, get_segment, list_segments

__all__ = [
    "create_segment",
    "erase_customer",
    "estimate_audience",
    "get_card",
    "get_customer",
    "get_segment",
    "issue_grants",
    "list_grants",
    "list_segments",
    "put_cards",
    "put_customers",
    "put_grants",
    "put_members",
]
