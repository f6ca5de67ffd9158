"""What takes long: a stream, and the order in η. What a run of them comes to is kept for these sources alone."""
