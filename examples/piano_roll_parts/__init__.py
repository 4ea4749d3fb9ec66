"""Parts of examples/piano_rolls.py."""
