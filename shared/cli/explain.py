"""The command that asks a running platform why a purchase does, or does not, earn cashback."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from shared.cli.options import DATA, URL, AsJson, Data, Url
from shared.cli.places import token_for
from shared.cli.terminal import Exit, fail, print_json, print_table, words
from shared.kernel.clock import SystemClock
from shared.kernel.money import to_decimal

SCOPE: Final = "eligibility:read"
TIMEOUT_SECONDS: Final = 30.0
OF_POSTING: Final = frozenset({"kind"})
"""What a posted purchase says and a question doesn't."""
Item = Annotated[list[str] | None, typer.Option("--item", help="PRODUCT=AMOUNT; may be given again.")]
TransactionFile = Annotated[
    Path | None, typer.Option("--transaction-file", exists=True, dir_okay=False, help="The purchase as JSON, as it is posted.")
]


def explain(  # noqa: PLR0913, PLR0917  (each parameter is an option)
    customer: Annotated[str | None, typer.Option(help="The customer's id; the card's holder where left out.")] = None,
    offer: Annotated[str | None, typer.Option(help="The offer's id (off_...); all that the purchase falls in where left out.")] = None,
    transaction_file: TransactionFile = None,
    amount: Annotated[str | None, typer.Option(help="What was paid, in major units: 12.34.")] = None,
    currency: Annotated[str, typer.Option(help="ISO 4217 code.")] = "USD",
    merchant: Annotated[str | None, typer.Option(help="The merchant's id, or its acquirer's of it.")] = None,
    network: Annotated[str | None, typer.Option(help="The card network, such as visa.")] = None,
    network_merchant: Annotated[str | None, typer.Option(help="The card network's id of the merchant.")] = None,
    descriptor: Annotated[str | None, typer.Option(help="What the card statement calls the merchant.")] = None,
    location: Annotated[str | None, typer.Option(help="The location's id.")] = None,
    mcc: Annotated[str | None, typer.Option(help="Merchant category code.")] = None,
    card: Annotated[str | None, typer.Option(help="The token of the card.")] = None,
    at: Annotated[str | None, typer.Option(help="When, such as 2017-08-09T12:00:00Z; now where left out.")] = None,
    item: Item = None,
    url: Url = URL,
    data: Data = DATA,
    token: Annotated[str | None, typer.Option(envvar="CLO_TOKEN", help="Bearer token; by default one of the local platform's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask a running platform for the verdict on a purchase, with every rule and its values."""
    if transaction_file:
        purchase = _read(transaction_file)
    else:
        names = {"merchant_id": merchant, "network_merchant_id": network_merchant, "descriptor": descriptor}
        given = {"amount": amount, "currency": currency, "network": network, "location_id": location, "mcc": mcc, "at": at}
        given["card_token"] = card
        purchase = _purchase(_said(given), _said(names), item or [])
    posted_of = purchase.pop("customer_id", None)
    question = _said({"customer_id": customer or posted_of, "offer_id": offer, "purchase": purchase})
    answer = _ask(url, token or token_for(data, "clo explain", (SCOPE,)), question)
    if as_json:
        print_json(answer)
        return
    words.print(f"Merchant: {answer['merchant_id'] or 'not known'} ({answer['matched_by']}).")
    for verdict in answer["verdicts"]:
        _print_verdict(verdict)
    words.print(f"{len(answer['verdicts'])} verdicts.")


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _purchase(given: dict[str, Any], names: dict[str, Any], items: list[str]) -> dict[str, Any]:
    missing = ["--amount"] * ("amount" not in given) + ["--merchant (or --network-merchant, or --descriptor)"] * (not names)
    if missing:
        raise typer.BadParameter(f"Give {' and '.join(missing)}, or a --transaction-file.")
    pairs = [item.partition("=") for item in items]
    return (
        {
            "at": SystemClock().now().isoformat(),
            "items": [{"product": product, "amount": amount} for product, _, amount in pairs],
        }
        | given
        | names
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise typer.BadParameter(f"{file} is not valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise typer.BadParameter(f"{file} must hold one JSON object.")
    return {name: value for name, value in found.items() if name not in OF_POSTING}


def _ask(url: str, token: str, question: dict[str, Any]) -> dict[str, Any]:
    import httpx

    try:
        response = httpx.post(
            f"{url}/v1/eligibility", json=question, headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_SECONDS, trust_env=False
        )
    except httpx.TransportError as error:
        fail(f"The platform at {url} can't be reached: {error}", Exit.UNREACHABLE)
    answer: dict[str, Any] = response.json()
    if not response.is_success:
        for problem in answer.get("problems", ()):
            words.print(f"{problem['path']}: {problem['message']}", markup=False)
        fail(str(answer.get("detail") or answer.get("title")), Exit.USAGE if response.is_client_error else Exit.FAULT)
    return answer


def _print_verdict(verdict: dict[str, Any]) -> None:
    reward = f"{to_decimal(verdict['reward_minor'], verdict['currency'])} {verdict['currency']}"
    earns = f"earns {reward}" if verdict["eligible"] else "earns nothing"
    variant = f" of the variant {verdict['variant']}" if verdict["variant"] else ""
    title = f"{verdict['offer_id']}, {verdict['grant_id'] or 'no grant'}{variant}: {earns}"
    told = ("rule", "expected", "actual", "reason")
    rows = [("yes" if rule["passed"] else "NO", *(rule[name] for name in told)) for rule in verdict["rules"]]
    print_table(["Passed", "Rule", "Asked", "Found", "Reason"], rows, title=title)
    print_table(["Where it stood before", ""], _stood(verdict))


def _stood(verdict: dict[str, Any]) -> list[tuple[str, str]]:
    before, currency = verdict["before"], verdict["currency"]
    return [
        ("running sum", f"{to_decimal(before['spend_minor'], currency)} {currency}"),
        ("visits", str(before["visits"])),
        ("completions of the grant", str(before["completions"])),
        ("redemptions of the customer", f"{before['redemptions']}, {to_decimal(before['rewarded_minor'], currency)} {currency}"),
        ("activated", before["activated_at"] or "never"),
        ("consent", "given" if before["consent"] else "withdrawn"),
        ("left of the budget now", f"{to_decimal(verdict['budget_left_minor'], currency)} {currency}"),
    ]
