"""`python -m benchmarks`: all of them, one after the other."""

import typer

from .capture import main

typer.run(main)
