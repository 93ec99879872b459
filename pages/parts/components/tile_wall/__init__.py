"""Small maps as tiles with one colour scale, and the numbers of one of them."""
