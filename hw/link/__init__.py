"""From a serial line to the engine's registers and streams."""
