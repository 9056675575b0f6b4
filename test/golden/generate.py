"""Writes cross-entropy.json: PyTorch's answers, in float64, to small problems of our own making.

Run by hand where PyTorch is installed: python test/golden/generate.py, then npm run format. The inputs go into the file with the answers,
so that the tests need neither PyTorch nor its random numbers. Options that PyTorch's function lacks (z-loss, softcap,
the row objectives) are composed from tensors here, and autograd differentiates them.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(3)
N, V = 7, 6
f64 = torch.float64
logits = (torch.randn(N, V, dtype=f64) * 3).round(decimals=6)
targets = torch.tensor([0, 5, 2, -100, 4, 1, 3])
class_weights = (0.2 + torch.rand(V, dtype=f64)).round(decimals=6)
probabilities = torch.softmax(torch.randn(N, V, dtype=f64), 1).round(decimals=6)
upstream = torch.randn(N, dtype=f64).round(decimals=6)
cases = []


def listed(tensor):
    return tensor.detach().flatten().tolist()


def case(name, function, inputs, options, upstream=None):
    """function(z) gives the items with reduction 'none', else the loss."""
    z = logits.clone().requires_grad_()
    result = function(z)
    total = result.sum() if upstream is None else (result * upstream).sum()
    total.backward()
    entry = {"name": name, "inputs": {"logits": listed(logits), "classes": V, **inputs}, "options": options}
    if upstream is not None:
        entry["options"] = {**options, "upstream": listed(upstream)}
    entry["loss"] = result.sum().item()
    if result.ndim:
        entry["perItem"] = listed(result)
    entry["gradient"] = listed(z.grad)
    cases.append(entry)


ids = {"targets": listed(targets)}
soft = {"probabilities": listed(probabilities)}
weighted = {"classWeights": listed(class_weights)}

for reduction in ("mean", "sum", "none"):
    for smoothing in (0.0, 0.15, 1.0):
        for with_weights in (False, True):
            w = class_weights if with_weights else None
            more = weighted if with_weights else {}
            label = f"{reduction}, smoothing {smoothing}{', class weights' if with_weights else ''}"
            options = {"reduction": reduction, "labelSmoothing": smoothing}
            scale = upstream if reduction == "none" else None
            keywords = dict(weight=w, reduction=reduction, label_smoothing=smoothing)
            case(f"class ids, {label}", lambda z: F.cross_entropy(z, targets, **keywords), {**ids, **more}, options, scale)
            case(f"probabilities, {label}", lambda z: F.cross_entropy(z, probabilities, **keywords), {**soft, **more}, options, scale)

case(
    "ignore_index inside the classes",
    lambda z: F.cross_entropy(z, targets.clamp(min=0), weight=class_weights, ignore_index=2, label_smoothing=0.1),
    {"targets": listed(targets.clamp(min=0)), **weighted},
    {"ignoreIndex": 2, "labelSmoothing": 0.1},
)


def composed(z):
    s = 2.5 * torch.tanh(z / 0.7 / 2.5)
    lse = torch.logsumexp(s, 1)
    ce = F.cross_entropy(s, targets, weight=class_weights, reduction="none", label_smoothing=0.1)
    counted = targets != -100
    items = torch.where(counted, ce + 0.02 * lse**2, torch.zeros(()))
    return items.sum() / class_weights[targets[counted]].sum()


case(
    "softcap, temperature, z-loss, smoothing and class weights",
    composed,
    {**ids, **weighted},
    {"softcap": 2.5, "temperature": 0.7, "zLoss": 0.02, "labelSmoothing": 0.1},
)

path = pathlib.Path(__file__).with_name("cross-entropy.json")
path.write_text(json.dumps({"torch": torch.__version__, "cases": cases}) + "\n")
print(f"{len(cases)} cases, {path.stat().st_size} bytes")
