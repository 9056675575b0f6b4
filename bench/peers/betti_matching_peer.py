"""Betti-Matching-3D on the CPU: one workload per line in, seconds of its matching out (see bench/peer.mjs)."""

import json
import sys
import time

from resident import most_taken

try:
    import betti_matching
    import numpy
except ImportError:
    print(json.dumps({"error": "this Python has no betti_matching or no numpy"}), flush=True)
    sys.exit(0)


def field(file, shape, filtration):
    # The matching is of sublevel sets.
    values = numpy.fromfile(file, numpy.float32).reshape(shape).astype(numpy.float64)
    return -values if filtration == "superlevel" else values


print(json.dumps({"version": "Betti-Matching-3D"}), flush=True)
for line in sys.stdin:
    work = json.loads(line)
    prediction, target = (field(work[name], work["shape"], work["filtration"]) for name in ("prediction", "target"))
    start = time.process_time()
    taken = most_taken(lambda: betti_matching.compute_matching(prediction, target))
    print(json.dumps({"seconds": time.process_time() - start, "bytes": taken}), flush=True)
