"""The pixel values of a picture."""
