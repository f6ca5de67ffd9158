"""What a network learns from, and how: losses, optimisers and schedules."""
