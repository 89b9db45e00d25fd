"""How an answer about eligibility is shown on a terminal."""

from collections.abc import Iterable
from typing import Any

from shared.cli.terminal import print_table, words
from shared.kernel.money import to_decimal

Shown = dict[str, Any]


def print_answer(answer: Shown) -> None:
    """Every verdict with its rules, and of a purchase on record what was decided then and what came of it."""
    words.print(f"Merchant: {answer['merchant_id'] or 'not known'} ({answer['matched_by']}).")
    record = answer.get("record")
    if record:
        _print_record(record)
    _print_verdicts(answer["verdicts"], answer["as_of"])
    on_record = "on record" if answer["on_record"] else "not on record"
    words.print(f"{len(answer['verdicts'])} verdicts, by what was known {answer['as_of']}; the purchase is {on_record}.")


def _print_record(record: Shown) -> None:
    _print_verdicts(record["decided"], record["recorded_at"])
    print_table(["Recorded", "What", "Amount", "Offer", "Version", "Reason"], map(_event, record["events"]), title="What came of it")
    since = [(known["recorded_at"], known["what"], known["told"]) for known in record["known_since"]]
    print_table(["Recorded", "What", ""], since, title="Known since it was decided")
    print_table([record["summary"]], [])


def _event(event: Shown) -> tuple[str, ...]:
    amount = _money(event["amount_minor"], event["currency"])
    return event["at"], event["what"], amount, event["offer_id"], str(event["version"]), event["reason"]["code"] if event["reason"] else ""


def _print_verdicts(verdicts: Iterable[Shown], as_of: str) -> None:
    print_table([f"By what was known {as_of}"], [])
    for verdict in verdicts:
        _print_verdict(verdict)


def _print_verdict(verdict: Shown) -> None:
    earns = f"earns {_money(verdict['reward_minor'], verdict['currency'])}" if verdict["eligible"] else "earns nothing"
    version = f" under version {verdict['version']}" if verdict["version"] else ""
    variant = f" of the variant {verdict['variant']}" if verdict["variant"] else ""
    title = f"{verdict['offer_id']}, {verdict['grant_id'] or 'no grant'}{variant}: {earns}{version}"
    told = ("rule", "expected", "actual", "reason")
    rows = [("yes" if rule["passed"] else "NO", *(rule[name] for name in told)) for rule in verdict["rules"]]
    print_table(["Passed", "Rule", "Asked", "Found", "Reason"], rows, title=title)
    why = [(reason["code"], reason["support"], reason["customer"]) for reason in verdict["reasons"]]
    if why:
        print_table(["Why not", "For support", "For the customer"], why)
    print_table(["Where it stood before", ""], _stood(verdict))


def _stood(verdict: Shown) -> list[tuple[str, str]]:
    before, currency = verdict["before"], verdict["currency"]
    return [
        ("running sum", _money(before["spend_minor"], currency)),
        ("visits", str(before["visits"])),
        ("completions of the grant", str(before["completions"])),
        ("redemptions of the customer", f"{before['redemptions']}, {_money(before['rewarded_minor'], currency)}"),
        ("activated", before["activated_at"] or "never"),
        ("consent", "given" if before["consent"] else "withdrawn"),
        ("left of the budget then", _money(verdict["budget_left_minor"], currency)),
    ]


def _money(minor: int, currency: str) -> str:
    return f"{to_decimal(minor, currency)} {currency}"
