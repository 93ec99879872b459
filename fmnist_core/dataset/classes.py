"""What all images of Fashion-MNIST share: ten classes and 28×28 pixels."""

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
# Where there is little room; the other names are short already.
SHORT_NAMES = {"T-shirt/top": "T-shirt", "Ankle boot": "Boot"}
SIDE_PX = 28
PIXELS = SIDE_PX * SIDE_PX
# Mean and standard deviation of all pixels of the 60,000 training images, on the 0–1 scale (measured: 0.28604, 0.35302).
PIXEL_MEAN = 0.2860
PIXEL_STD = 0.3530


class DataError(ValueError):
    """The data cannot be used; the message is one sentence for the person who chose the file."""
