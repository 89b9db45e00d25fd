"""Merchants and their locations: where a purchase was made, in which time zone and category."""
