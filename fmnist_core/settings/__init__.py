"""What a training run is asked to do: every setting, declared once, and presets of them."""
