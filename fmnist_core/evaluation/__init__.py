"""How good a network is: images → probabilities → `Evaluation`."""
