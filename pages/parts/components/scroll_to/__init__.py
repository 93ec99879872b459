"""Scrolls to what a click has made."""
