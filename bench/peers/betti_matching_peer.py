"""Betti-Matching-3D on the CPU: one workload per line in, seconds of its matching out (see bench/peer.mjs)."""

import json
import resource
import sys
import time

try:
    import betti_matching
    import numpy
except ImportError:
    print(json.dumps({"error": "this Python has no betti_matching or no numpy"}), flush=True)
    sys.exit(0)


def field(file, shape):
    # Superlevel: the matching is of sublevel sets.
    return -numpy.fromfile(file, numpy.float32).reshape(shape).astype(numpy.float64)


print(json.dumps({"version": "Betti-Matching-3D"}), flush=True)
for line in sys.stdin:
    work = json.loads(line)
    prediction, target = (field(work[name], work["shape"]) for name in ("prediction", "target"))
    start = time.process_time()
    betti_matching.compute_matching(prediction, target)
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peakBytes": peak}), flush=True)
