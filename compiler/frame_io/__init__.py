"""From a picture to input bytes, from result bytes to classes."""
