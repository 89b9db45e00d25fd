"""Redemptions: histories are folded, and the difference to what is on record is admitted, posted and paid."""
