"""The rules on who, when and in which currency."""

from datetime import datetime
from typing import Final

from shared.eligibility import wording
from shared.eligibility.model import within
from shared.eligibility.rule import Case, Rule
from shared.eligibility.windows import WEEKDAYS, find_zone
from shared.kernel.reasons import Reason


def _at(case: Case) -> str:
    return wording.moment(case.purchase.at)


def _zone(case: Case) -> str:
    return case.version.window.zone(case.purchase.zone, case.history.zone)


def _local(case: Case) -> datetime:
    return case.purchase.at.astimezone(find_zone(_zone(case)))


def _shown(case: Case) -> str:
    local = _local(case)
    return f"{WEEKDAYS[local.weekday()]}, {wording.local_moment(case.purchase.at, _zone(case))}"


def _in_window(case: Case) -> bool:
    return case.version.window.holds(case.purchase.at, case.purchase.zone, case.history.zone)


def _arrival_stop(case: Case) -> datetime | None:
    return case.version.window.arrival_stop(case.purchase.zone, case.history.zone)


def _arrived(case: Case) -> bool:
    """A purchase that is not recorded yet may still arrive in time."""
    stop, recorded_at = _arrival_stop(case), case.purchase.recorded_at
    return stop is None or recorded_at is None or recorded_at < stop


def _end_of_life(case: Case) -> datetime | None:
    window, grant = case.version.window, case.grant
    if grant is None or window.life_days is None:
        return None
    return window.grant_stop(grant.granted_at, case.purchase.zone, case.history.zone)


def _alive(case: Case) -> bool:
    end = _end_of_life(case)
    return end is None or case.purchase.at < end


def _revoked_at(case: Case) -> datetime | None:
    return case.grant.revoked_at if case.grant else None


def _activated_at(case: Case) -> datetime | None:
    return case.grant.activated_at if case.grant else None


def _activated_in_time(case: Case) -> bool:
    activated_at = _activated_at(case)
    return not case.version.needs_activation or activated_at is None or activated_at <= case.purchase.at


def _not_withdrawn(case: Case) -> bool:
    """A withdrawn offer goes on for grants that had been activated; one without activation ends for all."""
    withdrawn_at = case.offer.withdrawn_at
    if withdrawn_at is None or case.purchase.at < withdrawn_at:
        return True
    activated_at = _activated_at(case)
    return case.version.needs_activation and activated_at is not None and activated_at < withdrawn_at


WHO_AND_WHEN: Final[tuple[Rule[Case], ...]] = (
    Rule(
        name="not held out",
        reason=Reason.HELD_OUT,
        passes=lambda case: not case.history.held_out,
        expected=lambda _: "outside the hold-out group",
        actual=lambda _: "in the hold-out group",
        asked=lambda case: case.history.held_out,
        otherwise="outside the hold-out group",
    ),
    Rule(
        name="targeted",
        reason=Reason.NOT_TARGETED,
        passes=lambda case: case.grant is not None and case.grant.granted_at <= case.purchase.at,
        expected=lambda case: f"a grant given by {_at(case)}",
        actual=lambda case: "no grant" if case.grant is None else f"granted {wording.moment(case.grant.granted_at)}",
    ),
    Rule(
        name="grant alive",
        reason=Reason.GRANT_EXPIRED,
        passes=_alive,
        expected=lambda case: wording.before(_end_of_life(case)),
        actual=_at,
        asked=lambda case: case.version.window.life_days is not None,
        otherwise="no end of its own",
    ),
    Rule(
        name="grant not revoked",
        reason=Reason.GRANT_REVOKED,
        passes=lambda case: (revoked_at := _revoked_at(case)) is None or case.purchase.at < revoked_at,
        expected=lambda case: wording.before(_revoked_at(case)),
        actual=_at,
        asked=lambda case: _revoked_at(case) is not None,
        otherwise="never revoked",
    ),
    Rule(
        name="consent",
        reason=Reason.CONSENT_WITHDRAWN,
        passes=lambda case: not within(case.history.consent_withdrawn, case.purchase.at),
        expected=lambda case: wording.outside(case.history.consent_withdrawn),
        actual=_at,
        asked=lambda case: bool(case.history.consent_withdrawn),
        otherwise="never withdrawn",
    ),
    Rule(
        name="activated",
        reason=Reason.NOT_ACTIVATED,
        passes=lambda case: not case.version.needs_activation or _activated_at(case) is not None,
        expected=lambda _: "an activation",
        actual=lambda case: f"activated {wording.moment(_activated_at(case))}",
        asked=lambda case: case.version.needs_activation,
        otherwise="no activation needed",
    ),
    Rule(
        name="activated in time",
        reason=Reason.ACTIVATED_AFTER_PURCHASE,
        passes=_activated_in_time,
        expected=lambda case: f"activated by {_at(case)}",
        actual=lambda case: f"activated {wording.moment(_activated_at(case))}",
        asked=lambda case: case.version.needs_activation,
        otherwise="no activation needed",
    ),
    Rule(
        name="in the window",
        reason=Reason.OUTSIDE_WINDOW,
        passes=_in_window,
        expected=lambda case: wording.window(case.version.terms.window, _zone(case)),
        actual=lambda case: wording.local_moment(case.purchase.at, _zone(case)),
    ),
    Rule(
        name="date not excluded",
        reason=Reason.DATE_EXCLUDED,
        passes=lambda case: not case.version.window.excluded or case.version.window.has_date(_local(case)),
        expected=lambda case: f"none of {wording.codes(case.version.terms.window.excluded_dates or (), 'dates')}",
        actual=_shown,
        asked=lambda case: bool(case.version.window.excluded),
        otherwise="any date",
    ),
    Rule(
        name="day of the week",
        reason=Reason.DAY_EXCLUDED,
        passes=lambda case: len(case.version.window.weekdays) == len(WEEKDAYS) or case.version.window.has_day(_local(case)),
        expected=lambda case: f"one of {', '.join(case.version.terms.window.days_of_week or ())}",
        actual=_shown,
        asked=lambda case: len(case.version.window.weekdays) < len(WEEKDAYS),
        otherwise="any day",
    ),
    Rule(
        name="time of day",
        reason=Reason.TIME_EXCLUDED,
        passes=lambda case: not case.version.window.times or case.version.window.has_time(_local(case)),
        expected=lambda case: f"one of {', '.join(case.version.terms.window.times_of_day or ())}",
        actual=_shown,
        asked=lambda case: bool(case.version.window.times),
        otherwise="any time",
    ),
    Rule(
        name="arrived in time",
        reason=Reason.LATE_POSTING,
        passes=lambda case: case.version.window.tail is None or _arrived(case),
        expected=lambda case: f"recorded {wording.before(_arrival_stop(case))}",
        actual=lambda case: wording.moment(case.purchase.recorded_at, "not recorded yet"),
        asked=lambda case: case.version.window.tail is not None,
        otherwise="however late",
    ),
    Rule(
        name="not withdrawn",
        reason=Reason.WITHDRAWN,
        passes=_not_withdrawn,
        expected=lambda case: wording.before(case.offer.withdrawn_at) + (", or activated before" if case.version.needs_activation else ""),
        actual=_at,
        asked=lambda case: case.offer.withdrawn_at is not None,
        otherwise="never withdrawn",
    ),
    Rule(
        name="not paused",
        reason=Reason.PAUSED,
        passes=lambda case: not within(case.offer.pauses, case.purchase.at),
        expected=lambda case: wording.outside(case.offer.pauses),
        actual=_at,
        asked=lambda case: bool(case.offer.pauses),
        otherwise="never paused",
    ),
    Rule(
        name="not cancelled",
        reason=Reason.CANCELLED,
        passes=lambda case: case.offer.cancelled_at is None or case.purchase.at < case.offer.cancelled_at,
        expected=lambda case: wording.before(case.offer.cancelled_at),
        actual=_at,
        asked=lambda case: case.offer.cancelled_at is not None,
        otherwise="never cancelled",
    ),
    Rule(
        name="currency",
        reason=Reason.CURRENCY_MISMATCH,
        passes=lambda case: case.purchase.currency == case.version.terms.currency,
        expected=lambda case: case.version.terms.currency,
        actual=lambda case: case.purchase.currency,
    ),
)
"""Whether the customer, the moment and the currency are right."""
