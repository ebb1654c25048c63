"""What commands share: options, the terminal, and `work`, which fetches what they call."""
