"""A partner's answer closes the loop: `<name>.ack.json` in its own folder of the drop place."""

from dataclasses import replace
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from events.files import FileDropped
from shared.exports import store
from shared.exports.due import LOG
from shared.exports.ending import end
from shared.exports.model import OPEN, Export, State, contradictions
from shared.exports.partners import Partner
from shared.exports.places import partners_of
from shared.files.answers import ACK
from shared.files.manifest import Sha256
from shared.files.names import FileName, NotAFileName, read_name
from shared.files.stores.opening import open_store
from shared.files.stores.protocol import Changed
from shared.kernel.errors import Busy, NotFound, Problem
from shared.kernel.wire import Text, Wire
from shared.platform.call import Call, Transaction
from shared.platform.operations import problems_of

MOST_BYTES: Final = 100_000
MOST_PROBLEMS: Final = 100


class PartnerAnswer(Wire):
    """What a partner answers to a file. That it can name the hash shows that it has the file."""

    name: Annotated[str, Field(max_length=200)]
    """The file's name."""
    sha256: Sha256
    """Of the data, as the partner found it."""
    records: Annotated[int, Field(ge=0)]
    """Detail records, as the partner counted them."""
    outcome: Literal["accepted", "rejected"]
    """`rejected`: none of it was taken; its records come again with the next delta."""
    problems: Annotated[list[Text], Field(max_length=MOST_PROBLEMS)] = Field(default_factory=list)
    """Why it was rejected."""


def take_answer(call: Call, dropped: FileDropped) -> None:
    """Close the export that a partner answers to. Other objects of the drop place, and answers in other folders, change nothing.

    A wrong answer is kept with the export, which stays open. Raises Busy where the file is seen and that is not on record yet.
    """
    folder, _, leaf = dropped.name.rpartition("/")
    partner = partners_of(call).answering_in(folder) if leaf.endswith(ACK) else None
    name = _name(leaf.removesuffix(ACK)) if partner else None
    if partner is None or name is None:
        return
    answer = _read(call, dropped)
    with call.transaction() as tx:
        export = _find(tx, partner, name)
        if export is None:
            LOG.warning("answer to a file that was not sent", partner=partner.partner)
        elif export.state is State.WRITTEN:
            _close(tx, export, answer)
        elif export.state in OPEN:
            raise Busy("The file is not on record as written yet.")


def _close(tx: Transaction, export: Export, answer: PartnerAnswer | tuple[Problem, ...]) -> None:
    wrong = answer if isinstance(answer, tuple) else _contradictions(export, answer)
    if wrong or isinstance(answer, tuple):
        LOG.warning("answer is wrong", partner=export.partner, name=export.name)
        store.update(tx, replace(export, problems=wrong[:MOST_PROBLEMS]))
    elif answer.outcome == "accepted":
        end(tx, export, State.ACKNOWLEDGED)
    else:
        end(tx, export, State.REJECTED, tuple(Problem(path="", message=message) for message in answer.problems))


def _contradictions(export: Export, answer: PartnerAnswer) -> tuple[Problem, ...]:
    return contradictions(export, name=answer.name, sha256=answer.sha256, records=answer.records)


def _name(text: str) -> FileName | None:
    try:
        return read_name(text)
    except NotAFileName:
        return None


def _find(tx: Transaction, partner: Partner, name: FileName) -> Export | None:
    found = store.find(tx, partner.partner, name)
    export = store.read(tx, found.export_id, lock=True) if found else None
    return export if export and export.file_name == name else None


def _read(call: Call, dropped: FileDropped) -> PartnerAnswer | tuple[Problem, ...]:
    """The answer, or what is wrong with it."""
    drops = open_store(call.file_places.drops) if call.file_places else None
    if drops is None:
        return ()
    try:
        return PartnerAnswer.model_validate_json(drops.read(dropped.name, dropped.generation, 0, MOST_BYTES))
    except ValidationError as error:
        return tuple(problems_of(error))
    except (Changed, NotFound):
        return (Problem(path="", message="the answer was replaced or removed before it was read"),)
