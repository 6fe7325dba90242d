"""A recognizer that reads your lines: from the shipped checkpoint to a models folder that `ocr_model` deploys.

    python -m models.training.finetune my_lines --out my_model [--chars letters.txt]        or: make finetune DATA=…
    python -m models.training.finetune my_lines --out my_model --steps 4 --rehearsal 8      a tiny run, seconds

my_lines holds pictures of one line each, and labels.tsv with the columns file and text. One line in ten is kept apart
to measure with. Half of a batch are these lines, half are synthetic ones (`--rehearsal`), so that nothing is forgotten;
for those, fonts and texts are fetched once, 260 MB. --chars adds characters, one a line of the file. Run again with
the same --out and more lines, it goes on from what it learnt. 600 steps take about 5 minutes of one core.
"""

import argparse
import copy
import itertools
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import torch
from ziyan.charset import Charset

from . import blend, charset, crops, export, fetch, parent, pool, publish, quantize, realtext, synth, texts, train, work
from .net import Recognizer
from .teacher import Teacher

SHIPPED = Path(__file__).with_name("checkpoints") / "crnn.pt"
OLD_LINES = 150  # synthetic lines that tell what was forgotten
RATE = 1.5  # of train.RATES
RECURRENT = 1.0  # of the LSTM's: the context alone tells a Latin “a” from a Cyrillic one
# Of the lines of rehearsal. Latin letters are a half of it: new letters that look like them take their place first.
REHEARSAL = {
    "english": 0.22,
    "bilingual": 0.16,
    "screen": 0.12,
    "sign": 0.09,
    "chinese": 0.08,
    "traditional": 0.07,
    "traditionalsign": 0.02,
    "pen": 0.06,
    "figures": 0.05,
    "handfont": 0.06,
    "latinhand": 0.05,
    "rare": 0.02,
}
BLEND = 0.9  # of the way from the net before to the tuned one: there lies what is delivered, new characters apart
SHARES = REHEARSAL | {"own": 1.0}  # of a batch: one half are the user's own lines


def with_characters(known: Charset, extra: Iterable[str]) -> Charset:
    """`known` with the characters it lacks before its last one, the space."""
    missing = dict.fromkeys(character for character in extra if character not in known)
    return Charset([*known.characters[:-1], *missing, " "])


def read_characters(path: Path | None) -> list[str]:
    """The characters of a file, one a line. ValueError for a line that is longer."""
    lines = path.read_text(encoding="utf-8").splitlines() if path else []
    if wrong := next((line for line in lines if len(line) > 1), None):
        raise ValueError(f"{path.name}: “{wrong}” is not one character; write one a line, without accents set apart")
    return [line for line in lines if line.strip()]


def check_labels(data: Path, known: Charset) -> None:
    """ValueError where there are no lines to learn from, or characters in them that the charset lacks."""
    lines = [line for line in realtext.read(data) if not line.held_out]
    if not lines:
        raise ValueError(f"{data}/labels.tsv names no lines: it wants the columns file and text, with tabs between")
    if missing := sorted({character for line in lines for character in line.text if character not in known}):
        raise ValueError(
            f"the labels hold {len(missing)} characters that the model lacks: {''.join(missing[:60])}\n"
            "Write those it is to learn into a file, one a line, and name it with --chars (CHARS=)."
        )


def prepare(folders: work.Folders, *, whole: bool) -> None:
    """Fetches the teacher, and if `whole` fonts and texts, where they are not here yet."""
    folders.packages.mkdir(parents=True, exist_ok=True)
    for source in fetch.sources():
        if source.kind == "parent" or (whole and source.kind != "peer"):
            fetch.fetch(source, folders.packages)
    if whole and not (folders.texts / "traditional.txt").exists():
        texts.write(folders)


def fill_pool(
    folder: Path, data: Path, folders: work.Folders, known: Charset, rehearsal: int, itself: parent.Parent
) -> pool.Pool:
    """A fresh pool of the lines of `data`, read by the teacher, and of `rehearsal` synthetic ones.

    Those are read by `itself`, the net as it is before: what it knew is what it is held to (Li and Hoiem 2016).
    """
    shutil.rmtree(folder, ignore_errors=True)
    able = frozenset(known.characters)
    own = Teacher(parent.small(folders.packages), known)
    pool.fill(folder, "own", pool.taught(pool.real_lines(data, seed=1), own, able))
    if rehearsal:
        lines = synth.synthetic_lines(folders, seed=7, shares=REHEARSAL)
        pool.fill(folder, "synthetic", pool.taught(lines, Teacher(itself, known), able), lines=rehearsal)
    filled = pool.Pool(folder)
    filled.refresh()
    return filled


def measured_lines(data: Path, folders: work.Folders, *, old: bool, evalset: Path | None) -> list[crops.Crop]:
    """The lines of `data` that are kept apart, then `old` synthetic ones and those of the development set."""
    chosen = crops.held_out(data)
    if old:
        lines = itertools.islice(synth.synthetic_lines(folders, seed=99), OLD_LINES)
        chosen += [crops.Crop(picture, text, "old characters") for picture, text, _ in lines]
    return chosen + (crops.development(evalset) if evalset else [])


def report(log: Path) -> str:
    """Before and after, category by category, as a table."""
    entries = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    rows = ["| CER % / exact % | before | after |", "|-|-|-|"]
    for name in sorted(entries[0]["scores"].keys() - {"development", "held-out", "long"}):
        first = entries[0]["scores"][name]
        both = (first, entries[-1]["scores"][name])
        cells = " | ".join(f"{100 * cell['cer']:.2f} / {100 * cell['exact']:.1f}" for cell in both)
        rows.append(f"| {name} ({first['lines']}) | {cells} |")
    return "\n".join(rows)


def finetune(data: Path, out: Path, folders: work.Folders, given: argparse.Namespace) -> str:
    """Writes the models folder `out` with its checkpoint crnn.pt; returns the table of what was won and lost.

    `given` has the command line's chars, steps, rehearsal, models and evalset. ValueError says what is wrong with them.
    """
    kept = out / "crnn.pt"
    net, old = train.averaged(kept if kept.exists() else SHIPPED)
    known = with_characters(old, read_characters(given.chars))
    check_labels(data, known)
    prepare(folders, whole=given.rehearsal > 0)
    scratch = folders.root / "finetune"
    scratch.mkdir(exist_ok=True)
    itself = parent.Parent(scratch / "itself.onnx", old)
    export.export(net, old, itself.model)
    filled = fill_pool(scratch / "pool", data, folders, known, given.rehearsal, itself)
    if len(known) > len(old):
        net = charset.extend_head(net, old, known, parent.small(folders.packages))
    measured = measured_lines(data, folders, old=given.rehearsal > 0, evalset=given.evalset)
    run = scratch / "run"
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True)
    fresh, often = len(known) - len(old), max(1, given.steps // 3)
    plan = train.Plan(given.steps, alone=0, rate=RATE, recurrent=RECURRENT, fresh=fresh, averaging=0.99, validate=often)
    before = copy.deepcopy(net)
    train.run(train.new_state(net, known), plan, filled, measured, run, shares=SHARES)
    tuned = drawn_back(before, train.averaged(run / "last.pt")[0], fresh=fresh)
    deliver(tuned, known, out, given.models)
    with (run / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps({"scores": train.scored(tuned, known, measured)}) + "\n")
    return report(run / "log.jsonl")


@torch.no_grad()
def drawn_back(before: Recognizer, tuned: Recognizer, *, fresh: int, share: float = BLEND) -> Recognizer:
    """The net `share` of the way from `before`, which is changed, to `tuned`: a little less is won and forgotten.

    The head's rows of the `fresh` characters before the last are the tuned ones. See `blend`.
    """
    mixed = blend.blended(before, tuned, share, recurrent=True)
    for mine, theirs in zip(mixed.head.parameters(), tuned.head.parameters(), strict=True):
        mine[-1 - fresh : -1] = theirs[-1 - fresh : -1]
    return mixed


def deliver(net: Recognizer, known: Charset, out: Path, models: Path) -> None:
    """Writes checkpoint, INT8 model, charset and manifest into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        whole, small = Path(folder) / "whole.onnx", Path(folder) / "small.onnx"
        export.export(net, known, whole)
        quantize.quantize(whole, small)
        publish.publish(small, models, out, version=f"{out.name}-{datetime.now():%Y%m%d%H%M}", metrics={})
    export.write_checkpoint(net, known, out / "crnn.pt")


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    work.option(parser).add_argument("data", type=Path, metavar="my_lines")
    parser.add_argument("--out", type=Path, default=Path("my_model"), help="models folder to write (default: my_model)")
    parser.add_argument("--chars", type=Path, help="characters to add, one a line")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--rehearsal", type=int, default=2000, help="synthetic lines against forgetting; 0: none")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder that `make models` prepared")
    parser.add_argument("--evalset", type=Path, help="folder of development crops to watch as well")
    return parser.parse_args()


def main() -> None:
    """Tunes on the folder named on the command line."""
    given = options()
    train.keep_memory()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    print(finetune(given.data, given.out, work.Folders(given.work), given))
    print(f"\n{given.out} is ready: OCR_MODELS_DIR={given.out.resolve()} for a service here,")
    print(f'make deploy ARGS="-e ocr_model_source={given.out.resolve()}" for the Pis.')


if __name__ == "__main__":
    try:
        main()
    except (ValueError, RuntimeError, OSError) as error:
        sys.exit(str(error))
