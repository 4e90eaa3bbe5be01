"""From saved samples to a score."""
