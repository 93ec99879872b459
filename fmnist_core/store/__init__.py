"""Files that are never half written, and records that keep their type when written and read."""
