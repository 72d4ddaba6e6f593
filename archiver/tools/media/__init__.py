"""What a file is, whether it is whole, and whether it is what was promised: judged by its own bytes. Pure."""
