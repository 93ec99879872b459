"""Pieces with HTML, CSS and JavaScript of their own, one folder each; the JavaScript that several use lies beside the folders."""
