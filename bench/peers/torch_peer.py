"""PyTorch's own losses, on the CPU: one workload per line in, seconds out (see bench/peer.mjs)."""

import json
import sys
import time

from resident import give_back, most_taken

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


def dice_of_one_hot(logits, ids, activation):
    """The usual way: MONAI's one-hot labels, products and sums."""
    space = tuple(range(2, logits.dim()))
    p = activation(logits)
    y = torch.zeros_like(p).scatter_(1, ids.unsqueeze(1), 1)
    return 1 - (2 * (p * y).sum(space) + 1e-5) / (p.sum(space) + y.sum(space) + 1e-5)


def dice_of_gather(logits, ids, activation):
    """Without one-hot labels: each pixel's own probability goes to its class."""
    p = activation(logits)
    own = p.gather(1, ids.unsqueeze(1)).flatten(1)
    zeros = p.new_zeros(p.shape[:2])
    overlap = zeros.scatter_add(1, ids.flatten(1), own)
    targets = zeros.scatter_add(1, ids.flatten(1), torch.ones_like(own))
    return 1 - (2 * overlap + 1e-5) / (p.flatten(2).sum(2) + targets + 1e-5)


def binary_cross_entropy(logits, ids):
    """Of every class, summed, as ours is with sigmoids."""
    y = torch.zeros_like(logits).scatter_(1, ids.unsqueeze(1), 1)
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, y, reduction="sum") / ids.numel()


COMPILED = torch.compile(dice_of_one_hot)
DICE = {"one-hot": dice_of_one_hot, "gather": dice_of_gather, "compiled": COMPILED}
CROSS_ENTROPIES = {"softmax": torch.nn.functional.cross_entropy, "sigmoid": binary_cross_entropy}
ACTIVATIONS = {"softmax": lambda z: torch.softmax(z, 1), "sigmoid": torch.sigmoid}


def regions(work):
    shape = [work["batch"], work["classes"], *work["space"]]
    key = ("regions", *shape)
    if key not in made:
        made.clear()
        generator = torch.Generator().manual_seed(1)
        logits = 4 * torch.rand(shape, generator=generator) - 2
        made[key] = logits, torch.randint(shape[1], (shape[0], *shape[2:]), generator=generator)
    logits, ids = made[key]
    logits.requires_grad_(True)
    logits.grad = None
    start = time.perf_counter()
    loss = DICE[work["variant"]](logits, ids, ACTIVATIONS[work["activation"]]).mean()
    if work.get("crossEntropy"):
        loss = loss + work["crossEntropy"] * CROSS_ENTROPIES[work["activation"]](logits, ids)
    loss.backward()
    return time.perf_counter() - start


SUITES = {"rows": cut, "regions": lambda work: (regions(work), None)}


def run(work):
    for tensor in (tensor for group in made.values() for tensor in group):
        tensor.grad = None  # gradients belong to the call that makes them
    return SUITES.get(work.get("suite"), lambda work: (cross_entropy(work), None))(work)


taken = {}  # by workload
print(json.dumps({"version": f"torch {torch.__version__}"}), flush=True)
for line in sys.stdin:
    work = json.loads(line)
    if line not in taken:
        run(work)  # what is compiled once is not the workload's
        give_back()
        taken[line] = most_taken(lambda: run(work))
    seconds, product = run(work)
    print(json.dumps({"seconds": seconds, "productSeconds": product, "bytes": taken[line]}), flush=True)
