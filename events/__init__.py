"""The events that functions exchange: their table, their shapes, their envelope."""
