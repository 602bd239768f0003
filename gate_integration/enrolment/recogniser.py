"""Recognition off the event loop: two threads for the process, since an OpenCV net belongs to one thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from gate_integration.faces.records import Analysis, Engine, Probe

T = TypeVar("T")

THREADS = 2

_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="faces")


async def inspect(engine: Engine, photo: bytes) -> Analysis:
    """All faces of a photo, for enrolment. Raises `UnusablePicture`."""
    return await _run(engine.inspect, photo)


async def probe(engine: Engine, picture: bytes) -> Probe:
    """The face a gate saw, or the reason why there is none to compare."""
    return await _run(engine.probe, picture)


async def _run(work: Callable[[bytes], T], data: bytes) -> T:
    return await asyncio.get_running_loop().run_in_executor(_pool, work, data)
