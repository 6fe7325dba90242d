"""Teaches the recognizer: the LSTM alone first, then all of it, each part at its own rate.

    python -m models.training.train --run first --realtext FOLDER --evalset FOLDER [--steps 4000]
    python -m models.training.train --run tiny --work FOLDER --steps 4 --alone 2 --columns 640    a tiny run, seconds

It runs on one core, or on the GPU that torch sees. Losses: CTC on lines with a label, and the teacher's cached steps on
all. The picture is spoilt anew each time (`view`). A stopped run (SIGTERM, power) goes on from runs/NAME/last.pt when
started again with the same words. Every --validate steps the moving average of the weights is scored; log.jsonl gets
one line, best.pt the best average so far.
"""

import argparse
import contextlib
import ctypes
import json
import math
import random
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

import numpy as np
import torch
from ziyan.charset import Charset

from . import charset, crops, parent, work
from .evaluate import scores
from .losses import label_loss, log_probabilities, needed_classes, quick_bfloat16, teacher_loss
from .net import STEP_PIXELS, Recognizer, Shape, load_parent
from .pool import Item, Pool, heeded
from .qat import Range, quantized
from .readers import TorchReader
from .splice import spliced
from .view import narrowed, student_view

SHARES = {  # of the lines of a batch; kinds that the pool lacks leave their share to the others
    "hand": 0.12,
    "mixed": 0.16,
    "photo": 0.13,
    "receipt": 0.04,
    "document": 0.06,  # with "chinese": at 0.08 together, small print on forms fell from 81 to 76 % exact
    "number": 0.01,
    "pen": 0.10,
    "handfont": 0.07,
    "latinhand": 0.04,
    "sign": 0.12,  # without it the net forgot lettering: scene crops fell from 91 to 85 % exact in 33,000 lines
    "screen": 0.08,
    "chinese": 0.05,
    "traditional": 0.16,
    "traditionalsign": 0.05,
    "english": 0.06,
    "bilingual": 0.06,
    "figures": 0.02,
    "rare": 0.02,
    "own": 1.0,  # a user's own lines, where there are any: half of a batch
}
REAL = frozenset({"hand", "mixed", "photo", "receipt", "document", "number"})
SPLICED = frozenset({"hand", "mixed", "photo", "document"})  # lines of Chinese, with gaps to cut at
RATES = {  # learning rates; the recurrence is new, all else is the parent's and must not be forgotten
    "lstm": 1e-3,
    "project": 1e-3,
    "neck": 1e-4,
    "squeeze": 1e-4,
    "head": 4e-5,
    "blocks": 3e-5,
    "stem": 3e-5,
}
ALONE_RATE = 2.5  # while the LSTM learns alone its rates are so many times higher
FRESH_RATE = 25.0  # the head's rows of characters that are new learn so many times faster than the old ones
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@dataclass(frozen=True)
class Plan:
    """What a run does; kept in its checkpoints."""

    steps: int = 4000
    alone: int = 400  # first steps in which only the LSTM and its projection learn
    columns: int = 10240  # of a batch: 32 lines of 320 pixels
    lstm_hidden: int = 96
    lstm_layers: int = 1
    rate: float = 1.0  # of RATES; less for a run that goes on with what another one learnt
    recurrent: float = 1.0  # of the LSTM's rates; less for one that has learnt
    fall: float = 0.3  # share of the steps, at the end, in which the rates fall; more steps may be added before
    squeeze: float = 0.9  # width of the lines as the net will read them; batches have 0.8 to 1.08 of it
    frozen: int = 2  # the stem and so many blocks stay the parent's: a fifth of a step's work for the least change
    int8: int = 0  # learn with what INT8 rounds: qat.STORED, the weights, or qat.COMPUTED, the arithmetic
    fresh: int = 0  # characters at the charset's end, before the space, that no line was seen with yet
    averaging: float = 0.999  # of the moving average of the weights
    damaged: float = 0.5  # share of the lines that `view` damages
    spliced: float = 0.4  # share of the lines of kinds SPLICED that get the right part of another one
    real: float = 1.0  # the shares of real kinds are so many times SHARES; more for the last, slow part of a run
    labels: float = 1.0  # weight of the label loss
    teacher: float = 1.0  # weight of the teacher loss
    validate: int = 200
    seed: int = 1


@dataclass
class State:
    """All that a run needs to go on."""

    net: Recognizer
    average: Recognizer
    charset: Charset
    optimizer: torch.optim.Optimizer
    step: int = 0
    lines: int = 0
    core_seconds: float = 0.0
    best: float = math.inf
    ranges: dict[str, Range] = field(default_factory=dict)  # for qat; found again after a pause


def first_net(folders: work.Folders, plan: Plan) -> Recognizer:
    """The parent with the recipe's charset and a silent LSTM."""
    old, teacher = parent.tiny(folders.packages), parent.small(folders.packages)
    net = load_parent(old.model, lstm_hidden=plan.lstm_hidden, lstm_layers=plan.lstm_layers)
    return charset.extend_head(net, old.charset, charset.load(), teacher)


def new_state(net: Recognizer, known: Charset, *, squeeze: float | None = None) -> State:
    """A run before its first step; `squeeze`: the net is to read lines so narrow from now on."""
    if squeeze is not None:
        net.shape = replace(net.shape, squeeze=squeeze)
    net.to(DEVICE, memory_format=torch.channels_last)
    groups = [
        {"params": list(module.parameters()), "name": name, "lr": RATES[name]}
        for name, module in net.named_children()
        if module is not None
    ]
    average = Recognizer(net.shape).to(DEVICE)
    average.load_state_dict(net.state_dict())
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=1e-3)
    return State(net.train(), average.eval(), known, optimizer)


def save(state: State, plan: Plan, path: Path) -> None:
    """Writes a checkpoint whole or not at all."""
    numbers = {key: getattr(state, key) for key in ("step", "lines", "core_seconds", "best")}
    weights = {key: getattr(state, key).state_dict() for key in ("net", "average", "optimizer")}
    facts = {"plan": asdict(plan), "shape": asdict(state.net.shape), "characters": state.charset.characters}
    unfinished = path.with_suffix(".part")
    torch.save({**facts, **numbers, **weights}, unfinished)
    unfinished.replace(path)


def resume(path: Path) -> State:
    """The state that `save` wrote."""
    kept = torch.load(path, weights_only=True, map_location=DEVICE)
    state = new_state(Recognizer(Shape(**kept["shape"])), Charset(kept["characters"]))
    for key in ("net", "average", "optimizer"):
        getattr(state, key).load_state_dict(kept[key])
    state.step, state.lines, state.core_seconds, state.best = (
        kept[key] for key in ("step", "lines", "core_seconds", "best")
    )
    return state


def averaged(path: Path) -> tuple[Recognizer, Charset]:
    """The averaged weights of a run's checkpoint, or of one that `export` made, in eval mode, and their charset."""
    kept = torch.load(path, weights_only=True, map_location="cpu")
    net = Recognizer(Shape(**kept["shape"]))
    net.load_state_dict({name: value.float() for name, value in kept["average"].items()})
    return net.eval(), Charset(kept["characters"])


class Batches:
    """Batches of lines of like width, kinds by `shares`, the same ones for the same seed and step."""

    def __init__(self, pool: Pool, plan: Plan, known: Charset, shares: Mapping[str, float] = SHARES):
        self.pool, self.plan, self.known, self.shares = pool, plan, known, shares
        self.by_kind: dict[str, list[int]] = {}
        for index, kind in enumerate(pool.kinds):
            self.by_kind.setdefault(kind, []).append(index)

    def draw(self, step: int) -> tuple[list[Item], random.Random]:
        """The items of one step, and the random numbers to spoil them with."""
        draw = random.Random(f"{self.plan.seed} {step}")
        kinds = [kind for kind in self.shares if kind in self.by_kind]
        weights = [self.shares[kind] * (self.plan.real if kind in REAL else 1) for kind in kinds]
        indices = [draw.choice(self.by_kind[kind]) for kind in draw.choices(kinds, weights, k=256)]
        indices.sort(key=self._steps)
        start, chosen = draw.randrange(len(indices)), []
        for index in indices[start:]:
            if chosen and (len(chosen) + 1) * self._steps(index) * STEP_PIXELS > self.plan.columns:
                break
            chosen.append(index)
        return [self._item(index, draw) for index in chosen], draw

    def _item(self, index: int, draw: random.Random) -> Item:
        """The line, or its left part with the right part of another of its kind."""
        item = self.pool[index]
        if item.kind in SPLICED and draw.random() < self.plan.spliced:
            item = spliced(item, self.pool[draw.choice(self.by_kind[item.kind])], self.known, draw)
        return heeded(item, self.known)

    def _steps(self, index: int) -> int:
        return len(self.pool.steps[index][0])


def tensors(
    items: list[Item], draw: random.Random, *, squeeze: float = 1.0, damaged: float = 0.5
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Spoilt lines (N, 3, 48, W), the teacher's classes and probabilities (N, T, 4), and each line's own steps (N,)."""
    items = [narrowed(item, squeeze) for item in items]
    steps = torch.tensor([-(-item.pixels.shape[1] // STEP_PIXELS) for item in items])
    count, longest = len(items), int(steps.max()) + draw.randint(0, 8)
    lines = np.zeros((count, 3, items[0].pixels.shape[0], longest * STEP_PIXELS), np.float32)
    classes, probabilities = np.zeros((count, longest, 4), np.int64), np.zeros((count, longest, 4), np.float32)
    for row, item in enumerate(items):
        image = student_view(item.pixels, draw, damaged=damaged)
        lines[row, :, :, : image.shape[1]] = image.transpose(2, 0, 1) / 127.5 - 1
        taught = min(longest, len(item.classes))
        classes[row, :taught], probabilities[row, :taught] = item.classes[:taught], item.probabilities[:taught]
        probabilities[row, taught:, 0] = float(item.probabilities.any())  # class 0: the padding is blank
    lines = torch.from_numpy(lines).contiguous(memory_format=torch.channels_last)
    return lines, torch.from_numpy(classes), torch.from_numpy(probabilities), steps


def set_rates(state: State, plan: Plan) -> None:
    """Warms up, stays, falls in a line to 3 % (Hu et al. 2024); in the first steps only the recurrence has a rate."""
    left = max(0.0, 1 - state.step / plan.steps)
    scale = plan.rate * min(1.0, (state.step + 1) / 50) * (0.03 + 0.97 * min(1.0, left / max(plan.fall, 1e-9)))
    alone = is_alone(state, plan)
    for group in state.optimizer.param_groups:
        recurrent = group["name"] in ("lstm", "project")
        group["lr"] = RATES[group["name"]] * scale
        if recurrent:
            group["lr"] *= plan.recurrent * (ALONE_RATE if alone else 1)
        if group["name"] == "head" and plan.fresh:
            group["lr"] *= FRESH_RATE
        for parameter in group["params"]:
            parameter.requires_grad_(recurrent or not alone)


def is_alone(state: State, plan: Plan) -> bool:
    """Whether only the LSTM learns at this step."""
    return state.net.lstm is not None and state.step < plan.alone


def learn(state: State, plan: Plan, items: list[Item], draw: random.Random) -> tuple[float, float]:
    """One step of the optimizer and of the moving average; returns the label loss and the teacher loss."""
    set_rates(state, plan)
    squeeze = state.net.shape.squeeze * draw.uniform(0.8, 1.08)
    lines, classes, probabilities, steps = tensors(items, draw, squeeze=squeeze, damaged=plan.damaged)
    classes, probabilities = classes.to(DEVICE), probabilities.to(DEVICE)
    targets = [state.charset.encode(item.text) for item in items]
    needed = needed_classes(targets, classes)
    place = torch.zeros(state.charset.classes, dtype=torch.int64, device=DEVICE)
    place[needed] = torch.arange(len(needed), device=DEVICE)
    state.optimizer.zero_grad(set_to_none=True)
    with quantized(state.net, plan.int8, state.ranges):
        with torch.autocast(DEVICE.type, torch.bfloat16, enabled=quick_bfloat16(DEVICE)):
            columns = state.net.convolve(lines.to(DEVICE), frozen=plan.frozen)
        spoken = log_probabilities(state.net.describe(columns.float()), state.net.head, needed)
        labels = label_loss(spoken, [place[target].tolist() for target in targets], steps)
        likeness = teacher_loss(spoken, place[classes], probabilities)
        (plan.labels * labels + plan.teacher * likeness).backward()
    torch.nn.utils.clip_grad_norm_(state.net.parameters(), 2.0)
    with slow_old_rows(state.net.head, plan.fresh) if plan.fresh else contextlib.nullcontext():
        state.optimizer.step()
    state.step += 1
    state.lines += len(items)
    average_in(state, plan)
    return labels.item(), likeness.item()


@contextlib.contextmanager
def slow_old_rows(head: torch.nn.Linear, fresh: int) -> Iterator[None]:
    """What the block does to the head counts in full for the `fresh` rows before the last, else by 1 / FRESH_RATE."""
    before = [parameter.detach().clone() for parameter in (head.weight, head.bias)]
    yield
    share = torch.full((len(head.bias),), 1 / FRESH_RATE, device=head.bias.device)
    share[-1 - fresh : -1] = 1
    for old, parameter in zip(before, (head.weight, head.bias), strict=True):
        own = share if parameter.dim() == 1 else share[:, None]
        parameter.data = old + (parameter.data - old) * own


@torch.no_grad()
def average_in(state: State, plan: Plan) -> None:
    """Moves the average towards the weights, faster while the run is young."""
    keep = min(plan.averaging, (state.step + 1) / (state.step + 10))
    for mean, value in zip(state.average.parameters(), state.net.parameters(), strict=True):
        mean.lerp_(value, 1 - keep)


def run(
    state: State,
    plan: Plan,
    pool: Pool,
    measured: list[crops.Crop],
    folder: Path,
    *,
    shares: Mapping[str, float] = SHARES,
) -> None:
    """Learns until the plan's last step or SIGTERM, keeping last.pt, best.pt and log.jsonl in `folder`."""
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    batches, running, saved = Batches(pool, plan, state.charset, shares), np.zeros(2), time.monotonic()
    if state.step == 0:
        note(state, plan, folder, measured, running)
    while state.step < plan.steps and not stopped:
        started = time.process_time()
        items, draw = batches.draw(state.step)
        losses = np.array(learn(state, plan, items, draw))
        running = losses if not running.any() else 0.98 * running + 0.02 * losses
        state.core_seconds += time.process_time() - started
        if state.step % plan.validate == 0 or state.step == plan.steps:
            note(state, plan, folder, measured, running)
            pool.refresh()
            batches = Batches(pool, plan, state.charset, shares)
        if time.monotonic() - saved > 180:
            save(state, plan, folder / "last.pt")
            saved = time.monotonic()
    save(state, plan, folder / "last.pt")


def scored(net: Recognizer, known: Charset, measured: list[crops.Crop]) -> dict[str, dict[str, float]]:
    """How well `net` reads `measured`, by category."""
    return scores(measured, TorchReader(net, known)([crop.pixels for crop in measured]))


def note(state: State, plan: Plan, folder: Path, measured: list[crops.Crop], running: np.ndarray) -> None:
    """Scores the average, appends a line to the log, and keeps the average if it is the best yet."""
    found = scored(state.average, state.charset, measured)
    entry = {
        "step": state.step,
        "lines": state.lines,
        "core_seconds": round(state.core_seconds),
        "label_loss": round(float(running[0]), 4),
        "teacher_loss": round(float(running[1]), 4),
        "scores": found,
    }
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(entry) + "\n")
    parts = [found[name]["cer"] for name in ("development", "held-out") if name in found]
    if parts and sum(parts) < state.best:
        state.best = sum(parts)
        save(state, plan, folder / "best.pt")
    short = {name: found[name] for name in ("development", "held-out") if name in found}
    print(json.dumps({**entry, "scores": short}), flush=True)


def options() -> argparse.Namespace:
    """The command line; every field of Plan is an option."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    work.option(parser).add_argument("--run", required=True, help="name of the run, a folder in runs/")
    parser.add_argument("--realtext", type=Path, help="folder of real lines, for the held-out ones")
    parser.add_argument("--evalset", type=Path, help="folder of the development crops")
    parser.add_argument("--start", type=Path, help="checkpoint to start from instead of the parent")
    parser.add_argument("--only", default="", help="shards whose name begins so: real or synthetic")
    for one in fields(Plan):
        parser.add_argument(f"--{one.name.replace('_', '-')}", type=type(one.default), default=one.default)
    return parser.parse_args()


def keep_memory() -> None:
    """Lets glibc keep freed memory: giving each step's buffers back and taking them again cost a third of the time."""
    libc = ctypes.CDLL(None)
    trim_threshold, mmap_max = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX of malloc.h
    if hasattr(libc, "mallopt"):  # musl and macOS have none
        libc.mallopt(trim_threshold, 2**31 - 1)
        libc.mallopt(mmap_max, 0)


def main() -> None:
    """Runs or resumes the run named on the command line."""
    given = options()
    plan = Plan(**{one.name: getattr(given, one.name) for one in fields(Plan)})
    folders = work.Folders(given.work)
    folder = folders.runs / given.run
    folder.mkdir(parents=True, exist_ok=True)
    keep_memory()
    torch.set_num_threads(1)
    torch.manual_seed(plan.seed)
    pool = Pool(folders.pool, only=given.only)
    pool.refresh()
    if not len(pool):
        sys.exit(f"{folders.pool} holds no lines: run python -m models.training.pool first, with the same --work")
    measured = crops.development(given.evalset) if given.evalset else []
    measured += crops.held_out(given.realtext, per_kind=60) if given.realtext else []
    if (folder / "last.pt").exists():
        state = resume(folder / "last.pt")
    elif given.start:
        state = new_state(*averaged(given.start), squeeze=plan.squeeze)
    else:
        state = new_state(first_net(folders, plan), charset.load(), squeeze=plan.squeeze)
    run(state, plan, pool, measured, folder)


if __name__ == "__main__":
    main()
