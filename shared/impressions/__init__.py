"""Impressions: what customers were shown, each counted once."""
