"""Corrections: redemptions that are forced or adjusted, asked for by one person and decided by another."""
