"""The command that asks a running platform why a purchase does, or does not, earn cashback, or did, at any past moment."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from shared.cli.options import DATA, URL, AsJson, Data, Url
from shared.cli.places import token_for
from shared.cli.requests import post
from shared.cli.terminal import print_json
from shared.cli.verdicts import print_answer
from shared.kernel.clock import SystemClock

SCOPE: Final = "eligibility:read"
OF_MESSAGE: Final = frozenset({"kind", "sequence", "sequence_count", "posted_at", "expires_at", "original_transaction_id"})
"""What is said of a message about a purchase, and not of the purchase as a whole."""
MESSAGE: Final = "A message of its life"
Facts = dict[str, Any]
Item = Annotated[list[str] | None, typer.Option("--item", help="PRODUCT=AMOUNT; may be given again.")]
TransactionFile = Annotated[
    Path | None, typer.Option("--transaction-file", exists=True, dir_okay=False, help="A purchase, or messages about one, as JSON posted.")
]


def explain(  # noqa: PLR0913, PLR0917  (each parameter is an option)
    customer: Annotated[str | None, typer.Option(help="The customer's id; the card tells it, or the purchase on record.")] = None,
    offer: Annotated[str | None, typer.Option(help="The offer's id (off_...); all that the purchase falls in where left out.")] = None,
    transaction: Annotated[str | None, typer.Option(help="Id of a purchase on record, or of its refund.")] = None,
    as_of: Annotated[str | None, typer.Option(help="By what was known then, such as 2017-08-09T12:00:00Z.")] = None,
    transaction_file: TransactionFile = None,
    amount: Annotated[str | None, typer.Option(help="What was paid, in major units: 12.34.")] = None,
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "USD",
    merchant: Annotated[str | None, typer.Option(help="The merchant's id, or its acquirer's of it.")] = None,
    network: Annotated[str | None, typer.Option(help="The card network, such as visa.")] = None,
    network_merchant: Annotated[str | None, typer.Option(help="The card network's id of the merchant.")] = None,
    descriptor: Annotated[str | None, typer.Option(help="What the card statement calls the merchant.")] = None,
    location: Annotated[str | None, typer.Option(help="The location's id.")] = None,
    mcc: Annotated[str | None, typer.Option(help="Merchant category code.")] = None,
    channel: Annotated[str | None, typer.Option(help="in_store, online, app or pay_at_pump.")] = None,
    country: Annotated[str | None, typer.Option(help="ISO 3166 code of where it was made.")] = None,
    region: Annotated[str | None, typer.Option(help="Part of that country.")] = None,
    city: Annotated[str | None, typer.Option(help="The city in that country.")] = None,
    card_product: Annotated[str | None, typer.Option(help="The kind of card.")] = None,
    card: Annotated[str | None, typer.Option(help="The token of the card.")] = None,
    tip: Annotated[str | None, typer.Option(help="What of the amount was a tip.")] = None,
    tax: Annotated[str | None, typer.Option(help="What of the amount was tax.")] = None,
    cash_back: Annotated[str | None, typer.Option(help="What of the amount was cash-back at the till.")] = None,
    at: Annotated[str | None, typer.Option(help="When, such as 2017-08-09T12:00:00Z; now where left out.")] = None,
    item: Item = None,
    kind: Annotated[str | None, typer.Option(help=f"{MESSAGE}: authorization, clearing, reversal, decline, expiry, refund.")] = None,
    sequence: Annotated[int | None, typer.Option(help=f"{MESSAGE}: its number among those of its kind.")] = None,
    sequence_count: Annotated[int | None, typer.Option(help=f"{MESSAGE}: how many clearings there are to be.")] = None,
    posted_at: Annotated[str | None, typer.Option(help=f"{MESSAGE}: when it was posted.")] = None,
    expires_at: Annotated[str | None, typer.Option(help=f"{MESSAGE}: until when an authorisation may be cleared.")] = None,
    original: Annotated[str | None, typer.Option(help=f"{MESSAGE}: the purchase that a refund is for.")] = None,
    url: Url = URL,
    data: Data = DATA,
    token: Annotated[str | None, typer.Option(envvar="CLO_TOKEN", help="Bearer token; by default one of the local platform's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask a running platform for the verdict on a purchase, with every rule and its values: as known now, or as known at a moment."""
    facts = {
        "transaction_id": transaction, "amount": amount, "currency": currency, "merchant_id": merchant, "network": network,
        "network_merchant_id": network_merchant, "descriptor": descriptor, "location_id": location, "mcc": mcc, "channel": channel,
        "country": country, "region": region, "city": city, "card_product": card_product, "card_token": card, "tip": tip, "tax": tax,
        "cash_back": cash_back, "at": at, "kind": kind, "sequence": sequence, "sequence_count": sequence_count, "posted_at": posted_at,
        "expires_at": expires_at, "original_transaction_id": original,
    }  # fmt: skip
    told = {name: value for name, value in facts.items() if value is not None}
    messages = _read(transaction_file) if transaction_file else [told if transaction and not amount else _facts(told, item or [])]
    question = _question(customer, messages) | ({"offer_id": offer} if offer else {}) | ({"as_of": as_of} if as_of else {})
    answer = post(url, "/v1/eligibility", token or token_for(data, "clo explain", (SCOPE,)), question)
    if as_json:
        print_json(answer)
    else:
        print_answer(answer)


def _question(customer: str | None, messages: list[Facts]) -> Facts:
    """The question for a purchase on record, for one told by its facts, or for messages about one."""
    first, whose = messages[0], {"customer_id": customer} if customer else {}
    if first.keys() <= {"transaction_id", "currency"}:
        return whose | {"transaction_id": first["transaction_id"]}
    if not customer and first.keys().isdisjoint({"customer_id", "card_token"}):
        raise typer.BadParameter("Give --customer, or --card.")
    if len(messages) == 1 and first.get("kind", "purchase") == "purchase":
        told = {name: value for name, value in first.items() if name not in OF_MESSAGE}
        posted_of = told.pop("customer_id", None)
        return whose | ({"customer_id": posted_of} if posted_of and not customer else {}) | {"purchase": told}
    return {"messages": [message | whose for message in messages]}


def _facts(given: Facts, items: list[str]) -> Facts:
    named = given.keys() & {"merchant_id", "network_merchant_id", "descriptor"}
    missing = ["--amount"] * ("amount" not in given) + ["--merchant (or --network-merchant, or --descriptor)"] * (not named)
    if missing:
        raise typer.BadParameter(f"Give {' and '.join(missing)}, or --transaction, or a --transaction-file.")
    pairs = [item.partition("=") for item in items]
    return {
        "at": SystemClock().now().isoformat(),
        "items": [{"product": product, "amount": amount} for product, _, amount in pairs],
    } | given


def _read(file: Path) -> list[Facts]:
    """One message, or several as they are posted: a list, or an object that holds `transactions`."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise typer.BadParameter(f"{file} is not valid JSON: {error}") from error
    if isinstance(found, dict):
        found = found.get("transactions", [found])
    if not isinstance(found, list) or not found or not all(isinstance(message, dict) for message in found):
        raise typer.BadParameter(f"{file} must hold a purchase, or messages about one, as JSON objects.")
    return found
