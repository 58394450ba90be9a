"""Who may do what, staff, sign-in, and who saw protected fields."""
