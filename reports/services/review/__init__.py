"""What the desk decides about reports."""
