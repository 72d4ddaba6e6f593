"""What comes from outside: files that a person hands over, and posts out of saved files."""
