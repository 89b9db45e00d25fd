"""Reconciliation: what a partner says of redemptions and settlement, held against our record and the card system's."""
