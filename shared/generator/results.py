"""What the card system tells of statement credits: it follows from the file of credits that Clo sent to it, and from nothing else."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final, get_args

import pyarrow as pa
import pyarrow.compute as pc

from shared.exports.partners import load_partners
from shared.files.columns import READERS
from shared.files.frame import read_header, read_trailer, way_of
from shared.files.names import FileName, Format, Kind, read_name
from shared.files.reading import read_blocks
from shared.files.splitting import Splitter
from shared.files.unpacking import unpacked
from shared.files.writing import Columns
from shared.generator.chance import bits, by_weight, some
from shared.kernel.errors import Invalid
from shared.redemptions.results_api import FailureCode

CREDITS: Final = "card-credits-csv"
"""The layout that files of credits are read by."""
READ_BYTES: Final = 1 << 20
LONGEST_RECORD: Final = 1 << 16
OUTCOMES: Final = ("paid", "failed", "returned")
OUTCOME_OF: Final = pa.array(by_weight([61, 2, 1], 64))
"""Of so many credits how many have which outcome."""
CODES: Final = get_args(FailureCode)
OF_RESULT: Final = 51
"""What is drawn for."""


class NoCredits(Invalid):
    """Results of payouts are about credits that Clo asked for, whose ids follow from no seed: name the file of them with --credits."""

    code = "no_credits"


class NotCredits(Invalid):
    """This is no whole file of statement credits as Clo writes them for the card system."""

    code = "not_credits"


def name_of(file: Path | None) -> FileName:
    """What the name of a file of credits says. Raises NoCredits where there is none, NotCredits of another file."""
    if file is None:
        raise NoCredits
    name = read_name(file.name)
    if name.kind is not Kind.CREDITS or name.format is not Format.CSV or name.pgp:
        raise NotCredits(f"{file.name} is no file of statement credits as csv, plain or packed with gzip.")
    return name


def results(file: Path, seed: int) -> Iterator[Columns]:
    """The records of what became of the credits of a file, in blocks: nearly all were paid. Raises NotCredits."""
    row = 0
    for credits_told in _credits(file):
        count = len(credits_told["credit_id"])
        yield _results(credits_told, pa.array(range(row, row + count), pa.int64()), seed)
        row += count


def _results(told: Columns, rows: pa.Array, seed: int) -> Columns:
    drawn = bits(rows, OF_RESULT, seed)
    outcome = OUTCOME_OF.take(some(drawn, 0, 6))
    code = pa.array(CODES).take(pc.divide(pc.multiply(some(drawn, 6, 16), len(CODES)), 1 << 16))
    return {
        "credit_id": told["credit_id"],
        "result": pa.array(OUTCOMES).take(outcome),
        "at": told["instructed_at"],  # any later moment might still be to come when the file is sent
        "amount": told["amount"],
        "currency": told["currency"],
        "code": pc.if_else(pc.equal(outcome, 0), None, code),
    }


def _credits(file: Path) -> Iterator[Columns]:
    name, layout = name_of(file), load_partners(None).layouts[CREDITS]
    splitter = Splitter(layout=layout, size=READ_BYTES, longest=LONGEST_RECORD)
    count = 0
    with file.open("rb") as stream:
        plain = iter(partial(stream.read, READ_BYTES), b"")
        for chunk in splitter.split(unpacked(plain) if name.gzip else plain):
            for block in read_blocks(chunk.data, way_of(splitter)).blocks:
                columns = {told.target: READERS[told.type](block.cells[told.target], told, None)[0] for told in layout.fields}
                count += len(columns["credit_id"])
                yield columns
    read_header(splitter, name.file_id)
    trailer = read_trailer(splitter)
    if trailer is None or trailer.count != count:
        raise NotCredits(f"{file.name} does not hold as many credits as its last record says.")
