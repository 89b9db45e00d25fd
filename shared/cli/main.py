"""The command line `clo`. Commands import what they need when they run, so that `clo --help` answers at once."""

import typer

from shared.cli import artefacts, explain, exports, files, generate, kafka, ledger, letters, main_job, platform, topics, trial
from shared.cli.terminal import EXIT_CODES

app = typer.Typer(
    name="clo",
    help=f"Card-linked cashback offers.\n\nData goes to standard output, words to standard error.\n\n{EXIT_CODES}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command("up")(platform.up)
app.command("demo")(main_job.demo)
app.command("token")(platform.token)
app.command("explain")(explain.explain)
app.command("migrate")(platform.migrate)
app.command("settings")(platform.settings)
app.command("generate")(generate.generate)
app.command("artefacts")(artefacts.artefacts)
app.add_typer(trial.app, name="trial")
app.add_typer(ledger.app, name="ledger")
app.add_typer(files.app, name="files")
app.add_typer(exports.app, name="exports")
app.add_typer(kafka.app, name="kafka")
app.add_typer(topics.app, name="topics")
app.add_typer(letters.app, name="dead-letters")


def main() -> None:
    """The entry point of the console script."""
    app()
