"""Closes the menu of a narrow screen when a page is chosen in it."""
