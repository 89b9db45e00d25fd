"""What object stores tell of new objects, as Eventarc and the sources of Knative deliver it, becomes files that were dropped."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.cli.artefacts import ROOT
from shared.files import receiving
from shared.files.library import load
from shared.files.places import Places
from shared.files.stores.folder import FolderStore
from shared.platform.consume import EventFunction
from shared.platform.database import Database
from tests.integration.platform.conftest import Ask, Asking, as_app

CASES = sorted((ROOT / "tests/cases/files/notices").glob("*.json"))
QUEUE = "dev.knative.connector.event.aws-sqs"
STORES = {"gcs": "gs://clo-drops", "s3": "s3://clo-drops"}
GOOGLE, AMAZON = (
    json.loads((ROOT / f"tests/cases/files/notices/{name}.json").read_text()) for name in ("gcs_finalized__told", "s3_created__told")
)


class Bucket(FolderStore):
    """A folder that bears the name of a bucket."""

    def __init__(self, root: Path, url: str) -> None:
        super().__init__(root)
        self.url = url


class Telling:
    """Delivers notifications to `receive_file`, and tells which files were dropped by them."""

    def __init__(self, asking: Asking, database: Database) -> None:
        self._asking, self._database = asking, database

    def __call__(self, case: Mapping[str, Any], other: Mapping[str, str] | None = None, *, structured: bool = False) -> httpx.Response:
        attributes = {
            "specversion": "1.0",
            "id": "9125302671583469",
            "source": "//storage.googleapis.com/projects/_/buckets/clo-drops",
            "type": case.get("type", QUEUE),
            "time": "2026-01-15T12:00:00.123456789Z",
            **(other or {}),
        }
        if structured:
            body = json.dumps(attributes | {"datacontenttype": "application/json", "data": case["data"]})
            return self._asking("POST", "/", headers={"Content-Type": "application/cloudevents+json"}, content=body)
        headers = {f"ce-{name}": value for name, value in attributes.items()} | {"Content-Type": "application/json; charset=utf-8"}
        return self._asking("POST", "/", headers=headers, content=json.dumps(case["data"]))

    def dropped(self) -> list[tuple[str, str]]:
        with self._database.connection() as connection:
            rows = connection.execute("SELECT payload, event_id FROM outbox WHERE type = 'clo.file.dropped.v1' ORDER BY seq").fetchall()
        told = {row["event_id"]: json.loads(bytes(row["payload"])) for row in rows}
        return [(one["name"], one["generation"]) for one in told.values()]


@pytest.fixture
def store_url() -> str:
    return STORES["gcs"]


@pytest.fixture
def tell(ask: Ask, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store_url: str) -> Telling:
    places = Places(drops=Bucket(tmp_path, store_url), lake=FolderStore(tmp_path), library=load())
    monkeypatch.setattr(receiving, "places_of", lambda _call: places)
    return Telling(ask(as_app(EventFunction("receive_file", receiving))), database)


def with_store(path: Path) -> Any:  # noqa: ANN401  (a parameter set of pytest)
    case = json.loads(path.read_text(encoding="utf-8"))
    return pytest.param(case, STORES[case["from"]], id=path.stem)


@pytest.mark.parametrize("structured", [False, True], ids=["binary", "structured"])
@pytest.mark.parametrize(("case", "store_url"), [with_store(path) for path in CASES])
def test_committed_notification_is_taken(tell: Telling, case: dict[str, Any], *, structured: bool) -> None:
    answer = tell(case, structured=structured)
    assert answer.status_code == (422 if "wrong" in case else 204)
    manifests = [one for one in case.get("found", ()) if one["name"].endswith(".manifest.json")]
    assert tell.dropped() == [(one["name"], one["generation"]) for one in manifests]


def test_notification_that_comes_again_is_one(tell: Telling) -> None:
    assert [tell(GOOGLE).status_code for _ in range(3)] == [204] * 3
    assert len(tell.dropped()) == 1


def test_object_that_is_told_of_by_several_notifications_is_dropped_once(tell: Telling) -> None:
    for number in range(3):
        assert tell(GOOGLE, {"id": str(number)}).status_code == 204
    assert len(tell.dropped()) == 1


def test_notifications_with_one_id_from_two_sources_are_two(tell: Telling) -> None:
    other = GOOGLE | {"data": GOOGLE["data"] | {"name": f"other/{GOOGLE['data']['name']}"}}
    assert (tell(GOOGLE).status_code, tell(other, {"source": "//elsewhere"}).status_code) == (204, 204)
    assert len(tell.dropped()) == 2


def test_one_id_for_two_contents_is_poison(tell: Telling) -> None:
    other = GOOGLE | {"data": GOOGLE["data"] | {"generation": "7"}}
    assert (tell(GOOGLE).status_code, tell(other).status_code) == (204, 422)


def test_objects_of_other_buckets_and_other_objects_start_nothing(tell: Telling) -> None:
    elsewhere = GOOGLE | {"data": GOOGLE["data"] | {"bucket": "other-drops"}}
    data = GOOGLE | {"data": GOOGLE["data"] | {"name": "bank/transactions_bank_20260115_0001_full_r1.csv"}}
    assert [tell(case, {"id": str(number)}).status_code for number, case in enumerate((elsewhere, data, AMAZON))] == [204] * 3
    assert tell.dropped() == []


@pytest.mark.parametrize(
    ("other", "status"),
    [({"id": ""}, 400), ({"type": "clo.file.dropped.v1"}, 400), ({"type": "com.example.other"}, 422), ({"time": "yesterday"}, 400)],
    ids=["no id", "an id that is not ours of an event of ours", "a type that nobody knows", "no moment"],
)
def test_what_is_no_notification_is_refused(tell: Telling, other: dict[str, str], status: int) -> None:
    assert tell(GOOGLE, other).status_code == status
