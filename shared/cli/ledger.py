"""Commands on the books."""

from dataclasses import asdict

import typer

from shared.cli.options import DATA, AsJson, Data, DatabaseUrl
from shared.cli.places import operator_call
from shared.cli.terminal import Exit, fail, print_json, print_table, words

app = typer.Typer(help="Look into the books.", no_args_is_help=True)


@app.command()
def verify(data: Data = DATA, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Hold every invariant against all of the books; exits with 3 when something does not hold."""
    from shared.ledger import service

    with operator_call(data, database_url) as call, words.status("Verifying the books ..."):
        findings = [asdict(finding) for finding in service.verify(call)]
    if as_json:
        print_json({"holds": not findings, "findings": findings})
    elif findings:
        print_table(["Invariant", "Of", "Expected", "Actual"], [tuple(finding.values()) for finding in findings])
    if findings:
        fail(f"The books do not hold: {len(findings)} findings.", Exit.CHECK_FAILED)
    words.print("The books hold.", style="green")
