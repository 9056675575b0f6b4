"""PyTorch's cross-entropy, of logits or of hidden and classifier, on the GPU: one workload per line in, seconds out (see bench/peer.mjs)."""

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


def product_loss(hidden, classifier, targets):
    return torch.nn.functional.cross_entropy((hidden @ classifier.T).float(), targets)


def cut_function(kind):
    """A way to the loss of hidden and classifier, or an ImportError."""
    if kind == "eager":
        return product_loss
    if kind == "compiled":
        return torch.compile(product_loss, dynamic=False)
    if kind == "cce":
        from cut_cross_entropy import linear_cross_entropy

        return linear_cross_entropy
    if kind == "liger":
        from liger_kernel.transformers import LigerFusedLinearCrossEntropyLoss

        fused = LigerFusedLinearCrossEntropyLoss()
        return lambda hidden, classifier, targets: fused(classifier, hidden, targets)
    if kind == "quack":
        from quack.linear_cross_entropy import linear_cross_entropy as quack_loss

        return quack_loss
    raise ValueError(f"unknown kind {kind}")


def cut_tensors(work):
    key = ("cut", work["rows"], work["classes"], work["dim"])
    if key not in made:
        forget()
        generator = torch.Generator("cuda").manual_seed(1)

        def normal(*shape):
            return torch.empty(*shape, device="cuda", dtype=torch.bfloat16).normal_(generator=generator)

        hidden, classifier = normal(key[1], key[3]), normal(key[2], key[3]) / key[3] ** 0.5
        made[key] = hidden, classifier, torch.randint(key[2], (key[1],), device="cuda", generator=generator)
    return made[key]


def cut_cross_entropy(work):
    hidden, classifier, targets = cut_tensors(work)
    if work["cut"] == "matmul":
        hidden.requires_grad_(False)
        classifier.requires_grad_(False)
        timed(lambda: hidden @ classifier.T, 3)
        return {"seconds": timed(lambda: hidden @ classifier.T, work["calls"])}
    function = cut_function(work["cut"])
    hidden.requires_grad_(work["gradient"])
    classifier.requires_grad_(work["gradient"])

    def call():
        hidden.grad = classifier.grad = None
        loss = function(hidden, classifier, targets)
        if work["gradient"]:
            loss.backward()

    timed(call, 3)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    seconds = timed(call, work["calls"])
    hidden.grad = classifier.grad = None
    return {"seconds": seconds, "peakBytes": torch.cuda.max_memory_allocated() - before}


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
    if "cut" in work:
        return cut_cross_entropy(work)
    return cross_entropy(work)


print(json.dumps({"version": f"torch {torch.__version__}"}), flush=True)
for line in sys.stdin:
    try:
        print(json.dumps(answer(json.loads(line))), flush=True)
    except Exception as error:  # out of memory, no compiler for torch.compile: the other workloads go on
        forget()
        print(json.dumps({"error": f"{type(error).__name__}: {error}"[:500]}), flush=True)
