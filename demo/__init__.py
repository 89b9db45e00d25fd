"""The demo: drives a running platform over HTTP on real purchase data."""
