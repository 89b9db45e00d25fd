"""The peer of the eligibility benchmark."""
