"""What the net is taught with: the labels (CTC) and the teacher's reading, step by step.

Both need a few hundred classes of a batch and, for all 9,818, only the sum that makes them probabilities. Computing
that sum with its own gradient (`log_probabilities`) instead of a table of all classes made a step 1.8 times faster.
"""

import torch
from torch import nn
from torch.nn import functional

BLANK = 0
EARLY_COST = 0.5  # student one step before the teacher: rare in the parent, so made dearer
BLANK_SHARE = 0.3


def quick_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 saves time on `device`: a processor without instructions for it took 12 times longer."""
    return device.type != "cpu" or torch.cpu._is_avx512_bf16_supported()


def needed_classes(targets: list[list[int]], classes: torch.Tensor) -> torch.Tensor:
    """The classes (K,) that labels and teacher speak of, in order, the blank first."""
    spoken = torch.tensor([BLANK, *(number for target in targets for number in target)])
    return torch.cat([spoken.to(classes.device), classes.reshape(-1)]).unique()


def log_probabilities(features: torch.Tensor, head: nn.Linear, needed: torch.Tensor) -> torch.Tensor:
    """(N, T, K): columns `needed` of log_softmax(head(features)) for features (N, T, 80)."""
    partition = _LogPartition.apply(features.flatten(0, 1), head.weight, head.bias, needed)
    logits = functional.linear(features, head.weight[needed], head.bias[needed])
    return logits - partition.view(*features.shape[:2], 1)


class _LogPartition(torch.autograd.Function):
    """log of the sum of exp(logits) over all classes: (R,) of features (R, F).

    Its gradient is exact for the `needed` classes, and for the others in bfloat16 where that is quick. All in bfloat16,
    a sure step got the rounding of its class's weights as its gradient, the same at every such step: 20,000 lines of it
    made printed, scene and handwritten lines worse alike.
    """

    @staticmethod
    def forward(
        context, features: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, needed: torch.Tensor
    ) -> torch.Tensor:
        logits = torch.addmm(bias, features, weight.T)
        largest = logits.amax(1, keepdim=True)
        powers = logits.sub_(largest).exp_()
        total = powers.sum(1, keepdim=True)
        probabilities = powers.div_(total)
        exact = probabilities[:, needed]
        others = probabilities.index_fill_(1, needed, 0)
        if quick_bfloat16(features.device):
            others = others.bfloat16()
        context.save_for_backward(features, weight, needed, exact, others)
        return (largest + total.log()).squeeze(1)

    @staticmethod
    def backward(context, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, None]:
        features, weight, needed, exact, others = context.saved_tensors
        gradient = gradient[:, None]
        to_features = ((others @ weight.to(others.dtype)).float() + exact @ weight[needed]) * gradient
        weighted = torch.cat([features * gradient, gradient], 1)
        to_head = (others.T @ weighted.to(others.dtype)).float()
        to_head[needed] += exact.T @ weighted
        return to_features, to_head[:, :-1], to_head[:, -1], None


def label_loss(log_probabilities: torch.Tensor, targets: list[list[int]], steps: torch.Tensor) -> torch.Tensor:
    """Mean CTC loss per character (Graves et al. 2006) of the lines that have a label.

    log_probabilities (N, T, C); targets: N lists of classes, empty where no label can be trusted; steps (N,): how many
    of the T steps belong to each line. A label that cannot fit its steps counts nothing.
    """
    labelled = [row for row, target in enumerate(targets) if target]
    if not labelled:
        return log_probabilities.sum() * 0
    return functional.ctc_loss(
        log_probabilities[labelled].transpose(0, 1),
        torch.tensor([number for row in labelled for number in targets[row]], device=log_probabilities.device),
        steps[labelled],
        torch.tensor([len(targets[row]) for row in labelled]),
        blank=BLANK,
        zero_infinity=True,
    )


def teacher_loss(log_probabilities: torch.Tensor, classes: torch.Tensor, probabilities: torch.Tensor) -> torch.Tensor:
    """Divergence from the teacher's likeliest classes, where the student may answer one step early or late.

    log_probabilities (N, T, C); classes int64 and probabilities float32, both (N, T, 4), probabilities all 0 where the
    teacher has no say. The parent emits a character at the teacher's step in 73 % of cases and one later in 25 %, so
    each emission is charged at the cheapest of three steps; blank is taught where no neighbour emits.
    """
    spoken = probabilities.sum(-1) > 0
    emits = spoken & ((probabilities * (classes == BLANK)).sum(-1) < 0.5)
    cheapest = torch.stack([_divergence(log_probabilities, classes, probabilities, late) for late in (0, 1, -1)])
    emission = (cheapest.amin(0) * emits).sum() / emits.sum().clamp_min(1)
    near = emits.clone()
    near[:, 1:] |= emits[:, :-1]
    near[:, :-1] |= emits[:, 1:]
    silent = spoken & ~near
    silence = -(log_probabilities[..., BLANK] * silent).sum() / silent.sum().clamp_min(1)
    return emission + BLANK_SHARE * silence


def _divergence(
    log_probabilities: torch.Tensor, classes: torch.Tensor, probabilities: torch.Tensor, late: int
) -> torch.Tensor:
    """(N, T): Kullback-Leibler divergence of the student's step t + late from the teacher's step t."""
    student = torch.roll(log_probabilities, -late, 1).gather(2, classes)
    divergence = (probabilities * (probabilities.clamp_min(1e-6).log() - student)).sum(-1)
    if late > 0:
        return functional.pad(divergence[:, :-late], (0, late), value=torch.inf)
    if late < 0:
        return functional.pad(divergence[:, -late:] + EARLY_COST, (-late, 0), value=torch.inf)
    return divergence
