"""The two losses: expected values by hand."""

import math

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: the training recipe is not tested [not in CI]")

from models.training.losses import label_loss, log_probabilities, needed_classes, teacher_loss  # noqa: E402

CLASSES = 5
EMITTED = 3


def steps(*classes: int, certain: float = 0.96):
    """Log-probabilities (1, T, 5) that name one class per step."""
    table = torch.full((1, len(classes), CLASSES), (1 - certain) / (CLASSES - 1))
    for step, number in enumerate(classes):
        table[0, step, number] = certain
    return table.log()


def taught(*classes: int):
    """A teacher that is sure of one class per step."""
    numbers = torch.zeros(1, len(classes), 4, dtype=torch.int64)
    numbers[0, :, 0] = torch.tensor(classes)
    certain = torch.zeros(1, len(classes), 4)
    certain[..., 0] = 1
    return numbers, certain


def test_agreeing_with_the_teacher_costs_little():
    loss = teacher_loss(steps(0, 0, EMITTED, 0, 0), *taught(0, 0, EMITTED, 0, 0))
    assert loss.item() == pytest.approx(-1.3 * math.log(0.96), abs=1e-5)


def test_answering_one_step_late_costs_no_more():
    on_time = teacher_loss(steps(0, 0, EMITTED, 0, 0, 0), *taught(0, 0, EMITTED, 0, 0, 0))
    late = teacher_loss(steps(0, 0, 0, EMITTED, 0, 0), *taught(0, 0, EMITTED, 0, 0, 0))
    assert late.item() == pytest.approx(on_time.item(), abs=1e-5)


def test_answering_one_step_early_costs_a_little_more():
    on_time = teacher_loss(steps(0, 0, EMITTED, 0, 0), *taught(0, 0, EMITTED, 0, 0))
    early = teacher_loss(steps(0, EMITTED, 0, 0, 0), *taught(0, 0, EMITTED, 0, 0))
    assert early.item() == pytest.approx(on_time.item() + 0.5, abs=1e-5)


def test_answering_two_steps_late_costs_much():
    loss = teacher_loss(steps(0, 0, 0, 0, EMITTED, 0), *taught(0, 0, EMITTED, 0, 0, 0))
    assert loss.item() > 3


def test_a_late_answer_does_not_wrap_around_the_end():
    loss = teacher_loss(steps(EMITTED, 0, 0, 0), *taught(0, 0, 0, EMITTED))
    assert loss.item() > 3


def test_a_teacher_without_a_say_teaches_nothing():
    numbers, certain = taught(0, EMITTED, 0)
    assert teacher_loss(steps(1, 1, 1), numbers, certain * 0).item() == 0


def test_a_right_label_costs_less_than_a_wrong_one():
    table = steps(0, EMITTED, 0, 2, 0)
    right = label_loss(table, [[EMITTED, 2]], torch.tensor([5]))
    wrong = label_loss(table, [[EMITTED, 4]], torch.tensor([5]))
    assert right.item() < 0.2 < 1 < wrong.item()


def test_lines_without_a_label_are_left_out():
    table = torch.cat([steps(0, EMITTED, 0), steps(0, 1, 0)])
    both = label_loss(table, [[EMITTED], []], torch.tensor([3, 3]))
    alone = label_loss(table[:1], [[EMITTED]], torch.tensor([3]))
    assert both.item() == pytest.approx(alone.item())
    assert label_loss(table, [[], []], torch.tensor([3, 3])).item() == 0


def test_the_needed_classes_are_those_of_labels_and_teacher_and_the_blank():
    assert needed_classes([[7, 3], []], torch.tensor([[[3, 9, 0, 2]]])).tolist() == [0, 2, 3, 7, 9]


def test_the_probabilities_of_needed_classes_and_their_gradients_are_those_of_all_classes():
    torch.manual_seed(0)
    head, needed = torch.nn.Linear(6, 40), torch.tensor([0, 4, 17])
    features = torch.randn(2, 5, 6, requires_grad=True)
    weights = torch.randn(2, 5, 3)
    found = log_probabilities(features, head, needed)
    expected = head(features).log_softmax(-1)[..., needed]
    assert torch.allclose(found, expected, atol=1e-5)
    wanted = (features, head.weight, head.bias)
    mine = torch.autograd.grad((found * weights).sum(), wanted)
    theirs = torch.autograd.grad((expected * weights).sum(), wanted)
    for one, other in zip(mine, theirs, strict=True):
        assert torch.allclose(one, other, atol=0.02 * other.abs().max().item())  # bfloat16


def test_a_step_that_is_sure_of_its_class_gets_next_to_no_gradient():
    torch.manual_seed(0)
    head, needed = torch.nn.Linear(6, 40), torch.tensor([0, 4])
    features = (head.weight[4] * 60).detach().reshape(1, 1, 6).requires_grad_()
    found = log_probabilities(features, head, needed)
    assert found[0, 0, 1].exp() > 0.999
    (gradient,) = torch.autograd.grad(found[0, 0, 1], features)
    (expected,) = torch.autograd.grad(head(features).log_softmax(-1)[0, 0, 4], features)
    assert torch.allclose(gradient, expected, atol=2e-5)
