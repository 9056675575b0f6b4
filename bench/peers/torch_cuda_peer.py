"""PyTorch's cross-entropy on the GPU: one workload per line in, seconds out (see bench/peer.mjs)."""

import json
import sys
import time

try:
    import torch
except ImportError:
    print(json.dumps({"error": "this Python has no torch"}), flush=True)
    sys.exit(0)

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
made = {}


def mean_loss(logits, targets):
    return torch.nn.functional.cross_entropy(logits, targets)


FUNCTIONS = {"eager": mean_loss, "compiled": torch.compile(mean_loss, dynamic=False)}


def forget():
    made.clear()
    torch.cuda.empty_cache()
    torch.compiler.reset()  # else, after a number of shapes, it silently stops compiling


def tensors(work):
    key = (work["rows"], work["classes"], work["dtype"])
    if key not in made:
        forget()
        generator = torch.Generator("cuda").manual_seed(1)
        logits = torch.empty(key[0], key[1], device="cuda", dtype=DTYPES[key[2]])
        logits.normal_(generator=generator)
        made[key] = logits, torch.randint(key[1], (key[0],), device="cuda", generator=generator)
    return made[key]


def timed(call, count):
    seconds = []
    for _ in range(count):
        torch.cuda.synchronize()
        start = time.perf_counter()
        call()
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return seconds


def cross_entropy(work):
    logits, targets = tensors(work)
    logits.requires_grad_(work["gradient"])
    function = FUNCTIONS[work["kind"]]

    def call():
        logits.grad = None
        loss = function(logits, targets)
        if work["gradient"]:
            loss.backward()

    timed(call, 3)
    torch.cuda.reset_peak_memory_stats()
    seconds = timed(call, work["calls"])
    logits.grad = None
    return {"seconds": seconds, "peakBytes": torch.cuda.max_memory_allocated()}


def copy(size):
    source = torch.randint(-(2**31), 2**31 - 1, (size // 4,), device="cuda", dtype=torch.int32)
    target = torch.empty_like(source)
    timed(lambda: target.copy_(source), 3)
    seconds = sorted(timed(lambda: target.copy_(source), 20))[10]
    return {"GBs": 2 * size / seconds / 1e9}


def answer(work):
    if "copy" in work:
        return copy(work["copy"])
    if "forget" in work:
        forget()
        return {}
    return cross_entropy(work)


print(json.dumps({"version": f"torch {torch.__version__}"}), flush=True)
for line in sys.stdin:
    try:
        print(json.dumps(answer(json.loads(line))), flush=True)
    except Exception as error:  # out of memory, no compiler for torch.compile: the other workloads go on
        forget()
        print(json.dumps({"error": f"{type(error).__name__}: {error}"[:500]}), flush=True)
