"""Pieces of pages: `shared` by several, `components` with a front end of their own, and one folder of pieces for each page."""
