"""PyTorch's own cross-entropy, on the CPU: one workload per line in, seconds out (see bench/peer.mjs)."""

import json
import resource
import sys
import time

try:
    import torch
except ImportError:
    print(json.dumps({"error": "this Python has no torch"}), flush=True)
    sys.exit(0)

torch.set_num_threads(int(sys.argv[1]))
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
made = {}


def tensors(work):
    key = (work["rows"], work["classes"], work["dtype"])
    if key not in made:
        made.clear()
        generator = torch.Generator().manual_seed(1)
        logits = torch.randn(key[0], key[1], generator=generator).to(DTYPES[key[2]])
        made[key] = logits, torch.randint(key[1], (key[0],), generator=generator)
    return made[key]


def cross_entropy(work):
    logits, targets = tensors(work)
    logits.requires_grad_(work["gradient"])
    logits.grad = None
    start = time.perf_counter()
    loss = torch.nn.functional.cross_entropy(logits, targets)
    if work["gradient"]:
        loss.backward()
    return time.perf_counter() - start


def cut(work):
    """The usual way: logits first. Also the time of the product alone, after the loss."""
    rows, dim, classes = work["rows"], work["dim"], work["classes"]
    key = ("cut", rows, dim, classes, work["dtype"])
    if key not in made:
        made.clear()
        generator = torch.Generator().manual_seed(1)
        hidden = torch.randn(rows, dim, generator=generator)
        classifier = torch.randn(classes, dim, generator=generator) / dim**0.5
        dtype = DTYPES[work["dtype"]]
        made[key] = hidden.to(dtype), classifier.to(dtype), torch.randint(classes, (rows,), generator=generator)
    hidden, classifier, targets = made[key]
    for factor in (hidden, classifier):
        factor.requires_grad_(work["gradient"])
        factor.grad = None
    start = time.perf_counter()
    loss = torch.nn.functional.cross_entropy(hidden @ classifier.T, targets)
    if work["gradient"]:
        loss.backward()
    seconds = time.perf_counter() - start
    with torch.no_grad():
        start = time.perf_counter()
        hidden @ classifier.T
        return seconds, time.perf_counter() - start


print(json.dumps({"version": f"torch {torch.__version__}"}), flush=True)
for line in sys.stdin:
    work = json.loads(line)
    seconds, product = cut(work) if work.get("suite") == "rows" else (cross_entropy(work), None)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "productSeconds": product, "peakBytes": peak}), flush=True)
