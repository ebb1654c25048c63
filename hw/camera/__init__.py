"""From a camera's pins to the engine's image, and from its result to a line of text."""
