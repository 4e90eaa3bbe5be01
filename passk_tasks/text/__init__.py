"""Text for people: the terminal page, and the tables on it."""
