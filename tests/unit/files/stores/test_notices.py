import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from shared.cli.artefacts import ROOT
from shared.files.stores.folder import FolderStore
from shared.files.stores.notices import Finalized, Watch, from_gcs, from_s3
from shared.kernel.errors import Invalid

CASES = sorted((ROOT / "tests/cases/files/notices").glob("*.json"))


def told(case: dict[str, Any]) -> list[Finalized]:
    payload = json.dumps(case["data"]).encode()
    if case["from"] == "s3":
        return list(from_s3(payload))
    found = from_gcs(case["type"], payload)
    return [found] if found else []


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_notification_is_read(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    if "wrong" in case:
        with pytest.raises(Invalid) as raised:
            told(case)
        assert [problem.path for problem in raised.value.problems] == case["wrong"]
    else:
        assert [asdict(one) for one in told(case)] == case["found"]


@pytest.mark.parametrize("payload", [b"", b"no json", b"\xff", b"null", b"7"])
def test_what_is_no_notification_is_refused(payload: bytes) -> None:
    with pytest.raises(Invalid):
        from_s3(payload)
    with pytest.raises(Invalid):
        from_gcs("google.cloud.storage.object.v1.finalized", payload)


SEEN = Finalized(store="s3://bucket", name="drop/bank/a", generation="1")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("s3://bucket", "drop/bank/a"),
        ("s3://bucket/drop", "bank/a"),
        ("s3://bucket/drop/bank", "a"),
        ("s3://bucket/dro", None),
        ("s3://bucket/drop/bank/a", None),
        ("s3://bucket/other", None),
        ("s3://bucke", None),
        ("s3://bucket2/drop", None),
        ("gs://bucket/drop", None),
    ],
)
def test_an_object_is_named_as_its_store_names_it(url: str, name: str | None) -> None:
    seen = SEEN.seen_from(url)
    assert (seen and seen.name) == name
    assert seen is None or (seen.store, seen.generation) == (url, "1")


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def looked(watch: Watch) -> list[str]:
    return [found.name for found in watch.look()]


def test_each_object_is_found_once_in_order_of_names(store: FolderStore) -> None:
    watch = Watch(store, ".json")
    for name in ("b.json", "a.json", "a.csv"):
        store.create(name, [b"x"])
    found = list(watch.look())
    assert [one.name for one in found] == ["a.json", "b.json"]
    assert found[0] == Finalized(store=store.url, name="a.json", generation=store.stat("a.json").generation)
    store.create("a0.json", [b"x"])
    assert looked(watch) == ["a0.json"]
    assert looked(watch) == []


def test_an_object_that_was_replaced_or_came_back_is_found_again(store: FolderStore) -> None:
    watch = Watch(store)
    first = store.create("a", [b"x"])
    assert looked(watch) == ["a"]
    store.delete("a", first.generation)
    second = store.create("a", [b"y"])
    assert looked(watch) == ["a"]
    store.delete("a", second.generation)
    assert looked(watch) == []
    store.create("a", [b"y"])
    assert looked(watch) == ["a"]


def test_what_could_not_be_taken_is_found_again(store: FolderStore) -> None:
    watch = Watch(store)
    for name in "abc":
        store.create(name, [b"x"])
    taken = []
    for found in watch.look():
        if found.name == "b":
            break
        taken.append(found.name)
    assert taken + looked(watch) == ["a", "b", "c"]


def test_a_file_on_its_way_is_not_found(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / ".a.json.tmp").write_bytes(b"half")
    assert looked(Watch(store)) == []
    (tmp_path / ".a.json.tmp").rename(tmp_path / "a.json")
    assert looked(Watch(store)) == ["a.json"]
