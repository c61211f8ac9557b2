"""What the Python scripts share: the workload of the environment, operands, timed rounds, and the line that a case prints."""

import json
import os
import time


def numbers(name):
    return [int(value) for value in os.environ[name].split(",")]


GROUPS = os.environ["CASES"].split(",")
ROUNDS = int(os.environ["ROUNDS"])
THREADS = int(os.environ["THREADS"])
FOLDER = os.environ["MODEL_FOLDER"]
LAYERS, WIDTH, HEADS, INNER, VOCABULARY, BATCH, LENGTH = numbers("MODEL")


def uniform(count, seed):
    """`count` numbers below 1 in size, those of ../peers/clock.mjs."""
    state, values = seed, []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values.append(state / 2**31 - 1)
    return values


def random_ids(count, vocabulary, seed):
    import numpy

    # In float32 until the last step, as JavaScript's arrays are.
    values = numpy.array(uniform(count, seed), dtype=numpy.float32).astype(float)
    return [min(int((value + 1) / 2 * vocabulary), vocabulary - 1) for value in values]


def random_pairs():
    """(prompt, chosen, rejected) of each pair, those of ../peers/preference-step.ts."""
    prompt = max(1, LENGTH // 4)
    answer = LENGTH - prompt
    each = prompt + 2 * answer
    ids = random_ids(BATCH * each, VOCABULARY, 99)
    rows = [ids[pair * each : (pair + 1) * each] for pair in range(BATCH)]
    return [(row[:prompt], row[prompt : prompt + answer], row[prompt + answer :]) for row in rows]


def clock(once):
    """Times in ms after two calls to warm up, the shortest first, and what the last call gave."""
    for _ in range(2):
        last = once()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        last = once()
        times.append((time.perf_counter() - start) * 1e3)
    return sorted(times), last


def line(peer, case, times, per=1, **values):
    medians = {"ms_median": round(times[len(times) // 2] / per, 4), "ms_min": round(times[0] / per, 4)}
    agreed = {name: round(float(value), 4) for name, value in values.items()}
    print(json.dumps({"peer": peer, "case": case, **medians, **agreed}), flush=True)


def dpo_case():
    return "dpo_step_" + ",".join(map(str, (LAYERS, WIDTH, HEADS, INNER, VOCABULARY, BATCH, LENGTH)))
