"""Commands on a Kafka broker of this machine."""

import signal
import threading
from typing import Annotated

import typer

from shared.cli.options import DATA, Data
from shared.cli.places import hold
from shared.cli.terminal import fail, words
from shared.kernel.errors import CloError

app = typer.Typer(help="Run a real Kafka broker on this machine.", no_args_is_help=True)


@app.command("up")
def up(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 9092,
    data: Data = DATA,
) -> None:
    """Run a Kafka broker on this machine until ctrl-C; prints its address. What it holds lies in the folder `kafka` of the platform's."""
    from shared.platform.local.kafka import LocalKafka

    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    folder = data / "kafka"
    with hold(folder):
        try:
            with words.status("Starting Kafka ..."):
                kafka = LocalKafka(folder, port=port)
        except CloError as error:
            fail(str(error))
        kafka.keep_alive()
        print(kafka.bootstrap, flush=True)
        words.print(f"Kafka listens at {kafka.bootstrap}; its log is {folder / 'kafka.log'}. Ctrl-C stops it.")
        stopping.wait()
        kafka.stop()
    words.print("Stopped.")


@app.command("get")
def get() -> None:
    """Have Java, Maven and Kafka's jars at hand; as root on Debian, what is missing is installed."""
    from shared.platform.local import java

    try:
        with words.status("Getting what Kafka needs ..."):
            java.get_tools()
    except CloError as error:
        fail(str(error))
    words.print(f"Kafka can be run with {java.java()} and the jars in {java.jars()}.")
