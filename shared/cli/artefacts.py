"""`clo artefacts`: writes what follows from the code, or tells what no longer does."""

from pathlib import Path
from typing import Annotated, Final

import typer

from shared.cli.terminal import Exit, fail

ROOT: Final = Path(__file__).resolve().parents[2]


def artefacts(
    parts: Annotated[list[str] | None, typer.Argument(help="schemas, asyncapi, openapi, reference; all where none is named.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 3 and name the files that differ.")] = False,
) -> None:
    """Write the JSON Schemas, OpenAPI, AsyncAPI and reference pages that follow from the code."""
    from shared.platform.generate import PARTS

    unknown = set(parts or ()) - set(PARTS)
    if unknown:
        fail(f"There is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}.", Exit.USAGE)
    wanted = {path: text for name in parts or PARTS for path, text in PARTS[name]().items()}
    stale = [] if parts else stale_files(ROOT, wanted)
    differing = differing_files(ROOT, wanted)
    if check:
        for path in (*differing, *stale):
            print(path)
        if differing or stale:
            fail("These differ from what the code says: run `make generate`.", Exit.CHECK_FAILED)
        return
    for path in differing:
        write(ROOT / path, wanted[path])
        print(path)
    for path in stale:
        (ROOT / path).unlink()
        print(path)


def differing_files(root: Path, wanted: dict[str, str]) -> list[str]:
    """The paths whose file is missing or says something else."""
    return [path for path, text in wanted.items() if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != text]


def stale_files(root: Path, wanted: dict[str, str]) -> list[str]:
    """Files in generated folders that nothing asks for any more."""
    from shared.platform.generate import OWNED

    there = (file.relative_to(root).as_posix() for folder in OWNED for file in sorted((root / folder).glob("*")) if file.is_file())
    return [path for path in there if path not in wanted]


def write(file: Path, text: str) -> None:
    """Replace a file in one step: a reader sees the old text or the new, never a part."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)
