"""Training processes: starting them, taking turns, steering and stopping them."""
