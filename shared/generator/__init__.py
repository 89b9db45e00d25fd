"""Files to try things with: seeded, realistic, of any size."""
