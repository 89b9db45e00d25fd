"""What the platform says of the year, read through its public interface."""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson

from demo.api import Api
from demo.ids import campaign_id
from demo.journey import Journey

AUDIT: Final = "ava.audit"
CREDITS: Final = "/local/topics/clo.statement-credits"
REDEMPTIONS_PER_PAGE: Final = 1_000
POSTINGS_PER_PAGE: Final = 10_000
OF_THE_MOMENT: Final = frozenset({"as_of"})
"""What an answer says of itself and not of the state of things."""

Answer = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """Answers as they came: a report per campaign, the trial balance, redemptions, statement credits, and events not taken."""

    reports: dict[int, Answer]
    balance: Answer
    redemptions: list[Answer]
    credits: list[Answer]
    dead_letters: int


def read_figures(api: Api, journey: Journey) -> Figures:
    """Ask for everything."""
    return Figures(
        reports={c.number: _standing(api.get(f"/v1/campaigns/{campaign_id(c.number)}/report", who=AUDIT)) for c in journey.campaigns},
        balance=_standing(api.get("/v1/ledger/trial-balance", who=AUDIT)),
        redemptions=list(_redemptions(api)),
        credits=statement_credits(api),
        dead_letters=api.get("/local/backlog")["dead"],
    )


def posted_minor(api: Api, journey: Journey) -> dict[int, int]:
    """For each campaign the sum of its postings, one by one: what was posted less what was reversed."""
    return {campaign.number: sum(_posted(api, campaign.number)) for campaign in journey.campaigns}


def digest(figures: Figures) -> str:
    """One number for all figures: the same where nothing has changed."""
    return hashlib.sha256(orjson.dumps(asdict(figures), option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)).hexdigest()


def _standing(answer: Answer) -> Answer:
    return {name: value for name, value in answer.items() if name not in OF_THE_MOMENT}


def _redemptions(api: Api) -> Iterator[Answer]:
    after: str | None = None
    while True:
        page = api.get("/v1/redemptions", who=AUDIT, limit=REDEMPTIONS_PER_PAGE, after=after)
        yield from page["redemptions"]
        after = page["next"]
        if after is None:
            return


def _posted(api: Api, number: int) -> Iterator[int]:
    signs, after = {"post": 1, "reverse": -1}, None
    while True:
        page = api.get(f"/v1/campaigns/{campaign_id(number)}/ledger", who=AUDIT, limit=POSTINGS_PER_PAGE, after=after)
        yield from (posting["amount_minor"] * signs.get(posting["step"], 0) for posting in page["postings"])
        after = page["next"]
        if after is None:
            return


def statement_credits(api: Api) -> list[Answer]:
    """Statement credits, as the card system would read them from their topic: an event that comes again is the same event.

    By their ids, for only those of one customer come in an order that means something.
    """
    events, after = {}, 0
    while found := (page := api.get(CREDITS, after=after))["events"]:
        events.update({event["id"]: event["data"]["credits"] for event in found})
        after = page["next"]
    return sorted((credit for told in events.values() for credit in told), key=lambda credit: str(credit["credit_id"]))
