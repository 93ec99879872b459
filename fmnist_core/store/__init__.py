"""Files that are never half written, and records that keep their type in them."""
