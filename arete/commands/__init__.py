"""One module a command. Imports that cost time stand inside the functions."""
