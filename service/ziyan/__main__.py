"""The command line: `ziyan web`, `reader`, `read FILE...`, `client URL FILE...`, `token NAME`, `check`, `bench`."""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click

from ziyan import __version__, files, options, outputs, settings, tokens, vitals
from ziyan.errors import ZiyanError

# On the command line a document may be as large as the machine can take: its owner sent it.
_MOST_PAGES, _MOST_BYTES = 1_000_000, 1 << 30


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Ziyan 字眼：离线识别中英文图片。 Reads Chinese and English pictures, offline."""


@main.command()
def web() -> None:
    """网页与接口。 Serve the page and the API."""
    from ziyan import log
    from ziyan.web import app

    log.configure()
    app.serve(settings.load())


@main.command()
def reader() -> None:
    """识别程序。 Serve the models to ocr-web."""
    from ziyan import log
    from ziyan.reader import app

    log.configure()
    app.serve(settings.load())


def _asked(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command every option of a request, as /api/options lists them."""
    for name, spec in reversed(options.describe().items()):
        kind = click.Choice(spec["enum"]) if "enum" in spec else str
        shown = f"{spec['description']}  [default: {spec['default'] if spec['default'] != '' else '-'}]"
        command = click.option(f"--{name.replace('_', '-')}", name, type=kind, help=shown)(command)
    return command


def _where_to(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command its files and where their results go."""
    paths = click.Path(exists=True, path_type=Path)
    folder = click.Path(file_okay=False, path_type=Path)
    forms = click.Choice(list(outputs.FORMATS))
    for decorate in (
        click.argument("paths", nargs=-1, required=True, type=paths),
        click.option("--format", "form", type=forms, help="输出文件的格式。 Write files of this format."),
        click.option("--out", type=folder, help="输出文件夹，默认在原文件旁。 Folder for them [default: beside each]."),
        click.option("--force", is_flag=True, help="PDF 已有文字也重新识别。 Read PDF pages that carry text, too."),
    ):
        command = decorate(command)
    return command


@main.command()
@_asked
@click.option("--json", "as_json", is_flag=True, help="每页一行 JSON。 One JSON line a page.")
@_where_to
def read(paths: tuple[Path, ...], form: str | None, out: Path | None, force: bool, as_json: bool, **asked: str) -> None:
    """识别图片、PDF 与文件夹。 Read pictures, documents and folders; print their text, or write files."""
    from ziyan import documents, reading

    chosen = options.parse({name: value for name, value in asked.items() if value is not None})
    found, pipeline = list(files.found(paths)), _pipeline()
    limits = documents.Limits(
        pages=_MOST_PAGES, pixels=settings.load().max_pixels, picture_bytes=_MOST_BYTES, unpacked_bytes=1 << 40
    )
    total = sum(reading.count(path, limits) for path in found)
    failed = 0
    with click.progressbar(length=total, file=sys.stderr, hidden=total < 2, item_show_func=_name) as progress:
        for path in found:
            read = reading.Reading(path, pipeline, chosen, limits, force=force)
            turned = partial(progress.update, 1, path)
            pieces = _json_lines(path, read.pages(turned)) if as_json else read.render(form or "txt", turned)
            wrong = _delivered(path, pieces, form, out, title=len(found) > 1 and not as_json)
            failed += _told(wrong + [f"{path}, {number}: {error}" for number, error in read.failed])
    _end(failed, len(found))


@main.command()
@click.argument("url")
@_asked
@click.option("--token", envvar="ZIYAN_TOKEN", help="访问令牌。 The token, where the box asks for one [ZIYAN_TOKEN].")
@_where_to
def client(
    url: str, paths: tuple[Path, ...], form: str | None, out: Path | None, force: bool, token: str | None, **asked: str
) -> None:
    """让另一台设备识别。 Have the box at URL read pictures, documents and folders."""
    from ziyan import remote

    given = {name: value for name, value in asked.items() if value is not None}
    options.parse(given)
    found, failed = list(files.found(paths)), 0
    with click.progressbar(found, file=sys.stderr, hidden=len(found) < 2, item_show_func=_name) as progress:
        box = remote.Box(url, token, told=lambda words: click.echo(f"… {words}", err=True))
        for path in progress:
            pieces = _late(partial(box.render, path, form or "txt", given, force=force))
            failed += _told(_delivered(path, pieces, form, out, title=len(found) > 1))
    _end(failed, len(found))


def _json_lines(path: Path, pages: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    return (f"{json.dumps({'file': str(path), **page}, ensure_ascii=False)}\n".encode() for page in pages)


def _late(start: Callable[[], Iterable[bytes]]) -> Iterator[bytes]:
    yield from start()


def _delivered(path: Path, pieces: Iterable[bytes], form: str | None, out: Path | None, *, title: bool) -> list[str]:
    """Prints or writes the result of a file; gives what went wrong."""
    try:
        if form or out:
            if out:
                out.mkdir(parents=True, exist_ok=True)
            files.write(files.result(path, form or "txt", out), pieces)
        else:
            first = next(iter(pieces), b"")  # a file that cannot be read has no title
            if title:
                click.echo(f"== {path}")
            click.echo(first, nl=False)
            for piece in pieces:
                click.echo(piece, nl=False)
    except (ZiyanError, OSError) as error:
        return [f"{path}: {error}"]
    return []


def _told(wrong: list[str]) -> bool:
    for sentence in wrong:
        click.echo(sentence, err=True)
    return bool(wrong)


def _end(failed: int, number: int) -> None:
    if failed:
        raise click.ClickException(f"{failed} / {number} 个文件未能全部识别。 could not be read as a whole.")


@main.command()
@click.argument("name")
@click.option("--file", "path", envvar="OCR_TOKENS", type=click.Path(dir_okay=False, path_type=Path),
              help="追加到此文件。 Add it to this file [OCR_TOKENS].")  # fmt: skip
def token(name: str, path: Path | None) -> None:
    """生成访问令牌。 Make a token for the API; it is shown once, and the file holds its hash."""
    made, line = tokens.make(name)
    if path:
        tokens.add(path, line)
        click.echo(made)
    else:
        click.echo(f"{made}\n\n写入 OCR_TOKENS 文件的一行 the line for the file of OCR_TOKENS:\n{line}")


@main.command()
def check() -> None:
    """检查模型、内存、线程与温度。 Check models, memory, threads and temperature."""
    given = settings.load()
    pipeline = _pipeline()
    models, sensor = pipeline.manifest, vitals.temperature(given.sysfs_root)
    throttling = vitals.throttling(given.sysfs_root)
    rows = {
        "模型 models": f"{models.recognizer.name} + {models.detector.name} ({models.version})",
        "大小 size": f"{models.size_bytes / 1e6:.2f} MB, {len(models.recognizer.charset)} characters",
        "线程 threads": str(given.threads),
        "内存 memory": f"{vitals.resident_mb():.0f} MB resident with the models loaded",
        "温度 temperature": f"{sensor[0]:.1f} °C ({sensor[1]})" if sensor else "没有传感器 no sensor",
        "降频 throttling": "不可知 unknown" if throttling is None else ", ".join(throttling) or "无 none",
    }
    for name, value in rows.items():
        click.echo(f"{name:<16} {value}")


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--repeat", default=3, show_default=True, help="每张图片的次数。 Times that each picture is read.")
def bench(files: tuple[Path, ...], repeat: int) -> None:
    """测量本机识别速度。 Measure how fast this machine reads (accuracy: make bench)."""
    pipeline, walls, cpus = _pipeline(), [], []
    pictures = [path.read_bytes() for path in files]
    stages: dict[str, list[float]] = {}
    for _ in range(repeat):
        for data in pictures:
            wall, cpu = time.perf_counter(), time.process_time()
            page = pipeline.read(data)
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
            for stage, seconds in page.seconds.items():
                stages.setdefault(stage, []).append(seconds)
    for name, seconds in {"wall": walls, "cpu": cpus, **stages}.items():
        click.echo(f"{name:<10} median {statistics.median(seconds):.3f} s   max {max(seconds):.3f} s")
    click.echo(f"{'memory':<10} {vitals.resident_mb():.0f} MB resident, {len(walls)} pages")


def _pipeline() -> Any:
    from ziyan import board, lexicon, manifest
    from ziyan.pipeline import Pipeline

    given = settings.load()
    return Pipeline(
        manifest.load(given.models_dir),
        threads=given.threads,
        max_pixels=given.max_pixels,
        wording=lexicon.Wording(lexicon.load(given.lexicon)),
        second_below=board.second_below(given.second_below, given.sysfs_root)[0],
        profile=given.recognizer_profile,
    )


def _name(path: Path | None) -> str:
    return path.name if path else ""


def run() -> None:
    """The console script: our own errors are one clear line and status 1, never a traceback."""
    try:
        main()
    except ZiyanError as error:
        click.echo(f"ziyan: {error.code}: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    run()
