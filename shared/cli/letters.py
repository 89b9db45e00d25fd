"""Commands on dead letters: what functions could not take, and what a person decides of it."""

from typing import Annotated

import typer

from shared.cli.options import DATA, AsJson, Data, DatabaseUrl, id_from
from shared.cli.places import operator_call
from shared.cli.terminal import print_json, print_list, refusals, words
from shared.kernel.ids import LETTER

app = typer.Typer(help="See, redrive and discard what functions could not take.", no_args_is_help=True)

LetterArgument = Annotated[str, typer.Argument(help="A letter (ltr_...).", metavar="LETTER")]
Reason = Annotated[str, typer.Option(help="Why; kept with the letter.")]
By = Annotated[str, typer.Option(help="Who decides; kept with the letter.")]


@app.command("list")
def list_dead_letters(
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Most letters.")] = 100,
    consumer: Annotated[str | None, typer.Option(help="Only those of this function.")] = None,
    state: Annotated[str, typer.Option(help="waiting, redriven or discarded.")] = "waiting",
    data: Data = DATA,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """List what functions could not take, newest first; what looks like a card number or contact data is masked."""
    from shared.platform.letters import service
    from shared.platform.letters.api import LettersQuery

    try:
        query = LettersQuery.model_validate({"state": state, "consumer": consumer, "limit": limit})
    except ValueError as error:
        raise typer.BadParameter(f"{state!r}: must be waiting, redriven or discarded", param_hint="--state") from error
    with operator_call(data, database_url) as call:
        letters = [letter.model_dump(mode="json") for letter in service.list_dead_letters(call, query).letters]
    columns = ("letter_id", "consumer", "type", "attempts", "status", "reason", "dead_since")
    print_list(letters, columns, "dead letters", as_json=as_json)


@app.command("show")
def show_dead_letter(letter: LetterArgument, data: Data = DATA, database_url: DatabaseUrl = None) -> None:
    """Print one letter with what it says, masked, and what was decided of it, as JSON."""
    from shared.platform.letters import service

    letter_id = id_from(letter, LETTER, "LETTER")
    with refusals(), operator_call(data, database_url) as call:
        print_json(service.get_dead_letter(call, letter_id).model_dump(mode="json"))


@app.command("redrive")
def redrive(
    reason: Reason,
    by: By,
    letters: Annotated[list[str] | None, typer.Argument(help="Letters (ltr_...).", metavar="[LETTER]...")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that wait and may be redriven; at most 1000 in one go.")] = False,
    data: Data = DATA,
    database_url: DatabaseUrl = None,
) -> None:
    """Put dead letters back on their way to the functions that could not take them; prints them."""
    from shared.platform.letters import service
    from shared.platform.letters.api import LetterDecision

    if bool(letters) == every:
        raise typer.BadParameter("name letters, or give --all", param_hint="LETTER")
    named = [id_from(letter, LETTER, "LETTER") for letter in letters or ()]
    with refusals(), operator_call(data, database_url, by) as call:
        for letter_id in named or service.redrivable(call):
            print(LETTER.render(service.redrive_dead_letter(call, letter_id, LetterDecision(reason=reason)).letter_id))
    words.print("They are on their way again.")


@app.command("discard")
def discard(letter: LetterArgument, reason: Reason, by: By, data: Data = DATA, database_url: DatabaseUrl = None) -> None:
    """Find a dead letter to be of no use; it is kept, and waits no more."""
    from shared.platform.letters import service
    from shared.platform.letters.api import LetterDecision

    letter_id = id_from(letter, LETTER, "LETTER")
    with refusals(), operator_call(data, database_url, by) as call:
        service.discard_dead_letter(call, letter_id, LetterDecision(reason=reason))
    words.print("It waits no more.")
