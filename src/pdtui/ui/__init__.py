"""The screen. Reads the store, owns no facts."""

import os

# Textual paints at the next 60th of a second after what it painted last; a picture of a flood is
# painted in five turns, and each would wait for its own.
os.environ.setdefault("TEXTUAL_FPS", "120")
