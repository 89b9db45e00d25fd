"""The command line `clo`: one module for each group of commands."""
