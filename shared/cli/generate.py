"""`clo generate`: files to try things with."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Final

import typer

from shared.cli.options import Day, Seed, day_of, id_from
from shared.cli.terminal import refusals, words

MOST_DAYS: Final = 366


class FileKind(Enum):
    """What can be generated."""

    MERCHANTS = "merchants"
    CUSTOMERS = "customers"
    CARDS = "cards"
    SEGMENTS = "segments"
    OFFERS = "offers"
    GRANTS = "grants"
    TRANSACTIONS = "transactions"
    REDEMPTIONS = "redemptions"
    SETTLEMENT = "settlement"
    PAYOUTS = "payouts"


def generate(  # noqa: PLR0913, PLR0917  (typer makes options of parameters)
    kinds: Annotated[list[FileKind], typer.Argument(help=f"Which files: {', '.join(kind.value for kind in FileKind)}.")],
    rows: Annotated[int, typer.Option(min=0, help="Transactions of a usual day.")] = 10_000,
    customers: Annotated[int, typer.Option(min=1, help="How many customers the bank has.")] = 1_000,
    merchants: Annotated[int, typer.Option(min=1, help="How many merchants there are.")] = 200,
    day: Day = None,
    days: Annotated[int, typer.Option(min=1, max=MOST_DAYS, help="For so many days, from that day on, a file of each daily kind.")] = 1,
    names: Annotated[
        list[str] | None, typer.Option("--layout", help="The layout to write by, of its kind; the packaged ones of csv where not given.")
    ] = None,
    layouts: Annotated[Path | None, typer.Option("--layouts", envvar="CLO_LAYOUTS", help="A folder of layouts of your own.")] = None,
    sender: Annotated[str, typer.Option(help="The bank's name in its files.")] = "mybank",
    partner: Annotated[str, typer.Option(help="The Aggregator's name in its files: offers, redemptions and settlement.")] = "agg-one",
    campaign: Annotated[
        str | None, typer.Option(help="The campaign (cmp_...) that pays for offers; one whose id follows from the seed where not given.")
    ] = None,
    statement_credits: Annotated[
        Path | None,
        typer.Option(
            "--credits", exists=True, dir_okay=False, help="The file of statement credits that payouts are about, as Clo sent it."
        ),
    ] = None,
    packed: Annotated[bool, typer.Option("--gzip", help="Pack the files.")] = False,
    bad: Annotated[float, typer.Option(min=0, max=1, help="The share of bad lines; they are listed beside the file.")] = 0,
    codes: Annotated[list[str] | None, typer.Option("--code", help="Bad by these codes of rejects only.")] = None,
    seed: Seed = 1,
    folder: Annotated[Path, typer.Option("--out", help="Where they go.", file_okay=False)] = Path(),
) -> None:
    """Write files that fit together, of a bank and an Aggregator, each with its manifest; prints their names.

    The same arguments give the same bytes. All files of a seed, a number of customers and a number of merchants are of one bank, and
    those of several days go on with the purchases of the days before. Daily kinds are transactions, redemptions and settlement. What became
    of payouts follows from no seed: it needs a file of --credits.
    """
    from shared.files.library import load
    from shared.files.names import Kind
    from shared.generator.orders import Order, choose
    from shared.generator.portfolio import Portfolio
    from shared.kernel.ids import CAMPAIGN

    order = Order(
        portfolio=Portfolio(seed=seed, customers=customers, merchants=merchants),
        day=day_of(day),
        rows=rows,
        days=days,
        sender=sender,
        partner=partner,
        campaign=id_from(campaign, CAMPAIGN, "--campaign") if campaign else None,
        credits=statement_credits,
        packed=packed,
        bad=bad,
        codes=codes or [],
    )
    with refusals():
        chosen = choose(load(*([layouts] if layouts else [])), [Kind(kind.value) for kind in kinds], names or [])
        for made in order.write(chosen, folder):
            print(made.path)
            words.print(f"{made.path.name}: {made.records:,} records, {made.bytes:,} bytes, {made.bad:,} bad lines.")
