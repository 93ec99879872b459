"""Many small pictures as buttons."""
