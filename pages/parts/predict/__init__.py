"""Pieces of the page Predict."""
