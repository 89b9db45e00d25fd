"""Offers: their terms, versions, review and launch, and the catalogue in which purchases are looked up."""
