"""Pieces of the page Look inside."""
