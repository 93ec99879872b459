"""How the network is trained: the loop, its state, the batches, and the events it reports."""
