"""What runs when, and where in activation memory it is stored."""
