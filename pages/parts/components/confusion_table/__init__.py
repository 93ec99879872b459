"""The confusion matrix as buttons."""
