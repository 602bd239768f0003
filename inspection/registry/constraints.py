"""Broken constraints as problems: recognised by the constraint's name, never by the words of the message."""

from collections.abc import Mapping

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from storage.problems import Problem


def constraint_of(error: IntegrityError) -> str:
    """The name of the constraint that an error of the driver tells of, or ""."""
    cause = error.orig.__cause__ if error.orig is not None else None
    return getattr(cause, "constraint_name", None) or ""


def translated(error: IntegrityError, problems: Mapping[str, Problem]) -> Exception:
    """The problem that belongs to the broken constraint; the error itself when none does."""
    return problems.get(constraint_of(error), error)


async def flush(session: AsyncSession, problems: Mapping[str, Problem]) -> None:
    """Writes what is pending; a broken constraint named in `problems` becomes that problem."""
    try:
        await session.flush()
    except IntegrityError as error:
        raise translated(error, problems) from error
