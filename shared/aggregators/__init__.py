"""Aggregators: offers that partners bring, in and out of the same drafting and approval as the bank's own."""
