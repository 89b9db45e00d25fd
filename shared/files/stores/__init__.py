"""Object stores: a folder, S3 and Google Cloud Storage behind one protocol, and what tells of new objects."""
