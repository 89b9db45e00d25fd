"""Commands on a trial with generated files: what these speak of and don't bring, and what a person must say about it."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from shared.cli.options import DATA, URL, Data, Day, Seed, Url, day_of
from shared.cli.places import token_for
from shared.cli.requests import get, post
from shared.cli.terminal import words

app = typer.Typer(help="Let a local platform take generated files: make what they speak of, approve their offers.", no_args_is_help=True)
MAKER: Final = "trial-maker"
CHECKER: Final = "trial-checker"
"""Two people: who asks for a budget can't approve it."""
WHY: Final = {"reason": "A trial with generated files."}
ZONE: Final = "America/New_York"
PAGE: Final = 200


@app.command("open")
def open_trial(
    seed: Seed = 1,
    day: Day = None,
    budget: Annotated[str, typer.Option(help="What the campaign may spend, in US dollars.")] = "1000000.00",
    url: Url = URL,
    data: Data = DATA,
) -> None:
    """Make what the generated files of a seed and a year speak of: a campaign with an approved budget, and lists; prints the campaign's id.

    Done again, it changes nothing.
    """
    from shared.generator.habits import PRODUCTS
    from shared.generator.portfolio import FIRST_CUSTOMER, segment_id
    from shared.generator.programme import campaign_id
    from shared.kernel.ids import CAMPAIGN, SEGMENT

    year = day_of(day).year
    campaign = CAMPAIGN.render(campaign_id(seed, year))
    body = {
        "campaign_id": campaign,
        "name": f"Trial {seed} of {year}",
        "objective": "Try Clo with generated files",
        "portfolio": "Generated",
        "currency": "USD",
        "window": {"start": f"{year - 1}-12-31", "end": f"{year + 1}-02-01", "zone": ZONE},  # whatever the zones of offers
    }
    maker, checker = _tokens(data)
    steps = (
        (maker, "/v1/campaigns", body),
        (maker, f"/v1/campaigns/{campaign}/budget-requests", WHY | {"amount": budget}),
        (checker, f"/v1/campaigns/{campaign}/approve", WHY),
        (maker, f"/v1/campaigns/{campaign}/schedule", WHY),
    )
    for token, path, said in steps:
        post(url, path, token, said, key=f"trial/{campaign}/{path}")
    for tier in PRODUCTS:
        own = SEGMENT.render(segment_id(seed, tier))
        members = {"segment_id": own, "name": f"Tier {tier} of trial {seed}", "kind": "list", "customers": [FIRST_CUSTOMER]}
        post(url, "/v1/segments", maker, members, key=f"trial/{own}")
    print(campaign)
    words.print(f"The campaign has a budget of {budget} USD, and there are {len(PRODUCTS)} lists. Send customers, merchants and offers.")


@app.command("approve")
def approve(seed: Seed = 1, day: Day = None, url: Url = URL, data: Data = DATA) -> None:
    """Approve the offers of the trial's campaign that wait for a review; prints their ids."""
    from shared.generator.programme import campaign_id
    from shared.kernel.ids import CAMPAIGN

    campaign = CAMPAIGN.render(campaign_id(seed, day_of(day).year))
    _, checker = _tokens(data)
    approved = 0
    for offer in _offers(url, checker, campaign):
        if offer["review"] == "in_review":
            post(url, f"/v1/offers/{offer['offer_id']}/approve", checker, WHY)
            print(offer["offer_id"])
            approved += 1
    words.print(f"{approved} offers approved. Send grants, then transactions.")


def _offers(url: str, token: str, campaign: str) -> list[Any]:
    found: list[Any] = []
    while len(page := get(url, f"/v1/offers?campaign_id={campaign}&limit={PAGE}&offset={len(found)}", token)["offers"]) == PAGE:
        found += page
    return [*found, *page]


def _tokens(data: Path) -> tuple[str, str]:
    from shared.platform.local.keys import all_scopes

    return token_for(data, MAKER, all_scopes()), token_for(data, CHECKER, all_scopes())
