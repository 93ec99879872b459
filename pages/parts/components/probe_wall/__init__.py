"""Test images followed through training."""
