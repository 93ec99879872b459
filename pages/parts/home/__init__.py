"""Pieces of the page Home."""
