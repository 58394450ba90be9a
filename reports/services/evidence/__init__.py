"""Files received, inspected, sealed and copied without metadata."""
