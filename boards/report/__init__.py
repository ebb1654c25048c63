"""What a build used, how fast it is, what fits on which board."""
