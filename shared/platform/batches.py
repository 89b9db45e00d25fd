"""Batches: many items in one body, of which the good ones are taken and the bad ones named with index and reasons."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from shared.kernel.errors import Invalid, Malformed, Problem
from shared.kernel.wire import Wire
from shared.platform.operations import MAX_PROBLEMS, BodySchema, problems_of

Item = TypeVar("Item", bound=Wire)
MAX_PROBLEMS_OF_ITEM: Final = 20
MAX_ID: Final = 64


class ItemProblem(Wire):
    """One thing that is wrong with an item."""

    path: str
    """JSON pointer from the top of the body: `/customers/3/zone`."""
    message: str


class Rejected(Wire):
    """An item that was not taken."""

    index: int
    """Its place in the batch, from 0."""
    id: str | None = None
    """Its id, where one can be read."""
    problems: list[ItemProblem]

    @classmethod
    def because(cls, index: int, item_id: str | None, path: str, message: str) -> "Rejected":
        """An item refused for one reason; `path` is a pointer from the top of the body."""
        return cls(index=index, id=item_id, problems=[ItemProblem(path=path, message=message)])


class BatchAnswer(Wire):
    """What became of a batch."""

    accepted: int
    rejected: list[Rejected]

    @classmethod
    def of(cls, accepted: int, rejected: Iterable[Rejected]) -> "BatchAnswer":
        """So many were taken; those that were not, in the order of the batch."""
        return cls(accepted=accepted, rejected=sorted(rejected, key=lambda item: item.index))


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch(Generic[Item]):
    """The items of a batch that are valid, each with its index, and those that are not."""

    accepted: list[tuple[int, Item]]
    rejected: list[Rejected]


def read_batch(raw: bytes, field: str, item: type[Item], most: int, *, id_field: str | None = None) -> Batch[Item]:
    """Read a body `{field: [item, ...]}` of 1 to `most` items.

    The whole is validated in one go; only where that fails is it read again to keep the good items. `id_field` is the field by which
    rejected items are named. Raises Malformed for what is no JSON; Invalid for unknown fields, no item, or too many.
    """
    try:
        return Batch(accepted=list(enumerate(_validate(raw, field, item, most))), rejected=[])
    except ValidationError as error:
        problems = _by_item(error, field, raw)
    document: list[Any] = json.loads(raw)[field]
    good = [index for index in range(len(document)) if index not in problems]
    kept = json.dumps({field: [document[index] for index in good]}).encode()
    accepted = list(zip(good, _validate(kept, field, item, most), strict=True)) if good else []
    return Batch(
        accepted=accepted,
        rejected=[Rejected(index=i, id=_id(document[i], id_field), problems=problems[i][:MAX_PROBLEMS_OF_ITEM]) for i in sorted(problems)],
    )


def _validate(raw: bytes, field: str, item: type[Item], most: int) -> list[Item]:
    items: list[Item] = getattr(_reader(field, item, most).validate_json(raw), field)
    return items


@cache
def _reader(field: str, item: type[Wire], most: int) -> TypeAdapter[Any]:
    return TypeAdapter(BodySchema(field, item, most).model())


def _by_item(error: ValidationError, field: str, raw: bytes) -> dict[int, list[ItemProblem]]:
    """The problems of each bad item. Raises Malformed or Invalid when something is wrong with the batch itself."""
    details = error.errors(include_url=False, include_input=False)
    if any(detail["type"] == "json_invalid" for detail in details):
        raise Malformed("The body is not valid JSON.") from error
    found: dict[int, list[ItemProblem]] = defaultdict(list)
    of_batch: list[Problem] = []
    for detail, problem in zip(details, problems_of(error, body=raw), strict=True):
        match detail["loc"]:
            case (str(name), int(index), *_) if name == field:
                found[index].append(ItemProblem(path=problem.path, message=problem.message))
            case _:
                of_batch.append(problem)
    if of_batch:
        raise Invalid(problems=tuple(of_batch[:MAX_PROBLEMS])) from error
    return found


def _id(item: object, id_field: str | None) -> str | None:
    value = item.get(id_field) if isinstance(item, dict) and id_field else None
    return value if isinstance(value, str) and len(value) <= MAX_ID else None
