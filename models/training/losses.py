"""What the net is taught with: the labels (CTC) and the teacher's reading, step by step."""

import torch
from torch.nn import functional

BLANK = 0
EARLY_COST = 0.5  # student one step before the teacher: rare in the parent, so made dearer
BLANK_SHARE = 0.3


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
        torch.tensor([number for row in labelled for number in targets[row]]),
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
