"""Terms, offers, grants, purchases and histories with valid defaults; a test changes one thing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from shared.eligibility.compile import CompiledOffer, compile_offer
from shared.eligibility.life import Kind, Message, purchase_of
from shared.eligibility.model import Correction, Grant, History, Interval, Item, Offer, Purchase, Refusal, Version
from shared.eligibility.terms import Terms
from shared.kernel.ids import derived_id
from shared.kernel.reasons import Reason

TERMS: Final[dict[str, Any]] = {
    "currency": "USD",
    "reward": {"kind": "fixed", "amount": 500},
    "qualification": {"kind": "single_purchase", "threshold": 2000},
    "scope": {"include": {"merchants": ["m1"]}},
    "window": {"start": "2017-03-01", "end": "2017-03-31", "zone": "America/New_York"},
}
REASONS: Final = {reason.code: reason for reason in Reason}
MERGED: Final = ("qualification", "window", "limits", "audience")
FIRST_MOMENT: Final = datetime(2017, 2, 1, tzinfo=UTC)
PURCHASED_AT: Final = datetime(2017, 3, 15, 16, tzinfo=UTC)
GRANTED_AT: Final = datetime(2017, 2, 20, tzinfo=UTC)


def terms(**overrides: Any) -> Terms:
    """Qualification, window, limits and audience are merged into the defaults, all else takes their place."""
    merged = TERMS | {key: TERMS.get(key, {}) | value if key in MERGED else value for key, value in overrides.items()}
    return Terms.model_validate_json(json.dumps(merged))


def offer(*versions: Terms | Version, **overrides: Any) -> Offer:
    numbered = [v if isinstance(v, Version) else Version(number=n, in_force_from=FIRST_MOMENT, terms=v) for n, v in enumerate(versions, 1)]
    ids = {"offer_id": derived_id("offer"), "campaign_id": derived_id("campaign")}
    return Offer(**{**ids, "versions": tuple(numbered), **overrides})


def compiled(**overrides: Any) -> CompiledOffer:
    return compile_offer(offer(terms(**overrides)))


def grant(name: str = "g1", **overrides: Any) -> Grant:
    return Grant(**{"grant_id": derived_id("grant", name), "granted_at": GRANTED_AT, **overrides})


def purchase(name: str = "t1", **overrides: Any) -> Purchase:
    defaults = {"at": PURCHASED_AT, "amount_minor": 2500, "currency": "USD", "merchant_id": "m1"}
    return Purchase(**{"transaction_id": name, **defaults, **overrides})


def history(*purchases: Purchase, **overrides: Any) -> History:
    return History(**{"grants": (grant(),), "purchases": purchases, **overrides})


Case = Mapping[str, Any]
"""A case as its JSON file holds it."""


def offer_of(case: Case) -> Offer:
    asked = case.get("offer", {})
    listed = case.get("versions", [{"in_force_from": FIRST_MOMENT.isoformat(), "terms": {}}])
    versions = [
        Version(number=number, in_force_from=moment(version["in_force_from"]), terms=terms(**case.get("terms", {}) | version["terms"]))
        for number, version in enumerate(listed, 1)
    ]
    stopped = {name: moment(asked[name]) for name in ("withdrawn_at", "cancelled_at") if name in asked}
    return offer(*versions, pauses=intervals(asked.get("pauses", [])), **stopped)


def history_of(case: Case) -> History:
    asked = case.get("history", {})
    return History(
        grants=tuple(_grant_of(**given) for given in case.get("grants", [{}])),
        purchases=tuple(_purchase_of(**given) for given in case["purchases"]),
        consent_withdrawn=intervals(asked.get("consent_withdrawn", [])),
        zone=asked.get("zone"),
        refusals=tuple(
            Refusal(grant_id=derived_id("grant", name), completion=str(completion), reason=REASONS[reason])
            for name, completion, reason in asked.get("refusals", [])
        ),
        corrections=tuple(_forced(**forced) for forced in asked.get("forced", [])),
        given_back={(transaction_id, "USD"): minor for transaction_id, minor in asked.get("given_back", {}).items()},
        held_out=asked.get("held_out", False),
    )


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def intervals(listed: Sequence[Sequence[str | None]]) -> tuple[Interval, ...]:
    return tuple(Interval(start=moment(start or ""), end=moment(end) if end else None) for start, end in listed)


def names(case: Case) -> dict[UUID | None, str]:
    return {None: "no grant"} | {derived_id("grant", name): name for name in (given.get("id", "g1") for given in case.get("grants", [{}]))}


def _grant_of(id: str = "g1", variant: str | None = None, **times: str) -> Grant:  # noqa: A002  (the word in the file)
    return grant(id, variant=variant, **{name: moment(at) for name, at in times.items()})


def _forced(transaction_id: str, amount_minor: int, completion: str | None = None, purchase_minor: int | None = None) -> Correction:
    """A completion of the first grant that was forced for a purchase."""
    return Correction(
        correction_id=derived_id("forced", transaction_id),
        grant_id=derived_id("grant", "g1"),
        completion=completion or transaction_id,
        forces=True,
        amount_minor=amount_minor,
        at=PURCHASED_AT,
        transaction_id=transaction_id,
        merchant_id="m1",
        purchase_minor=purchase_minor,
    )


def _purchase_of(id: str = "t1", **given: Any) -> Purchase:  # noqa: A002
    given |= {name: moment(given[name]) for name in ("at", "recorded_at") if name in given}
    if "items" in given:
        given["items"] = tuple(Item(product, amount) for product, amount in given["items"])
    life = given.pop("life", None)
    alone = purchase(id, **given)
    if life is None:
        return alone
    whole = purchase_of([_message(alone, number, **said) for number, said in enumerate(life)])
    assert whole
    return whole


def _message(alone: Purchase, number: int, *, kind: str, items: Sequence[tuple[str, int]] = (), **said: Any) -> Message:
    """One message of a purchase's life: what the purchase says, but for the amounts."""
    of_kind = Kind(kind)
    name = f"{alone.transaction_id}-refund-{number}" if of_kind is Kind.REFUND else alone.transaction_id
    lines = tuple(Item(product, amount) for product, amount in items)
    amounts: dict[str, Any] = {key: said.pop(key) for key in ("amount_minor", "tip_minor", "tax_minor", "cash_back_minor") if key in said}
    alone = replace(alone, transaction_id=name, items=lines, **{"amount_minor": 0, **amounts})
    return Message(kind=of_kind, sequence=number, purchase_id=alone.transaction_id.partition("-refund-")[0], said=alone, **said)
