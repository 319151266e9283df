"""What a command printed, kept for the next time, and how it is known that it still stands."""
