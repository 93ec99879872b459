"""Any picture → 28×28 pixels like the training images: opening it, cutting the garment out, preparing it step by step."""
