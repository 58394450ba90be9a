"""How a report is accepted: one function for every channel."""
