"""Partners and what each is sent, as data: a file that is checked as a whole when it is read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from shared.exports.kinds import EXPORTED
from shared.files.layout import Layout
from shared.files.layout_checks import PLACES, read_only
from shared.files.names import Format, Kind
from shared.kernel.errors import Broken, NotFound, Problem
from shared.kernel.wire import Wire
from shared.kernel.zones import Zone
from shared.platform.operations import problems_of

PACKAGED: Final = Path(__file__).parent / "layouts"
FIELDS_OF_CRON: Final = 5

PartnerName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
"""1 to 32 small letters, digits and `-`, the first no `-`."""


def _cron(text: str) -> str:
    try:
        CronSim(text, datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")))
    except CronSimError as error:
        raise ValueError(f"is no cron expression: {error}") from error
    if len(text.split()) != FIELDS_OF_CRON:
        raise ValueError("must have five fields: minute, hour, day of the month, month, day of the week")
    return text


class Schedule(Wire):
    """When an export is due."""

    cron: Annotated[str, AfterValidator(_cron)]
    """Minute, hour, day of the month, month, day of the week: `30 3 * * *`."""
    zone: Zone
    """Whose clock it goes by. A time that a clock skips is made up at once; of one that comes twice, the first counts."""

    def last_due(self, now: datetime) -> datetime:
        """The last moment, up to and including now, at which it was due."""
        local = (now + timedelta(seconds=1)).astimezone(ZoneInfo(self.zone))
        return next(CronSim(self.cron, local, reverse=True))


class Feed(Wire):
    """One kind of file that a partner is sent."""

    kind: Literal["transactions", "merchants", "redemptions", "credits", "reconciliation"]
    layout: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    """The name of a layout: one that comes with Clo, or one of `layouts`."""
    scope: Literal["full", "delta"] = "delta"
    """Everything there is, or what is new or changed since what was last acknowledged. Asked for, it may be the other."""
    gzip: bool = False
    """Whether the file is packed with gzip."""
    schedule: Schedule | None = None
    """When it is sent; only when asked for where left out."""
    ack_hours: Annotated[int, Field(ge=1, le=24 * 31)] = 24
    """How long the answer may take before it is overdue."""


class Partner(Wire):
    """Whom files are sent to."""

    partner: PartnerName
    token_key: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None
    """The id of the key that its tokens are made with. null: a system of the bank itself, which gets ids as they are, of all customers."""
    answers: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*$", max_length=200)]
    """The folder of the drop place in which its acknowledgements lie, and in which nobody else may write."""
    pgp: bool = False
    """Whether its files are encrypted for it (OpenPGP), and signed with our key. Its certificate lies with those of senders."""
    feeds: Annotated[list[Feed], Field(min_length=1, max_length=20)]


class PartnersSaid(Wire):
    """The file of partners."""

    portfolio: Annotated[list[Annotated[str, StringConstraints(min_length=3, max_length=100, pattern=r"\w")]], Field(max_length=1000)]
    """The portfolio's own names, which no file may tell."""
    partners: Annotated[list[Partner], Field(max_length=1000)]
    layouts: list[Layout] = Field(default_factory=list)
    """Layouts of your own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Partners:
    """Partners by their names, and layouts by theirs."""

    portfolio: tuple[str, ...]
    partners: Mapping[str, Partner]
    layouts: Mapping[str, Layout]

    def find(self, partner: str, kind: str) -> tuple[Partner, Feed]:
        """A partner, and what it is sent of a kind. Raises NotFound."""
        found = self.partners.get(partner)
        feed = next((feed for feed in found.feeds if feed.kind == kind), None) if found else None
        if found is None or feed is None:
            raise NotFound(f"There is no partner {partner} that is sent {kind}.")
        return found, feed

    def answering_in(self, folder: str) -> Partner | None:
        """The partner whose answers lie in a folder of the drop place."""
        return next((partner for partner in self.partners.values() if partner.answers == folder), None)


class NotPartners(Broken):
    """The file of partners is not valid."""

    code = "not_partners"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Carry every problem, so that it can be mended in one go."""
        self.problems = problems
        super().__init__(f"The file of partners is not valid. {'; '.join(f'{one.path}: {one.message}' for one in problems)}")


def load_partners(path: str | None) -> Partners:
    """The partners of a file; none where no file is named. Raises NotPartners with every problem."""
    if path is None:
        return read_partners(b'{"portfolio": [], "partners": []}')
    file = Path(path)
    try:
        return _read_again(path, file.stat().st_mtime_ns)
    except OSError as error:
        raise NotPartners((Problem(path="", message=f"can't be read: {error.strerror}"),)) from error


@lru_cache(maxsize=4)
def _read_again(path: str, _changed: int) -> Partners:
    return read_partners(Path(path).read_bytes())


def read_partners(raw: bytes) -> Partners:
    """Read the file of partners. Raises NotPartners with every problem."""
    try:
        said = PartnersSaid.model_validate_json(raw)
    except ValidationError as error:
        raise NotPartners(tuple(problems_of(error))) from error
    layouts = {layout.name: layout for layout in (*_packaged(), *said.layouts)}
    problems = (*_about_layouts(said.layouts), *_about_partners(said, layouts))
    if problems:
        raise NotPartners(problems)
    return Partners(portfolio=tuple(said.portfolio), partners={one.partner: one for one in said.partners}, layouts=layouts)


@lru_cache(maxsize=1)
def _packaged() -> tuple[Layout, ...]:
    return tuple(Layout.model_validate_json(file.read_bytes()) for file in sorted(PACKAGED.glob("*.json")))


def _about_layouts(layouts: list[Layout]) -> Iterator[Problem]:
    for number, layout in enumerate(layouts):
        yield from (Problem(path=f"/layouts/{number}", message=message) for message in faults_of(layout))


def faults_of(layout: Layout) -> Iterator[str]:
    """What is wrong with a layout to write by."""
    exported = EXPORTED.get(layout.kind)
    if exported is None:
        yield f"{layout.kind.value} as {layout.format.value} is not written"
        return
    targets = [field.target for field in layout.fields]
    yield from (f"{target} is no column of {layout.kind.value}" for target in targets if target not in exported.columns)
    yield from (f"{target} is written twice" for target in sorted(set(targets)) if targets.count(target) > 1)
    if exported.id not in targets:
        yield f"{exported.id} must be written: the entry hash is of it"
    for field in layout.fields:
        if field.constant is None:
            yield from (f"{field.target}: {message}" for message in PLACES[layout.format](layout, field))
    yield from read_only(layout)
    if layout.format is Format.PARQUET:
        yield from _faults_of_parquet(layout)


def _faults_of_parquet(layout: Layout) -> Iterator[str]:
    if layout.header or layout.trailer or layout.detail:
        yield "parquet has no header, no trailer and no marks"
    for field in layout.fields:
        if field.type == "major":
            yield f"{field.target}: in parquet amounts are whole minor units"
        if field.type == "moment" and field.format != "iso":
            yield f"{field.target}: in parquet moments are timestamps; leave the format out"


def _about_partners(said: PartnersSaid, layouts: Mapping[str, Layout]) -> Iterator[Problem]:
    for what in ("partner", "answers"):
        named = [getattr(one, what) for one in said.partners]
        yield from (
            Problem(path="/partners", message=f"{what} {name} is there twice") for name in sorted(set(named)) if named.count(name) > 1
        )
    for number, partner in enumerate(said.partners):
        kinds = [feed.kind for feed in partner.feeds]
        if len(set(kinds)) < len(kinds):
            yield Problem(path=f"/partners/{number}/feeds", message="a kind is there twice")
        for place, feed in enumerate(partner.feeds):
            layout = layouts.get(feed.layout)
            if layout is None or layout.kind is not Kind(feed.kind):
                yield Problem(path=f"/partners/{number}/feeds/{place}/layout", message=f"{feed.layout} is no layout of {feed.kind}")
            elif feed.gzip and layout.format is Format.PARQUET:
                yield Problem(path=f"/partners/{number}/feeds/{place}/gzip", message="parquet is packed already")
