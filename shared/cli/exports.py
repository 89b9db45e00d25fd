"""Commands on files for partners: how far they have come, sending one now, and proving what was scanned."""

import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from shared.cli.options import DATA, AsJson, Data, DatabaseUrl, id_from
from shared.cli.places import operator_call
from shared.cli.terminal import Exit, fail, print_json, print_list, words
from shared.kernel.ids import EXPORT

app = typer.Typer(help="See how far files for partners have come, send one now, and prove what was scanned.", no_args_is_help=True)
COLUMNS: Final = ("export_id", "name", "state", "records", "parts_written", "parts", "overdue_at")
PAUSE_SECONDS: Final = 0.5
ON_ITS_WAY: Final = frozenset({"planned", "writing"})

Export = Annotated[str, typer.Argument(help="The export (exp_...).")]
Keys = Annotated[
    Path | None, typer.Option(envvar="CLO_EXPORT_KEYS", help="The file of the keys of exports; the local platform's where not given.")
]


@app.command("list")
def list_exports(
    partner: Annotated[str | None, typer.Option(help="Whom the files are for.")] = None,
    state: Annotated[str | None, typer.Option(help="planned, writing, written, acknowledged, refused, rejected or withdrawn.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Most exports.")] = 50,
    data: Data = DATA,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """List exports, newest first."""
    from shared.exports import desk
    from shared.exports.api import ExportsQuery

    query = ExportsQuery.model_validate({"partner": partner, "state": state, "limit": limit})
    with operator_call(data, database_url) as call:
        found = [view.model_dump(mode="json") for view in desk.list_exports(call, query).exports]
    print_list(found, COLUMNS, "exports", as_json=as_json)


@app.command("show")
def show(export: Export, data: Data = DATA, database_url: DatabaseUrl = None) -> None:
    """Print all that is known of one export."""
    with operator_call(data, database_url) as call:
        print_json(_view(call, export))


@app.command("run")
def run(
    partner: Annotated[str, typer.Argument(help="Whom the file is for.")],
    kind: Annotated[str, typer.Argument(help="transactions, merchants, redemptions, credits or reconciliation.")],
    scope: Annotated[str | None, typer.Option(help="full or delta; as the partner's feed says where not given.")] = None,
    data: Data = DATA,
) -> None:
    """Let the local platform send a file to a partner now; prints the export's id."""
    from dataclasses import replace

    from pydantic import ValidationError

    from shared.exports import desk
    from shared.exports.api import ExportAsked
    from shared.kernel.errors import CloError
    from shared.platform.local.drops import folders_in

    try:
        asked = ExportAsked.model_validate({"partner": partner, "kind": kind, "scope": scope})
        with operator_call(data, None) as call:
            print(EXPORT.render(desk.ask_export(replace(call, file_places=folders_in(data)), asked).export_id))
    except ValidationError as error:
        raise typer.BadParameter("; ".join(f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors())) from error
    except CloError as error:
        fail(str(error))


@app.command("watch")
def watch(export: Export, data: Data = DATA, database_url: DatabaseUrl = None) -> None:
    """Show how far an export has come until its partner can read it or it is over, then print all that is known of it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with operator_call(data, database_url) as call, Progress(*columns, console=words) as progress:
        parts = progress.add_task("Parts written", total=None)
        while (view := _view(call, export))["state"] in ON_ITS_WAY:
            progress.update(parts, completed=view["parts_written"], total=view["parts"] or None)
            time.sleep(PAUSE_SECONDS)
    print_json(view)


@app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="The file; its report (.report.jwt) lies beside it.", exists=True, dir_okay=False)],
    keys: Keys = None,
    data: Data = DATA,
) -> None:
    """Prove that a file is what was scanned: its report is signed with our key, and tells of these bytes. Prints the report."""
    import hashlib

    from shared.exports.keys import load_keys
    from shared.exports.report import REPORT, NotAReport
    from shared.exports.report import verify as verified
    from shared.kernel.errors import Broken

    report = file.with_name(f"{file.name}{REPORT}")
    if not report.is_file():
        fail(f"No report lies beside {file.name}.")
    try:
        said = verified(report.read_bytes(), load_keys(str(keys or data / "keys" / "exports.json")))
    except NotAReport as error:
        fail(str(error), Exit.CHECK_FAILED)
    except Broken as error:
        fail(str(error))
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if (said["name"], said["sha256"]) != (file.name, digest):
        fail("The report is about another file, or the file was changed after it was scanned.", Exit.CHECK_FAILED)
    print_json(said)


def _view(call: Any, export: str) -> dict[str, Any]:  # noqa: ANN401  (a Call, which takes a while to import)
    from shared.exports import desk
    from shared.kernel.errors import NotFound

    try:
        return desk.get_export(call, id_from(export, EXPORT, "EXPORT")).model_dump(mode="json")
    except NotFound as error:
        fail(str(error))
