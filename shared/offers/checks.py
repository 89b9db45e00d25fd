"""Whether an offer's terms may be stored: by themselves, within their campaign, and for their audience."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from shared.campaigns.model import Campaign, State
from shared.eligibility import validation
from shared.eligibility.terms import Terms, ZonePolicy
from shared.eligibility.windows import TICK, compile_window
from shared.kernel.errors import Problem
from shared.kernel.ids import SEGMENT

CLOSED: Final = frozenset({State.REJECTED, State.ENDED, State.CANCELLED})
"""States of a campaign in which its offers are written no more."""

IN_CAMPAIGN: Final = {
    "campaign_open": "The campaign exists and is neither rejected, ended nor cancelled.",
    "campaign_currency": "The offer has its campaign's currency.",
    "campaign_window": "The offer's window lies in its campaign's.",
    "goodwill_campaign": "The goodwill campaign is another one, not closed, with the offer's currency.",
    "segments_known": "The segments of the audience and of the variants exist.",
}
"""What is asked of terms beside the rules of their own meaning."""

Problems = Iterator[Problem]


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """What terms name that must exist, as far as it does."""

    segments: Collection[UUID]
    goodwill: Campaign | None


def find_problems(terms: Terms, campaign: Campaign | None, named: Named, *, campaign_path: str) -> tuple[Problem, ...]:
    """All that is wrong with terms that are to be stored, with paths into the body that holds them as `terms`."""
    found = [Problem(path=f"/terms{problem.path}", message=problem.message) for problem in validation.problems(terms)]
    if campaign is None:
        found.append(Problem(path=campaign_path, message="There is no such campaign."))
    else:
        found += _in_campaign(terms, campaign, campaign_path)
        if not any(problem.path.startswith("/terms/window") for problem in found):
            found += _in_window(terms, campaign)
    return (*found, *_goodwill(terms, campaign, named.goodwill), *_segments(terms, named.segments))


def rules() -> dict[str, str]:
    """Every rule that terms are held against, by name, in a sentence; in the order in which problems are told."""
    return {rule.name: rule.asks for rule in validation.RULES} | IN_CAMPAIGN


def segments(terms: Terms) -> set[UUID]:
    """The segments that terms name."""
    return set(_named(terms).values())


def _in_campaign(terms: Terms, campaign: Campaign, path: str) -> Problems:
    if campaign.state in CLOSED:
        yield Problem(path=path, message=f"The campaign is {campaign.state.value}: its offers can't be written any more.")
    if terms.currency != campaign.currency:
        yield Problem(path="/terms/currency", message=f"Must be the campaign's currency, {campaign.currency}.")


def _in_window(terms: Terms, campaign: Campaign) -> Problems:
    """The window as its own zone reads it lies in the campaign's; an inclusive end may be the campaign's very end."""
    span = compile_window(terms.window.model_copy(update={"zone_policy": ZonePolicy.FIXED})).widest()
    if span.start < campaign.starts_at:
        yield Problem(path="/terms/window/start", message=f"Is before the campaign's start, {campaign.starts_at.isoformat()}.")
    if span.stop - TICK > campaign.ends_at:
        yield Problem(path="/terms/window/end", message=f"Is after the campaign's end, {campaign.ends_at.isoformat()}.")


def _goodwill(terms: Terms, campaign: Campaign | None, goodwill: Campaign | None) -> Problems:
    if terms.goodwill is None:
        return
    path = "/terms/goodwill"
    if goodwill is None:
        yield Problem(path=path, message="There is no such campaign.")
    elif campaign and goodwill.campaign_id == campaign.campaign_id:
        yield Problem(path=path, message="Is the offer's own campaign, whose budget is exhausted then: name another.")
    else:
        if goodwill.state in CLOSED:
            yield Problem(path=path, message=f"The campaign is {goodwill.state.value}: name one that is open.")
        if goodwill.currency != terms.currency:
            yield Problem(path=path, message=f"Its budget is in {goodwill.currency}: name a campaign with the offer's currency.")


def _segments(terms: Terms, known: Collection[UUID]) -> Problems:
    for path, segment in _named(terms).items():
        if segment not in known:
            yield Problem(path=f"/terms{path}", message=f"There is no segment {SEGMENT.render(segment)}.")


def _named(terms: Terms) -> dict[str, UUID]:
    """The segments that terms name, by where they do."""
    lists = {"/audience/segments_in": terms.audience.segments_in, "/audience/segments_out": terms.audience.segments_out}
    lists |= {f"/variants/{place}/segments": variant.segments for place, variant in enumerate(terms.variants)}
    return {f"{path}/{place}": segment for path, listed in lists.items() for place, segment in enumerate(listed)}
