"""Settings, read from the environment (`CLO_...`) and checked at start: a wrong value stops the program with its name."""

from functools import cache
from typing import Annotated, Final

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.kernel.errors import Invalid, Problem
from shared.platform.call import LETTERS_KEPT, FilePlaces

PREFIX: Final = "CLO_"


class Settings(BaseSettings):
    """What a function needs to know of the place it runs in."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)

    database_url: Annotated[str, Field(pattern=r"^postgres(ql)?://")]
    """PostgreSQL 15 or newer, as the role `clo_app`: postgresql://clo_app@host/clo."""
    pool_size: Annotated[int, Field(ge=1, le=100)] = 8
    """Most database connections of one process; also its threads."""
    pool_timeout_seconds: Annotated[float, Field(gt=0)] = 10.0
    """How long a request waits for a connection before it is told to try again."""
    jwks: str
    """Where the keys lie that callers' tokens are signed with: a file path or an https URL of a JWK set (RFC 7517)."""
    jwt_issuer: str = "clo"
    """The `iss` that tokens must carry."""
    jwt_audience: str = "clo"
    """The `aud` that tokens must carry."""
    shards: Annotated[int, Field(ge=1, le=1024)] = 16
    """Customer shards: events of one shard are handled in order. Fixed for the life of a database."""
    kafka_bootstrap: Annotated[str, Field(pattern=r"^[^\s,:]+:[0-9]+(,[^\s,:]+:[0-9]+)*$")] | None = None
    """Brokers of Apache Kafka to begin with, `host:port,...`: bulk events go straight there; none where the bus is the embedded one."""
    drops: str | None = None
    """Where files are dropped: `folder:/path`, `s3://bucket/prefix` or `gs://bucket/prefix`; none where no files are taken."""
    lake: str | None = None
    """Where all accepted records are kept, likewise; needed where files are taken."""
    layouts: str | None = None
    """A folder of layouts (`*.json`) beside those that come with Clo."""
    exports: str | None = None
    """Where files for partners are put, each partner's in a folder of its own, likewise; none where none are sent."""
    partners: str | None = None
    """A file that says who the partners are and what each is sent (JSON); none where nothing is sent."""
    export_keys: str | None = None
    """A file with the keys of exports (a JWK set): secrets that tokens are made with, and the Ed25519 key that reports are signed with."""
    pgp_key: str | None = None
    """A file with the secret OpenPGP key that files sent here are encrypted for, and that signs those that are encrypted for partners; none
    where there are no encrypted files."""
    pgp_passphrase: str | None = None
    """A file with the passphrase of that key; none where it has none."""
    pgp_senders: str | None = None
    """A folder of OpenPGP certificates, `<name>.pgp` or `<name>.asc`: whose signature a sender's encrypted files must bear, and whom a
    partner's are encrypted for."""
    senders: str | None = None
    """A file that says who may send which kinds of files, and from which folder (JSON); none where everybody may send everything."""
    dead_letter_days: Annotated[int, Field(ge=1, le=3650)] = LETTERS_KEPT.days
    """Days for which a dead letter is kept after it was redriven or discarded, with who decided so and why."""
    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = "info"
    """Least level that is logged."""

    @property
    def file_places(self) -> FilePlaces | None:
        """Where files lie; None where no files are taken."""
        if not self.drops or not self.lake:
            return None
        told = {"layouts": self.layouts, "exports": self.exports, "partners": self.partners, "export_keys": self.export_keys}
        told |= {name: getattr(self, name) for name in ("pgp_key", "pgp_passphrase", "pgp_senders", "senders")}
        return FilePlaces(drops=self.drops, lake=self.lake, **told)


@cache
def settings() -> Settings:
    """The settings of this process. Raises Invalid naming every one that is wrong or missing, and never what a wrong one holds."""
    try:
        return Settings()
    except ValidationError as error:
        problems = tuple(Problem(path=_variable(d["loc"]), message=d["msg"]) for d in error.errors(include_url=False, include_input=False))
        told = "; ".join(f"{problem.path}: {problem.message}" for problem in problems)
        raise Invalid(f"The settings are wrong. {told}.", problems) from None


def _variable(place: tuple[int | str, ...]) -> str:
    return f"{PREFIX}{place[0]}".upper() if place else PREFIX
