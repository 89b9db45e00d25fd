"""Commands that run and set up the platform: up, migrate, token, settings."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Annotated, Final

import typer

from shared.cli.options import DATA, AsJson, Bus, Data, OnBus, moment
from shared.cli.places import hold, require_bus, token_for
from shared.cli.terminal import Exit, fail, print_json, print_table, refusals, words

HOST: Final = "127.0.0.1"
CHUNK: Final = 1024
SIMULATED: Final = "Run on a simulated clock that starts here, such as 2016-11-01T00:00:00Z, and stands still until it is moved."
CHAOS: Final = "Deliver events late, more than once and out of order, as a bus may; a seed decides how. For tests."


def up(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8080,
    data: Data = DATA,
    simulated_from: Annotated[str | None, typer.Option(help=SIMULATED)] = None,
    bus: OnBus = Bus.EMBEDDED,
    chaos: Annotated[int | None, typer.Option(help=CHAOS, metavar="SEED")] = None,
    until_stdin_closes: Annotated[bool, typer.Option("--until-stdin-closes", hidden=True)] = False,
) -> None:
    """Run the whole platform on this machine until ctrl-C; prints its address.

    On Kafka the platform starts a broker of its own, or uses the one that CLO_KAFKA_BOOTSTRAP names.
    """
    start = moment(simulated_from) if simulated_from else None
    require_bus(data, bus)
    with _listen(port) as listener, hold(data), refusals():
        from shared.platform.local.platform import LocalPlatform, Place

        place = Place(folder=data, port=listener.getsockname()[1], simulated_from=start, chaos=chaos, kafka=bus is Bus.KAFKA)
        platform = LocalPlatform(place)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: platform.stop())
        if until_stdin_closes:
            threading.Thread(target=_stop_with_stdin, args=(platform.stop,), daemon=True).start()
        print(place.base_url, flush=True)
        words.print(f"Clo listens at {place.base_url}: open it in a browser. Ctrl-C stops it.")
        words.print(f"A token for trying things out: clo token --subject you --all-scopes --data {data}")
        platform.serve(listener)
    words.print("Stopped.")


def migrate(
    database_url: Annotated[str, typer.Option("--database-url", envvar="CLO_MIGRATE_URL", help="The database, as its owner.")],
) -> None:
    """Bring a database up to date; prints the migrations that were carried out."""
    import psycopg

    from shared.kernel.errors import Refused
    from shared.platform import migrate as migrations

    try:
        done = migrations.migrate(database_url)
    except psycopg.OperationalError as error:
        fail(f"The database can't be reached: {error}", Exit.UNREACHABLE)
    except Refused as error:
        fail(str(error))
    for name in done:
        print(name)
    words.print(f"{len(done)} migrations carried out." if done else "The database is up to date.")


def token(
    subject: Annotated[str, typer.Option(help="Who the token speaks for.")],
    scope: Annotated[list[str] | None, typer.Option(help="A scope; may be given again.")] = None,
    all_scopes: Annotated[bool, typer.Option("--all-scopes", help="Every scope there is.")] = False,
    data: Data = DATA,
) -> None:
    """Print a token of half a day for the local platform."""
    from shared.platform.local import keys

    known = keys.all_scopes()
    unknown = sorted(set(scope or ()) - set(known))
    if unknown or not (scope or all_scopes):
        wrong = f"There is no scope {', '.join(unknown)}." if unknown else "Give at least one --scope, or --all-scopes."
        raise typer.BadParameter(f"{wrong} There are: {', '.join(known)}.", param_hint="--scope")
    print(token_for(data, subject, known if all_scopes else tuple(scope or ())))


def settings(as_json: AsJson = False) -> None:
    """List the settings that functions read from the environment."""
    from shared.platform.settings import Settings

    prefix = str(Settings.model_config.get("env_prefix", "")).upper()
    found = [
        {
            "name": f"{prefix}{name.upper()}",
            "default": None if field.is_required() else field.default,
            "needed": field.is_required(),
            "meaning": field.description,
            "set": f"{prefix}{name.upper()}" in os.environ,
        }
        for name, field in Settings.model_fields.items()
    ]
    if as_json:
        print_json(found)
    else:
        print_table(
            ["Setting", "Default", "Meaning"], [(s["name"], "(needed)" if s["needed"] else s["default"], s["meaning"]) for s in found]
        )


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        fail(f"Port {port} can't be used ({error.strerror}): choose another with --port.")
    return listener


def _stop_with_stdin(stop: Callable[[], None]) -> None:
    """Stop when whoever started this program goes away: it holds the other end of our standard input.

    Reads past `sys.stdin`: a thread that holds its lock at the end of the program would make it crash.
    """
    while os.read(sys.stdin.fileno(), CHUNK):
        continue
    stop()
