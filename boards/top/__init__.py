"""The gateware around the engine: clock, link, identity, pins."""
