"""The article's network as it is (`model`), and the same network computed faster (`fast`)."""
