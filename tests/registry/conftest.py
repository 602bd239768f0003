"""The served app, for the register's routes."""

from tests.api.conftest import server, sign_in

__all__ = ["server", "sign_in"]
