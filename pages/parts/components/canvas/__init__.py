"""A canvas to draw and paint on."""
