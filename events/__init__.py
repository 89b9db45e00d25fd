"""The events that functions exchange: catalogue, envelope and models."""
