"""Any picture → the 28×28 the network knows: opening it, cutting a garment out, preparing it step by step."""
