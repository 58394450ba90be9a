"""SQL written out, files on disk or in a bucket, one consistent read."""
