"""Audiences: customers, consent, attributes, segments, hold-out groups, grants, and what a customer is offered now."""
