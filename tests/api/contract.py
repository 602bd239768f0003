"""`python -m tests.api.contract --examples 300 [--seed N] [OPERATION …]`: the contract test with more requests."""

import argparse
import os
import sys

import pytest


def main() -> int:
    """Runs `test_contract` with the settings of the command line; the exit code is pytest's."""
    parser = argparse.ArgumentParser(prog="python -m tests.api.contract")
    parser.add_argument("--examples", type=int, default=50, help="made requests per operation and kind")
    parser.add_argument("--seed", type=int, default=20260302)
    parser.add_argument("operation", nargs="*", help="operationId; all without")
    given = parser.parse_args()
    os.environ |= {"RUHU_CONTRACT_EXAMPLES": str(given.examples), "RUHU_CONTRACT_SEED": str(given.seed)}
    chosen = ["-k", " or ".join(f"[{name}]" for name in given.operation)] if given.operation else []
    return int(pytest.main(["-q", "--tb=short", "--timeout=3600", "tests/api/test_contract.py", *chosen]))


if __name__ == "__main__":
    sys.exit(main())
