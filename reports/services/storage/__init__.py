"""SQL statements, files on disk or in a bucket, database snapshots."""
