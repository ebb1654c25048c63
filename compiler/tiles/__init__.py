"""The network in the engine's terms, before an order and addresses are chosen."""
