"""What the reports' routes take from a request, and what they refuse."""

from typing import Any

import pytest

from functions.registry import BY_NAME
from shared.kernel.errors import Invalid
from shared.kernel.ids import CAMPAIGN, POSTING, REDEMPTION, derived_id
from shared.platform.operations import operation
from shared.reports import service

ID = derived_id("some")
CAMPAIGN_PATH = {"campaign_id": CAMPAIGN.render(ID)}


def arguments(name: str, path: dict[str, str], **query: str) -> dict[str, Any]:
    route = next(route for route in BY_NAME["report_campaigns"].routes if route.operation == name)
    return operation(route, service).arguments(path, query, b"")


def refused(name: str, path: dict[str, str], **query: str) -> list[str]:
    with pytest.raises(Invalid) as error:
        arguments(name, path, **query)
    return sorted(problem.path for problem in error.value.problems)


def test_pages_are_asked_for_in_text() -> None:
    ledger = arguments("campaign_ledger", CAMPAIGN_PATH, after=POSTING.render(ID), limit="10000")["query"]
    assert (ledger.after, ledger.limit) == (ID, 10_000)

    redemptions = arguments("list_redemptions", {}, after=REDEMPTION.render(ID), state="rejected", customer_id="c-1", limit="1000")["query"]
    assert (redemptions.after, redemptions.state, redemptions.customer_id, redemptions.limit) == (ID, "rejected", "c-1", 1_000)


def test_refuses_pages_that_are_too_large_or_empty() -> None:
    assert refused("campaign_ledger", CAMPAIGN_PATH, limit="10001") == ["/query/limit"]
    assert refused("list_redemptions", {}, limit="0") == ["/query/limit"]


def test_names_everything_that_is_wrong_with_a_query() -> None:
    wrong = refused("list_redemptions", {}, state="lost", offer_id="off_1", colour="red")
    assert wrong == ["/query/colour", "/query/offer_id", "/query/state"]
    assert refused("campaign_report", CAMPAIGN_PATH, colour="red") == ["/query/colour"]
    assert refused("campaign_report", {"campaign_id": "c1"}) == ["/path/campaign_id"]


def test_every_route_has_its_question() -> None:
    bound = {route.operation: operation(route, service) for route in BY_NAME["report_campaigns"].routes}
    assert set(bound) == {"campaign_report", "campaign_ledger", "sealed_ledger", "list_redemptions", "list_unknown_cards", "trial_balance"}
