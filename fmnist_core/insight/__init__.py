"""What a network does with one picture, and why: its answer, its maps, the pixels that mattered, what is alike."""
