"""What a folder has that other stores have not: links, pipes, files changed in place."""

import os
from collections.abc import Callable
from datetime import timedelta
from errno import ENOSPC
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from shared.files.stores import folder
from shared.files.stores.folder import DRAFTS, FolderStore
from shared.files.stores.protocol import Changed, Exists
from shared.files.stores.streams import BLOCK
from shared.kernel.errors import Broken, Busy, NotFound
from tests.conftest import NOW


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    return root


@pytest.fixture
def store(root: Path) -> FolderStore:
    return FolderStore(root)


def names(store: FolderStore) -> list[str]:
    return [stored.name for stored in store.list()]


def test_links_lead_nowhere(root: Path, store: FolderStore, tmp_path: Path) -> None:
    secret = tmp_path / "outside"
    secret.mkdir()
    (secret / "secret").write_bytes(b"secret")
    (root / "file").symlink_to(secret / "secret")
    (root / "folder").symlink_to(secret)
    (root / "inside").symlink_to(root)
    assert names(store) == []
    for name in ("file", "folder/secret", "inside/file"):
        with pytest.raises(NotFound):
            store.stat(name)
        with pytest.raises(NotFound):
            store.read(name, "1")
    for name in ("file", "folder/new"):
        with pytest.raises(Exists):
            store.create(name, [b"x"])
    store.delete("folder/secret", "1")
    assert sorted(path.name for path in secret.iterdir()) == ["secret"]
    assert (secret / "secret").read_bytes() == b"secret"


def test_what_is_no_file_is_no_object_and_nobody_waits_for_it(root: Path, store: FolderStore) -> None:
    os.mkfifo(root / "pipe")
    (root / "folder").mkdir()
    assert names(store) == []
    deeds: list[Callable[[str], Any]] = [store.stat, lambda name: store.read(name, "1"), lambda name: store.open(name, "1")]
    for name in ("pipe", "folder"):
        for deed in deeds:
            with pytest.raises(NotFound):
                deed(name)
        store.delete(name, "1")
        with pytest.raises(Exists):
            store.create(name, [b"x"])
    assert (root / "folder").is_dir()


def test_a_name_below_an_object_is_taken(store: FolderStore) -> None:
    store.create("a", [b"x"])
    with pytest.raises(Exists):
        store.create("a/b", [b"x"])


def test_a_file_that_is_changed_in_place_is_another(root: Path, store: FolderStore) -> None:
    stored = store.create("a", [b"x" * 2 * BLOCK])
    with store.open("a", stored.generation) as stream:
        stream.read(10)
        with (root / "a").open("r+b") as file:
            file.seek(BLOCK + 5)
            file.write(b"y")
        with pytest.raises(Changed):
            stream.read()


def test_a_file_that_is_changed_while_a_range_is_read_is_another(root: Path, store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def changed_meanwhile(leaf: str, at: int) -> BinaryIO:
        file = readable(leaf, at)
        (root / "a").write_bytes(b"yy")
        return file

    stored = store.create("a", [b"xx"])
    readable, require, looks = folder._readable, folder._require, []

    def late(name: str, generation: str, file: BinaryIO) -> None:
        """Look at the file from the second time on."""
        looks.append(name)
        if len(looks) > 1:
            require(name, generation, file)

    monkeypatch.setattr(folder, "_readable", changed_meanwhile)
    monkeypatch.setattr(folder, "_require", late)
    with pytest.raises(Changed):
        store.read("a", stored.generation)


def test_a_full_disk_is_told_as_a_reason_to_try_again(root: Path, store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_words: object) -> None:
        raise OSError(ENOSPC, "no space left")

    monkeypatch.setattr(folder, "_write", full)
    with pytest.raises(Busy):
        store.create("a", [b"x"])
    assert list((root / DRAFTS).iterdir()) == []


def test_deletions_come_one_after_the_other(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    old = store.create("a", [b"old"])

    def waits(*_words: object) -> None:
        """Another deletes and writes anew before the lock is ours."""
        monkeypatch.undo()
        store.delete("a", old.generation)
        store.create("a", [b"new"])

    monkeypatch.setattr(folder, "flock", waits)
    with pytest.raises(Changed):
        store.delete("a", old.generation)
    assert names(store) == ["a"]


def test_the_time_of_change_is_as_fine_as_the_clock(root: Path, store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 1_768_478_400_123_456_789)
    stored = store.create("a", [b"x"])
    assert (root / "a").stat().st_mtime_ns == 1_768_478_400_123_456_789
    assert "-1768478400123456789-" in stored.generation


def test_a_generation_never_comes_back(store: FolderStore) -> None:
    seen = set()
    for _ in range(300):
        stored = store.create("a", [b"same"])
        seen.add(stored.generation)
        store.delete("a", stored.generation)
    assert len(seen) == 300


def test_nothing_is_left_beside_the_objects(root: Path, store: FolderStore) -> None:
    store.create("a", [b"x"])
    with pytest.raises(Exists):
        store.create("a", [b"x"])
    assert sorted(path.name for path in root.iterdir()) == [DRAFTS, "a"]
    assert list((root / DRAFTS).iterdir()) == []


def test_what_is_left_behind_is_swept_when_it_is_old(root: Path, store: FolderStore) -> None:
    for name, age in (("young", timedelta(minutes=59)), ("old", timedelta(minutes=61))):
        (root / DRAFTS).mkdir(exist_ok=True)
        (root / DRAFTS / name).write_bytes(b"half")
        os.utime(root / DRAFTS / name, times=(0, (NOW - age).timestamp()))
    assert store.sweep(NOW - timedelta(hours=1)) == 1
    assert [path.name for path in (root / DRAFTS).iterdir()] == ["young"]


def test_files_are_not_for_everybody(root: Path, store: FolderStore) -> None:
    store.create("a", [b"x"])
    assert (root / "a").stat().st_mode & 0o007 == 0
    assert (root / DRAFTS).stat().st_mode & 0o077 == 0


def test_no_descriptor_is_left_open(store: FolderStore) -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    for number in range(20):
        stored = store.create(f"a/b/{number}", [b"x"])
        store.read(stored.name, stored.generation)
        for missing in ("b/c", "a/b/c/d", "a"):
            with pytest.raises(NotFound):
                store.read(missing, "1")
        next(store.list())
        store.delete(stored.name, stored.generation)
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_folder_that_is_not_there_is_our_fault(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "none")
    deeds: list[Callable[[], Any]] = [lambda: store.stat("a"), lambda: list(store.list()), lambda: store.create("a", [b"x"])]
    for deed in deeds:
        with pytest.raises(Broken):
            deed()


def test_a_folder_is_as_deep_as_a_name_is_long(root: Path, store: FolderStore) -> None:
    name = "/".join("x" * 256)
    store.create(name, [b"x"])
    deeper = root.joinpath(*"x" * 255, *"y" * 40)
    deeper.mkdir(parents=True)
    (deeper / "z").write_bytes(b"x")
    assert names(store) == [name]
