"""Pieces of the page Browse."""
