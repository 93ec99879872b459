"""A picture on its way through the network."""
