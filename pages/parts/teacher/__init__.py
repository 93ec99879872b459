"""Pieces of the page Teacher."""
