"""The queue of commissions to recompute, and its wake-up."""
