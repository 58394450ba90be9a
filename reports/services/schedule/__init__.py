"""What is expected of observers, what has come, what is late."""
