"""A camera whose frames are answered while it is on, and which takes photos, at once or after three seconds."""
