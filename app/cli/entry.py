"""The entry point of the command `headscope`."""

import os

from .signals import handled


def run() -> None:
    """Run the command. A signal ends it without a traceback, also while its modules are being imported."""
    with handled(lambda number, _: os._exit(128 + number)):
        from .command import run as run_command

        run_command()
