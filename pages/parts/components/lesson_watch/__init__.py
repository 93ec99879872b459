"""Notices within seconds what the teacher changes."""
