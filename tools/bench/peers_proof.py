"""Whether the sides of tools/bench/peers compute the same as PyTorch does in double precision."""

import numpy as np

from worker import Failure

LOGITS = LOSSES = 1e-4
# ‖ours − theirs‖ ≤ CHANGE · ‖theirs' change‖ + 1e-6 · ‖parameter‖, tensor by tensor: a bias that the next batch
# normalisation takes away hardly changes, and noise divided by noise says nothing.
CHANGE = 2e-3
SMALL = 1e-6 / CHANGE
# A ReLU whose input is nearly zero opens in one precision and not in the other, so that PyTorch in single precision
# itself leaves these limits in a deep network. Then four times its own error is allowed, as in all parity tests; but
# never for the first loss. The tensor in the middle, by error, tells rounding from a wrong rule: that moves them all.
OWN = 4
STEPS = 3


def check(name: str, found: float, limit: float) -> dict:
    if not found <= limit:
        raise Failure(f"{name}: differs by {found:.2e} from PyTorch in double precision, {limit:.1e} is allowed")
    return {"what": name, "difference": float(found), "limit": float(limit)}


def difference(ours, theirs) -> float:
    """max |ours − theirs| / max |theirs|, as in all parity tests."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if ours.shape != theirs.shape or not np.isfinite(ours).all():
        return float("inf")
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def logits(name: str, ours, reference) -> dict:
    return check(f"{name}: logits", difference(ours, reference), LOGITS)


def steps(name: str, ours, double, single, start, strictly: bool) -> list[dict]:
    """After three training steps: the losses, and what parameters and running statistics have changed by. `double` and
    `single` are PyTorch's in these precisions; all three are archives with losses and after/…, `start` holds
    parameter/…. Strictly, a tensor is allowed what that very tensor is off in single precision, otherwise what the worst
    is: PyTorch's other ways round otherwise, and open other ReLUs."""
    losses, reference = np.asarray(ours["losses"])[:STEPS], double["losses"]
    allowed = max(LOSSES, OWN * difference(single["losses"], reference))
    mine, own = changes(name, ours, double, start), changes(name, single, double, start)
    limits = {tensor: max(CHANGE, OWN * (own[tensor] if strictly else max(own.values()))) for tensor in mine}
    worst = max(mine, key=lambda tensor: mine[tensor] / limits[tensor])
    moved = [tensor for tensor in mine if np.any(double[f"after/{tensor}"] != start[f"parameter/{tensor}"])]
    middle, own_middle = (float(np.median([errors[tensor] for tensor in moved])) for errors in (mine, own))
    return [
        check(f"{name}: the first loss", difference(losses[:1], reference[:1]), LOSSES),
        check(f"{name}: {STEPS} losses", difference(losses, reference), allowed),
        check(f"{name}: change of the tensor in the middle", middle, max(CHANGE, OWN * own_middle)),
        check(f"{name}: change of every tensor, worst {worst}", mine[worst], limits[worst]),
    ]


def changes(name: str, found, double, start) -> dict[str, float]:
    """For each tensor, how far its change is from the one in double precision."""
    errors = {}
    for key in double.files:
        kind, _, tensor = key.partition("/")
        # PyTorch's counter of batches is no part of what is computed.
        if kind != "after" or tensor.endswith("num_batches_tracked"):
            continue
        if key not in found.files or f"parameter/{tensor}" not in start.files:
            raise Failure(f"{name}: there is no {tensor} in what zoo bench --verify wrote")
        errors[tensor] = relative_change(found[key], double[key], start[f"parameter/{tensor}"])
    return errors


def relative_change(ours, theirs, start) -> float:
    theirs = np.asarray(theirs, np.float64)
    if ours.shape != theirs.shape or not np.isfinite(ours).all():
        return float("inf")
    apart = np.linalg.norm((ours - theirs).ravel())
    if apart == 0:
        return 0.0
    start = np.asarray(start, np.float64)
    return float(apart / (np.linalg.norm((theirs - start).ravel()) + SMALL * np.linalg.norm(start.ravel())))
