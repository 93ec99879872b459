"""Training processes: starting, queueing, controlling and stopping them."""
