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
    seconds = 0

    def run():
        global seconds
        start = time.process_time()
        betti_matching.compute_matching(prediction, target)
        seconds = time.process_time() - start

    taken = most_taken(run)
    print(json.dumps({"seconds": seconds, "bytes": taken}), flush=True)
