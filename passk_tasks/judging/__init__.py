"""Programs judged: a batch of them, the references tried first, and the libraries they need."""
