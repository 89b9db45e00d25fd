"""Commands on files: what was dropped, how far it has come, and dropping some."""

import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from shared.cli.options import DATA, AsJson, Data, DatabaseUrl, id_from
from shared.cli.places import operator_call
from shared.cli.terminal import fail, print_json, print_list, words
from shared.kernel.ids import DROP

app = typer.Typer(help="See how far dropped files have come, and drop some.", no_args_is_help=True)
COLUMNS: Final = ("drop_id", "name", "state", "outcome", "records", "rejected", "chunks_read", "chunks_applied", "chunks")
PAUSE_SECONDS: Final = 0.5
SEEN_SECONDS: Final = 20.0
FOLDER: Final = "drops"
INBOX: Final = "inbox"


@app.command("list")
def list_files(
    state: Annotated[str | None, typer.Option(help="received, processing, applying or closed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Most files.")] = 50,
    data: Data = DATA,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """List dropped files, newest first."""
    from shared.files import desk
    from shared.files.api import FilesQuery

    query = FilesQuery.model_validate({"state": state, "limit": limit})
    with operator_call(data, database_url) as call:
        found = [view.model_dump(mode="json") for view in desk.list_files(call, query).files]
    print_list(found, COLUMNS, "files", as_json=as_json)


@app.command("show")
def show(
    drop: Annotated[str, typer.Argument(help="The drop (drp_...).")],
    data: Data = DATA,
    database_url: DatabaseUrl = None,
) -> None:
    """Print all that is known of one dropped file."""
    with operator_call(data, database_url) as call:
        print_json(_view(call, drop))


@app.command("watch")
def watch(
    files: Annotated[list[str], typer.Argument(help="Drops (drp_...), or files by name or path: the newest drop of each.")],
    data: Data = DATA,
    database_url: DatabaseUrl = None,
) -> None:
    """Show how far files have come until each is closed, then print all that is known of it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with operator_call(data, database_url) as call:
        for file in files:
            with Progress(*columns, console=words) as progress:
                view = _watched(call, _drop_of(call, file), progress)
            print_json(view)


def _watched(call: Any, drop: str, progress: Any) -> dict[str, Any]:  # noqa: ANN401  (both take a while to import)
    """All that is known of a drop once it is closed."""
    read, applied = (progress.add_task(what, total=None) for what in ("Chunks read", "Chunks applied"))
    while True:
        view = _view(call, drop)
        progress.update(read, completed=view["chunks_read"], total=view["chunks"] or None)
        progress.update(applied, completed=view["chunks_applied"], total=view["chunks"] or None)
        if view["state"] == "closed":
            return view
        time.sleep(PAUSE_SECONDS)


@app.command("replay")
def replay(
    file: Annotated[str, typer.Argument(help="The drop (drp_...), or the file's name: the newest drop of it.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the file.")],
    by: Annotated[str, typer.Option(help="Who asks; kept with the file.")],
    data: Data = DATA,
    database_url: DatabaseUrl = None,
) -> None:
    """Take a file up again from where it stands: what got lost on its way is asked for again, what was turned away is tried anew."""
    from shared.files import desk
    from shared.files.api import ReplayAsked
    from shared.kernel.errors import NotFound

    with operator_call(data, database_url, subject=by) as call:
        drop = _drop_of(call, file)
        try:
            print_json(desk.replay_file(call, id_from(drop, DROP, "DROP"), ReplayAsked(reason=reason)).model_dump(mode="json"))
        except NotFound as error:
            fail(str(error))


@app.command("send")
def send(
    files: Annotated[list[Path], typer.Argument(help="Data files; each has its manifest (.manifest.json) beside it.", exists=True)],
    to: Annotated[str | None, typer.Option("--to", help="The drop place; the local platform's where not given.")] = None,
    data: Data = DATA,
) -> None:
    """Copy files into a drop place, each with its manifest last; prints the names there."""
    from shared.files.names import MANIFEST
    from shared.files.stores.opening import open_store
    from shared.files.stores.streams import blocks_of
    from shared.kernel.errors import CloError

    lacking = [file for file in files if not file.with_name(f"{file.name}{MANIFEST}").is_file()]
    if lacking:
        fail(f"No manifest lies beside {', '.join(map(str, lacking))}.")
    store = open_store(to or str((data / FOLDER).resolve()))
    for file in files:
        for part in (file, file.with_name(f"{file.name}{MANIFEST}")):
            try:
                with part.open("rb") as stream:
                    print(store.create(f"{INBOX}/{part.name}", blocks_of(stream)).name)
            except CloError as error:
                fail(f"{part.name}: {error}")


@app.command("wrap")
def wrap(
    file: Annotated[Path, typer.Argument(help="A data file as its sender wrote it.", exists=True, dir_okay=False)],
    name: Annotated[str, typer.Option("--as", help="The name that it is to have here: <kind>_<sender>_<yyyymmdd>_<seq4>_...")],
    layouts: Annotated[Path | None, typer.Option(help="A folder of layouts beside those that come with Clo.", exists=True)] = None,
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path(),
    schema_version: Annotated[str, typer.Option(help="Of the layout.")] = "1",
) -> None:
    """Give a file of a sender who has names of its own and no manifests a name and a manifest; prints its path, to be sent."""
    from shutil import copyfile

    from shared.files.describing import manifest_for
    from shared.files.library import load
    from shared.files.names import read_name
    from shared.kernel.errors import CloError

    try:
        named = read_name(name)
        if named.pgp:
            fail("An encrypted file can't be read here: its sender writes the manifest.")
        layout = load(*([layouts] if layouts else [])).find(named, schema_version)
        manifest = manifest_for(file, named, layout)
    except CloError as error:
        fail("\n".join([str(error), *(f"{problem.path} {problem.message}".strip() for problem in getattr(error, "problems", ()))]))
    out.mkdir(parents=True, exist_ok=True)
    copyfile(file, out / name)
    (out / named.manifest).write_text(manifest.model_dump_json(exclude_none=True) + "\n", encoding="utf-8")
    print(out / name)


def _drop_of(call: Any, file: str) -> str:  # noqa: ANN401  (as below)
    if file.startswith(f"{DROP.prefix}_"):
        return file
    return _newest(call, Path(file).name if Path(file).is_file() else file)


def _newest(call: Any, name: str) -> str:  # noqa: ANN401  (as below)
    """The newest drop of a file; one that was dropped just now is waited for."""
    from shared.files import desk
    from shared.files.api import FilesQuery

    deadline = time.monotonic() + SEEN_SECONDS
    while not (found := desk.list_files(call, FilesQuery(name=name, limit=1)).files):
        if time.monotonic() > deadline:
            fail(f"No file {name} was seen within {SEEN_SECONDS:g} seconds.")
        time.sleep(PAUSE_SECONDS)
    return DROP.render(found[0].drop_id)


def _view(call: Any, drop: str) -> dict[str, Any]:  # noqa: ANN401  (a Call, which takes a while to import)
    from shared.files import desk
    from shared.kernel.errors import NotFound

    try:
        return desk.get_file(call, id_from(drop, DROP, "DROP")).model_dump(mode="json")
    except NotFound as error:
        fail(str(error))
