"""The file engine: object stores, names, manifests, layouts, and the way from bytes to records that are checked."""
