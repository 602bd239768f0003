"""`python -m api.cli`: the same as `ruhu`."""

from api.cli.main import main

main()
