"""`python -m server.cli`: the command line where its script is not on the path."""

from server.cli import main

main(prog_name="tamis")
