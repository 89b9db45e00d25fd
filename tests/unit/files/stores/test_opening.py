import os
import subprocess
import sys
from pathlib import Path

import pytest

from functions.registry import FUNCTIONS
from shared.cli.artefacts import ROOT
from shared.files.stores.folder import FolderStore
from shared.files.stores.opening import open_store
from shared.kernel.errors import Invalid

HEAVY = "{'boto3', 'botocore', 'google.cloud.storage', 'google.auth'} & set(sys.modules)"


@pytest.mark.parametrize("words", ["/data/drop", "folder:/data/drop", "folder:/data/drop/"])
def test_a_path_names_a_folder(words: str) -> None:
    store = open_store(words)
    assert isinstance(store, FolderStore)
    assert store.url == "folder:/data/drop"


def test_a_relative_path_is_of_the_folder_where_the_program_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_store("relative/drop").url == f"folder:{tmp_path}/relative/drop"


def test_the_same_words_open_the_same_store() -> None:
    assert open_store("/data/drop") is open_store("/data/drop")


@pytest.mark.parametrize(
    "words",
    ["", "folder:", "file:/a", "http://a/b", "C:\\drop", "S3://bucket", "s3:bucket", "s3:///a", "s3://b", "s3://Bucket", "s3://bu cket",
     "s3://user:secret@bucket", "gs://bucket//a", "gs://bucket/../a", "gs://bucket/a?b\0", "gs://bucket\n", "/data/\ndrop"],
)  # fmt: skip
def test_words_that_name_no_store_are_refused(words: str) -> None:
    with pytest.raises(Invalid):
        open_store(words)


@pytest.mark.parametrize(
    ("words", "url"), [("s3://bucket", "s3://bucket"), ("s3://bucket/", "s3://bucket"), ("s3://a.b-c/d/e/", "s3://a.b-c/d/e")]
)
def test_a_bucket_may_have_a_prefix(monkeypatch: pytest.MonkeyPatch, words: str, url: str) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert open_store(words).url == url


def loaded(*lines: str) -> str:
    """Which of the clouds' libraries a program of these lines has loaded."""
    program = "\n".join(("import sys", *lines, f"print(sorted({HEAVY}))"))
    settings = {"CLO_DATABASE_URL": "postgresql://clo_app@localhost/clo", "CLO_JWKS": "keys.json"}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=ROOT, env=os.environ | settings, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def test_no_function_loads_the_library_of_a_cloud_before_it_opens_its_store() -> None:
    assert loaded(*(f"import functions.{function.name}.main" for function in FUNCTIONS)) == "[]"


def test_a_folder_needs_no_library_of_a_cloud(tmp_path: Path) -> None:
    lines = ("import shared.files.stores.notices", "from shared.files.stores.opening import open_store")
    assert loaded(*lines, f"open_store('folder:{tmp_path}').create('a', [b'b'])") == "[]"
