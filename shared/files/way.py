"""How the records of one file are read: what follows from its layout, and from the names of columns that it has itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from shared.files.kinds import CURRENCY
from shared.files.layout import ZONE, Layout, LayoutField, Place, ZonePlace
from shared.files.shaping import Shaping, shapings_of


@dataclass(frozen=True, kw_only=True)
class Way:
    """How records are read: the layout, and in which order the columns stand where the file itself names them."""

    layout: Layout
    names: tuple[str, ...] = ()

    @cached_property
    def count(self) -> int:
        """How many cells a record of csv has."""
        return len(self.names) if self.layout.column_names else self.layout.shape[0]

    @cached_property
    def length(self) -> int:
        """How many characters a record of fixed width has."""
        return self.layout.shape[1]

    @cached_property
    def places(self) -> Mapping[str, Place]:
        """The places that are read, by their names."""
        return self.layout.places

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Which cell of csv, from 0, holds what stands in a place."""
        if self.layout.column_names:
            return {name: self.names.index(str(place.column)) for name, place in self.places.items()}
        return {name: (place.position or 1) - 1 for name, place in self.places.items()}

    @cached_property
    def members(self) -> Mapping[str, tuple[str, ...]]:
        """The member, and those within it, that holds what stands in a place."""
        return {name: steps_to(str(place.column)) for name, place in self.places.items()}

    @cached_property
    def known_members(self) -> frozenset[str]:
        """The members of a record that are read."""
        return frozenset(steps[0] for steps in self.members.values())

    @cached_property
    def shapings(self) -> Mapping[str, Shaping]:
        """How what stands in places becomes what is read, by targets."""
        return shapings_of(self.layout)

    @cached_property
    def required(self) -> frozenset[str]:
        """The targets that every record fills, as the layout or the row model asks for."""
        asked = {name for name, field in self.layout.record.model.model_fields.items() if field.is_required()}
        return frozenset(asked | {field.target for field in self.layout.fields if field.required})

    @cached_property
    def currency(self) -> LayoutField | None:
        """The field with the currency."""
        return next((field for field in self.layout.fields if field.target == CURRENCY), None)

    @cached_property
    def zones(self) -> Mapping[str, Mapping[str, str]]:
        """Of the moments whose zone a record names: what its words mean."""
        told = {name.removesuffix(ZONE): place for name, place in self.places.items() if isinstance(place, ZonePlace)}
        return {target: place.values or {} for target, place in told.items()}

    @cached_property
    def left_out(self) -> frozenset[str]:
        """What a record says that is no detail."""
        return frozenset(self.layout.left_out.values) if self.layout.left_out else frozenset()


def steps_to(column: str) -> tuple[str, ...]:
    """The member of a name, or of a way that leads into inner objects."""
    if not column.startswith("/"):
        return (column,)
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in column[1:].split("/"))
