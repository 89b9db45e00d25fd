"""Measure: `python -m benchmarks [name ...] [--markdown]`."""

import importlib
import sys

from benchmarks.result import markdown, show

NAMES = (
    *"redeem budget eligibility explain verdicts matching holders files engines to_kafka connect cashback workers export main_job".split(),
)


def main(arguments: list[str]) -> None:
    """Run the named benchmarks, all when none is named."""
    names = [argument for argument in arguments if not argument.startswith("-")] or NAMES
    results = [result for name in names for result in importlib.import_module(f"benchmarks.{name}").run()]
    if "--markdown" in arguments:
        sys.stdout.write(markdown(results))
    else:
        show(results)


if __name__ == "__main__":
    main(sys.argv[1:])
