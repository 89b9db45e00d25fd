"""Campaigns: objective, window, budget requests and their approval, lifecycle, audit trail."""
