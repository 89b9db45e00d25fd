"""The ledger through the interface alone: the named invariants, budgets up and down, and the chain recomputed by an outsider."""

import re
import subprocess
import sys
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.cli.artefacts import ROOT
from shared.ledger.model import Kind, Step
from tests.contract.ledger.conformance import NOT_OVER_HTTP, SEEN, TRIED, Life, Line
from tests.e2e.process import CHECKER, Client
from tests.e2e.scene import WHY, Scene

KINDS = (Kind.AVAILABLE, Kind.RESERVED, Kind.PAYABLE, Kind.INSTRUCTED, Kind.PAID)
PAGE = ROOT / "docs/howto/finance.md"
LIVES: dict[str, Life] = {}


def ledger(client: Client, campaign: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/v1/campaigns/{campaign}/ledger", limit=10_000)
    return found


def lines(client: Client, campaign: str) -> list[Line]:
    return [
        Line(
            campaign=campaign,
            seal=posting["seal"],
            posting_id=posting["posting_id"],
            step=Step(posting["step"]),
            debit=Kind(posting["debit"]),
            credit=Kind(posting["credit"]),
            amount_minor=posting["amount_minor"],
            reference=posting["reference"],
            reason=posting["reason"],
        )
        for posting in ledger(client, campaign)["postings"]
    ]


def balances(client: Client, campaign: str) -> dict[Kind, int]:
    budget = client.get(f"/v1/campaigns/{campaign}/report")["budget"]
    payable = budget["spent_minor"] - budget["paid_minor"]
    gone = budget["instructed_minor"], budget["paid_minor"] - budget["instructed_minor"]
    return dict(zip(KINDS, (budget["left_minor"], budget["reserved_minor"], payable, *gone), strict=True))


def lower(client: Client, campaign: str, amount: int) -> httpx.Response:
    body = {"change": "lower", "amount": amount, "reason": "Less is needed"}
    return client.send("POST", f"/v1/campaigns/{campaign}/budget-requests", json=body)


def csv_of(client: Client, campaign: str, limit: int = 20_000) -> str:
    """The whole download, page by page."""
    text, after = "", None
    for _ in range(1_000):
        page = client.send("GET", f"/v1/campaigns/{campaign}/ledger.csv", params={"limit": limit} | ({"after": after} if after else {}))
        assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/csv"), page.text
        header, *found = page.text.splitlines(keepends=True)
        if not found:
            return text
        text += ("" if text else header) + "".join(found)
        after = f"pst_{found[-1].split(',')[1]}"
    raise AssertionError("the pages never end")


def recompute(text: str) -> subprocess.CompletedProcess[str]:
    """What the lines of the finance page make of a download."""
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len([line for line in program.splitlines() if line]) <= 10
    return subprocess.run([sys.executable, "-c", program], input=text, capture_output=True, text=True, check=False)


def proves(client: Client, campaign: str, text: str) -> bool:
    """Whether the download proves what the ledger says was spent, up to its head."""
    said = ledger(client, campaign)
    told = f"{said['spent_minor']} minor units spent; seal {said['head']['seal']} holds: {said['head']['hash']}\n"
    return recompute(text).stdout == told


def _purchases(scene: Scene, customers: list[str]) -> list[dict[str, Any]]:
    """A purchase of each customer, and of the first one an earlier and smaller one that arrives late: its reward shrinks."""
    early = scene.purchase(customers[0], amount=1_000, at=(scene.now - timedelta(days=2)).isoformat())
    return [*(scene.purchase(customer, amount=3_000) for customer in customers), early]


def _campaign(scene: Scene, budget: int) -> tuple[str, list[str]]:
    campaign = scene.campaign(budget=budget)
    customers = scene.customers(4)
    scene.grant(scene.offer(campaign, reward={"kind": "percent", "basis_points": 1_000}), customers)
    return campaign, customers


def _spend(scene: Scene, purchases: list[dict[str, Any]]) -> None:
    for purchase in purchases:
        scene.buy(purchase)
        scene.client.wait_until_idle()


def live(client: Client, scene: Scene) -> Life:
    """Three campaigns: one that spends, one to which the same happens in another order, and one whose pot is too small."""
    one, customers = _campaign(scene, 10_000)
    purchases = _purchases(scene, customers)
    _spend(scene, purchases)
    before = lines(client, one)
    other, others = _campaign(scene, 10_000)
    _spend(scene, _purchases(scene, others)[::-1])
    small, few = _campaign(scene, 650)
    _spend(scene, _purchases(scene, few)[:-1])
    apart = {each: {line.reference for line in lines(client, each)} for each in (one, other, small)}
    tried = {
        "final balances do not depend on the order of arrival": _worth(client, one) == _worth(client, other) == (9_000, 0, 1_000),
        "campaigns and currencies never mix": lines(client, one) == before and not apart[one] & apart[other] | apart[one] & apart[small],
        "what exceeds the pot is refused whole": _worth(client, small) == (50, 0, 600)
        and len(scene.redemptions(campaign_id=small, state="rejected")) == 2,
        **_attempts(client, scene, one, purchases),
    }
    trial = client.get("/v1/ledger/trial-balance")
    return Life(
        lines=[line for each in apart for line in lines(client, each)],
        balances={each: balances(client, each) for each in apart},
        per_currency={found["currency"]: found["credit_minor"] - found["debit_minor"] for found in trial["currencies"]},
        tried=tried,
    )


def _worth(client: Client, campaign: str) -> tuple[int, int, int]:
    """Free, reserved, and payable or paid: what was paid before it shrank is paid still, and owed back."""
    at = balances(client, campaign)
    return at[Kind.AVAILABLE], at[Kind.RESERVED], at[Kind.PAYABLE] + at[Kind.INSTRUCTED] + at[Kind.PAID]


def _attempts(client: Client, scene: Scene, campaign: str, purchases: list[dict[str, Any]]) -> dict[str, bool]:
    before = lines(client, campaign)
    _spend(scene, purchases)
    same = lines(client, campaign) == before
    again = client.send("POST", f"/v1/campaigns/{campaign}/approve", who=CHECKER, json=WHY)
    too_low = lower(client, campaign, balances(client, campaign)[Kind.AVAILABLE] + 1)
    untouched = lines(client, campaign) == before
    scene.fund(campaign, 500)
    lower(client, campaign, 500)
    client.post(f"/v1/campaigns/{campaign}/approve", WHY, who=CHECKER)
    after = lines(client, campaign)
    return {
        "a posting is carried out once": same,
        "an approval counts once": again.status_code == httpx.codes.CONFLICT and untouched,
        "a budget is lowered by no more than is free": too_low.status_code == httpx.codes.CONFLICT and untouched,
        "postings are only ever added": set(before) < set(after) and len(after) == len(before) + 2,
        "the chain can be recomputed": proves(client, campaign, csv_of(client, campaign)),
    }


@pytest.fixture
def life(client: Client, scene: Scene) -> Life:
    """The life that the platform's ledger led; it is led once."""
    if "http" not in LIVES:
        LIVES["http"] = live(client, scene)
    return LIVES["http"]


@pytest.mark.parametrize("invariant", [*SEEN, *(name for name in TRIED if name not in NOT_OVER_HTTP)])
def test_invariant(life: Life, invariant: str) -> None:
    assert SEEN[invariant](life) if invariant in SEEN else life.tried[invariant]


def test_what_was_not_tried_over_http_is_named(life: Life) -> None:
    assert {*life.tried, *NOT_OVER_HTTP} == set(TRIED)


@pytest.mark.parametrize("limit", [1, 3, 1_000])
def test_the_page_of_finance_recomputes_what_was_spent(client: Client, scene: Scene, limit: int) -> None:
    campaign, customers = _campaign(scene, 10_000)
    _spend(scene, _purchases(scene, customers))
    text = csv_of(client, campaign, limit)
    assert proves(client, campaign, text)
    for old, new in ((",300,", ",301,"), (",post,", ",void,"), (",reverse,", ",shrink,")):
        changed = recompute(text.replace(old, new, 1))
        assert changed.returncode == 1
        assert "does not hold" in changed.stderr


def test_a_budget_that_is_lowered_too_far_is_refused_with_the_figures(client: Client, scene: Scene) -> None:
    campaign, customers = _campaign(scene, 1_000)
    _spend(scene, [scene.purchase(customers[0], amount=3_000)])
    refused = lower(client, campaign, 701)
    assert refused.status_code == 409
    assert refused.json()["detail"] == (
        "The budget can't be lowered by 7.01 USD."
        " Of 10.00 approved, 0.00 is reserved, 0.00 payable and 3.00 paid or on its way: 7.00 is free."
    )
    assert lower(client, campaign, 700).status_code == 201
    client.post(f"/v1/campaigns/{campaign}/approve", WHY, who=CHECKER)
    assert _worth(client, campaign) == (0, 0, 300)
    history = client.get(f"/v1/campaigns/{campaign}/history")["history"]
    told = [(line["action"], line["by"], line["reason"]) for line in history if "lower" in line["action"]]
    assert told == [("request_lower_budget", "maya", "Less is needed"), ("approve_lower_budget", "omar", "A test.")]
    assert client.platform.clo("ledger", "verify").returncode == 0
