"""What a benchmark's tests are worth: programs of known worth, judged."""
