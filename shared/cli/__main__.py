"""`python -m shared.cli` is `clo`."""

from shared.cli.main import main

main()
