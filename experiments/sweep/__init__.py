"""Many trainings at once, which can be stopped anywhere: runs, what is kept of them, and their statistics."""
