"""The deployment units: one folder per function, wired in functions.registry."""
