"""A real process writes, and is killed at any moment: nothing acknowledged is lost, nothing is half there."""
