"""Made-up resident ID numbers for tests: division 999999 was never given to any place, so no number is anybody's."""

from datetime import date

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999, annex


def make_test_number(*, division: str = "999999", birth: date, sequence: int = 1) -> str:
    """A number with a valid check digit, worked out by the weights of the standard (the product folds by ISO 7064)."""
    if not 0 <= sequence <= 999:
        raise ValueError("the sequence has three digits")
    body = f"{division}{birth:%Y%m%d}{sequence:03d}"
    total = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, body, strict=True))
    return body + "10X98765432"[total % 11]
