"""The article's network (`model`), and the same network computed faster (`fast`)."""
