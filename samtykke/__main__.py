"""`python -m samtykke` is the program."""

from samtykke.cli import main

main()
