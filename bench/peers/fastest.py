# SPDX-License-Identifier: Apache-2.0
"""How every contender chooses among its ways, plugcl's among processes and a peer's within its own."""
import statistics
import time

ROUND_SECONDS, LEAST_TURNS, MOST_TURNS = 0.01, 3, 9
WAY_SECONDS = 0.13  # what a way may take before the most turns are done


def fastest(ways):
    """The name of the fastest of {name: function that times a round of so many seconds}: the one with the smallest median of
    rounds taken in turns, after a round that does not count. A single lucky round decides nothing; ways whose one run outlasts a
    round vary little and take fewer turns."""
    if len(ways) == 1:
        return next(iter(ways))
    taken = {name: [] for name in ways}
    for time_round in ways.values():
        time_round(ROUND_SECONDS)
    begun = time.perf_counter()
    for turn in range(MOST_TURNS):
        if turn >= LEAST_TURNS and time.perf_counter() - begun > WAY_SECONDS * len(ways):
            break
        for name, time_round in ways.items():
            taken[name].append(time_round(ROUND_SECONDS))
    return min(taken, key=lambda name: statistics.median(taken[name]))
