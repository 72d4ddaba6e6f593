"""What a platform says: links to targets, bytes to posts, and where to go next. No storage in here."""
