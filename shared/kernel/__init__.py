"""Values that every area shares: money, ids, time, errors, reasons. Imports nothing of ours."""
