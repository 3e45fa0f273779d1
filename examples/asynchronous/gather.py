"""Coroutines run at once: each task is its own run, and all belong to the flow that awaits them.

python examples/asynchronous/gather.py && lineage runs
"""

from __future__ import annotations

import asyncio

from lineage import log_metric, tracked_flow, tracked_task


@tracked_task
async def fetch(city: str) -> dict[str, float]:
    """Pretend to ask a weather service."""
    await asyncio.sleep(0)
    return {"warmth": float(sum(map(ord, city)) % 30)}


@tracked_task
async def warmest(answers: list[dict[str, float]]) -> float:
    """The best of all answers."""
    best = max(answer["warmth"] for answer in answers)
    log_metric("warmth", best)
    return best


@tracked_flow
async def weather(*cities: str) -> float:
    """Ask for all cities at once."""
    return await warmest(await asyncio.gather(*(fetch(city) for city in cities)))


if __name__ == "__main__":
    print(f"warmest: {asyncio.run(weather('Lisbon', 'Oslo', 'Graz')):.0f} degrees")
