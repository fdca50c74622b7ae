"""`python -m globule.cli`: the same as `globule`."""

from globule.cli.main import main

main()
