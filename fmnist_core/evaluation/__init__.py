"""How good a network is: pictures → probabilities → `Evaluation`."""
