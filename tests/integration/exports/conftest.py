"""An office for each test."""

from pathlib import Path

import pytest

from tests.conftest import MakeCall
from tests.integration.exports.office import Office
from tests.integration.exports.packing import OURS, THEIRS, PackingOffice


@pytest.fixture
def office(tmp_path: Path, call: MakeCall) -> Office:
    """Empty stores, two partners, and an emptied database."""
    return Office(folder=tmp_path, make=call)


@pytest.fixture
def packing(office: Office) -> PackingOffice:
    """The same with keys to encrypt with."""
    (office.folder / "certificates").mkdir()
    for stem, made in (("ours", OURS), ("theirs", THEIRS), ("clo", OURS.extract_certificate())):
        (office.folder / f"{stem}.pgp").write_bytes(bytes(made))
    (office.folder / "certificates" / "agg-one.pgp").write_bytes(bytes(THEIRS.extract_certificate()))
    for name in ("drops", "lake", "exports"):
        (office.folder / name).rmdir()
    return PackingOffice(folder=office.folder, make=office.make)
