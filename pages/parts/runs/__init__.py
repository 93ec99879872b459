"""Pieces of the page Runs."""
