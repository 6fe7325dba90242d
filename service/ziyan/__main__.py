"""The command line: `ziyan web`, `ziyan reader`, `ziyan read FILE...`, `ziyan check`, `ziyan bench`."""

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import click

from ziyan import __version__, settings, vitals
from ziyan.errors import ZiyanError


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


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="每张图片一行 JSON。 One JSON line a picture.")
def read(files: tuple[Path, ...], as_json: bool) -> None:
    """识别图片并输出文字。 Read pictures and print their text."""
    pipeline, failed = _pipeline(), 0
    with click.progressbar(files, file=sys.stderr, hidden=len(files) < 2, item_show_func=_name) as progress:
        for path in progress:
            try:
                page = pipeline.read(path.read_bytes())
            except (ZiyanError, OSError) as error:
                failed += 1
                click.echo(f"{path}: {error}", err=True)
                continue
            if as_json:
                click.echo(json.dumps({"file": str(path), **page.as_dict()}, ensure_ascii=False))
            else:
                click.echo("\n".join(([f"== {path}"] if len(files) > 1 else []) + list(page.text)))
    if failed:
        raise click.ClickException(f"{failed} / {len(files)} 张图片未能识别。 could not be read.")


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
    from ziyan import lexicon, manifest
    from ziyan.pipeline import Pipeline

    given = settings.load()
    return Pipeline(
        manifest.load(given.models_dir),
        threads=given.threads,
        max_pixels=given.max_pixels,
        wording=lexicon.Wording(lexicon.load(given.lexicon)),
        second_below=given.second_below,
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
