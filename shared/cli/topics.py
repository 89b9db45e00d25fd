"""Commands on topics: made, and read as systems outside do."""

import json
from typing import Annotated

import typer

from shared.cli.options import DATA, Data, DatabaseUrl
from shared.cli.places import operator_call
from shared.cli.terminal import Exit, fail, words
from shared.kernel.errors import Busy, Refused
from shared.kernel.ids import EVENT

app = typer.Typer(help="Make the topics; read what goes out to systems outside.", no_args_is_help=True)


@app.command("create")
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


@app.command("read")
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
