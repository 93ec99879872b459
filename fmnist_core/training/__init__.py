"""How the network is trained: the loop, what it changes, what it is fed, and the events it reports."""
