"""Commands on topics: made, and read as systems outside do."""

import json
from typing import Annotated

import typer

from shared.cli.options import DATA, Data, DatabaseUrl
from shared.cli.places import bootstrap_of, operator_call
from shared.cli.terminal import Exit, fail, refusals, words
from shared.kernel.errors import Busy, Refused

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
    after: Annotated[str, typer.Option(help="Begin after this place, as an earlier reading named it.")] = "0",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most events.")] = 1000,
    data: Data = DATA,
    database_url: DatabaseUrl = None,
    bootstrap: Annotated[str | None, typer.Option(envvar="CLO_KAFKA_BOOTSTRAP", help="A Kafka to read, host:port,...")] = None,
) -> None:
    """Print the events of a topic in order, one line of JSON each: from Kafka where the platform's events are there."""
    from shared.platform.kafka import reading
    from shared.platform.topics import read_kept

    with refusals(), bootstrap_of(data, None if database_url else bootstrap) as kafka:
        if kafka:
            page = reading.read_topic(kafka, topic, after=after, most=limit)
        else:
            with operator_call(data, database_url) as call, call.reading() as tx:
                page = read_kept(tx.connection, topic, after=after, most=limit)
    for read in page.events:
        print(json.dumps(read.shown()))
    words.print(f"{len(page.events)} events; go on with --after {page.next}.")
