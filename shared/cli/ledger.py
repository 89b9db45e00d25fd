"""Commands on the books."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shared.cli.options import DATA, AsJson, Data, DatabaseUrl
from shared.cli.places import operator_call
from shared.cli.terminal import Exit, fail, print_json, print_table, words

if TYPE_CHECKING:
    from shared.ledger.api import Heads

app = typer.Typer(help="Look into the books.", no_args_is_help=True)

Noted = Annotated[Path | None, typer.Option("--heads", help="Heads that an earlier run wrote: they must still be in the chains.")]
ToWrite = Annotated[Path | None, typer.Option("--write-heads", help="Write the head of each campaign's chain here, if all holds.")]


@app.command()
def verify(
    data: Data = DATA, database_url: DatabaseUrl = None, as_json: AsJson = False, heads: Noted = None, write_heads: ToWrite = None
) -> None:
    """Hold every invariant against all of the books, and recompute every chain; exits with 3 when something does not hold."""
    from shared.ledger import service
    from shared.ledger.api import Heads, HeadView

    noted = [view.head() for view in _read(heads).heads] if heads else []
    with operator_call(data, database_url) as call, words.status("Verifying the books ..."):
        audit = service.audit_books(call, noted)
    found = Heads(heads=[HeadView.of(head) for head in audit.heads])
    findings = [asdict(finding) for finding in audit.findings]
    if as_json:
        print_json({"holds": not findings, "findings": findings, **found.model_dump(mode="json")})
    elif findings:
        print_table(["Invariant", "Of", "Expected", "Actual"], [tuple(finding.values()) for finding in findings])
    else:
        print_table(["Campaign", "Seals", "Hash of the last"], [tuple(view.values()) for view in found.model_dump(mode="json")["heads"]])
    if findings:
        fail(f"The books do not hold: {len(findings)} findings.", Exit.CHECK_FAILED)
    if write_heads:
        write_heads.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
    words.print(f"The books hold, and {len(noted)} heads noted earlier with them." if heads else "The books hold.", style="green")


def _read(file: Path) -> "Heads":
    from pydantic import ValidationError

    from shared.ledger.api import Heads

    try:
        return Heads.model_validate_json(file.read_bytes())
    except OSError as error:
        fail(f"{file} can't be read: {error.strerror}.", Exit.USAGE)
    except ValidationError:
        fail(f"{file} holds no heads as --write-heads writes them.", Exit.USAGE)
