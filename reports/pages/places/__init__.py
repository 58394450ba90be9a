"""Pages about a commission, a station or a finding."""
