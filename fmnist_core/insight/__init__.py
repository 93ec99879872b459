"""What a network does with one picture, and why: its answer, its feature maps, the pixels that mattered, similar training images."""
