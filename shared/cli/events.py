"""Commands on events: what systems outside read, and what functions could not take."""

import json
from typing import Annotated
from uuid import UUID

import typer
from pydantic_core import PydanticCustomError

from shared.cli.options import DATA, AsJson, Data, DatabaseUrl
from shared.cli.places import operator_call
from shared.cli.terminal import Exit, fail, print_json, print_table, words
from shared.kernel.errors import Busy, Refused
from shared.kernel.ids import EVENT

topics = typer.Typer(help="Make the topics; read what goes out to systems outside.", no_args_is_help=True)
dead_letters = typer.Typer(help="See and redrive what functions could not take.", no_args_is_help=True)


@topics.command("create")
def create_topics(
    bootstrap: Annotated[str, typer.Option("--bootstrap", envvar="CLO_KAFKA_BOOTSTRAP", help="Where Kafka listens: host:port,...")],
    replication: Annotated[int, typer.Option(min=1, help="Copies of each topic; 3 for a cluster that may lose a broker.")] = 1,
) -> None:
    """Make the topics that Kafka lacks; prints them. Those that are there with other settings are named."""
    from shared.platform.kafka import topics as kafka_topics

    try:
        made = kafka_topics.create_topics(bootstrap, replication=replication)
    except Busy as error:
        fail(str(error), Exit.UNREACHABLE)
    except Refused as error:
        fail(str(error), Exit.CHECK_FAILED)
    for name in made:
        print(name)
    words.print(f"{len(made)} topics made." if made else "All topics are there.")


@topics.command("read")
def read_topic(
    topic: Annotated[str, typer.Argument(help="Such as clo.statement-credits.")],
    after: Annotated[int, typer.Option(help="Begin after this number.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most events.")] = 1000,
    data: Data = DATA,
    database_url: DatabaseUrl = None,
) -> None:
    """Print the events of a topic in order, one line of JSON each."""
    from shared.platform import outbox
    from shared.platform.database import Queries, rows

    with operator_call(data, database_url) as call, call.reading() as tx:
        found = rows(tx.connection, Queries(outbox.__file__)["read_topic"], topic=topic, after=after, most=limit)
    for row in found:
        head = {name: row[name] for name in ("seq", "type", "source", "subject", "key", "occurred_at")}
        print(json.dumps({**head, "id": EVENT.render(row["event_id"]), "data": json.loads(bytes(row["payload"]))}, default=str))
    words.print(f"{len(found)} events.")


@dead_letters.command("list")
def list_dead_letters(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most letters.")] = 100,
    data: Data = DATA,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """List what waits to be redriven, newest first."""
    from shared.platform import outbox
    from shared.platform.database import Queries, rows

    with operator_call(data, database_url) as call, call.reading() as tx:
        found = rows(tx.connection, Queries(outbox.__file__)["list_dead_letters"], most=limit)
    letters = [dict(row) | {"event_id": EVENT.render(row["event_id"])} for row in found]
    if as_json:
        print_json(letters)
    else:
        columns = ("event_id", "consumer", "type", "attempts", "status", "reason", "dead_since")
        print_table(columns, [[letter[column] for column in columns] for letter in letters])
    words.print(f"{len(letters)} dead letters.")


@dead_letters.command("redrive")
def redrive(
    event: Annotated[str | None, typer.Option(help="Only this event (evt_...).")] = None,
    data: Data = DATA,
    database_url: DatabaseUrl = None,
) -> None:
    """Put dead letters back on their way, all or one; prints the events."""
    from shared.platform import outbox
    from shared.platform.database import Queries, rows

    event_id = _event_id(event) if event else None
    with operator_call(data, database_url) as call, call.transaction() as tx:
        found = rows(tx.connection, Queries(outbox.__file__)["redrive"], event_id=event_id)
        tx.connection.execute(Queries(outbox.__file__)["wake_relay"])
    for row in found:
        print(EVENT.render(row["event_id"]))
    words.print(f"{len(found)} events are on their way again.")


def _event_id(text: str) -> UUID:
    try:
        return EVENT.parse(text)
    except PydanticCustomError as error:
        raise typer.BadParameter(f"{text!r}: {error.message()}", param_hint="--event") from error
