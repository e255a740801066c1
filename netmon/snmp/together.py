"""Several conversations at once: apart from `walk`, because mypyc cannot compile `except*`."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from netmon.snmp.exchange import SnmpError


async def together(works: Sequence[Coroutine[Any, Any, Any]]) -> None:
    """Wait for all of them.  Raises what the first that fails raises, after the others have been given up."""
    failure: SnmpError | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except* SnmpError as errors:
        failure = next(error for error in errors.exceptions if isinstance(error, SnmpError))
    if failure is not None:
        raise failure
