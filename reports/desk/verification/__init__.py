"""Pages of the review queue and of one report."""
