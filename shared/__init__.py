"""The areas: the logic that functions serve."""
