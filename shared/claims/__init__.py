"""Claims for missing cashback: what a customer says is missing, what the engine says of it, and what became of it."""
