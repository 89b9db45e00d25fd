"""The local platform: all functions in one process, on an embedded PostgreSQL, for trying out, demos and tests."""
