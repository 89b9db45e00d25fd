"""The rules on what a customer had bought before the grant."""

from datetime import datetime
from typing import Final

from shared.eligibility import wording
from shared.eligibility.rule import Case, Rule
from shared.kernel.reasons import Reason


def _long_ago(case: Case) -> datetime | None:
    return case.version.recency.ago(case.grant.granted_at) if case.version.recency and case.grant else None


def _bought_recently(case: Case) -> bool:
    ago = _long_ago(case)
    return ago is not None and case.bought_at is not None and case.bought_at > ago


def _bought(case: Case) -> str:
    return f"bought last {wording.moment(case.bought_at)}" if case.grant else "no grant"


def _told(case: Case) -> str:
    asked = case.version.terms.recency
    return wording.moment(_long_ago(case), f"{asked.within} before the grant" if asked else "")


RECENCY: Final[tuple[Rule[Case], ...]] = (
    Rule(
        name="new customer",
        reason=Reason.NOT_NEW,
        passes=lambda case: case.version.recency is None or case.version.recency.lapsed or not _bought_recently(case),
        expected=lambda case: f"nothing bought after {_told(case)} and before the grant",
        actual=_bought,
        asked=lambda case: case.version.recency is not None and not case.version.recency.lapsed,
        otherwise="new or not",
    ),
    Rule(
        name="lapsed customer",
        reason=Reason.NOT_LAPSED,
        passes=lambda case: (
            case.version.recency is None or not case.version.recency.lapsed or (case.bought_at is not None and not _bought_recently(case))
        ),
        expected=lambda case: f"bought last by {_told(case)}",
        actual=_bought,
        asked=lambda case: case.version.recency is not None and case.version.recency.lapsed,
        otherwise="lapsed or not",
    ),
)
"""Whether the offer is for a customer who bought, or did not, what it is about before it was given."""
