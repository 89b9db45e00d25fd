"""The schedule: what is due by the clock."""
