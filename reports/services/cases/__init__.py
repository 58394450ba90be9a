"""Cases, complaints, deadlines and legal holds."""
