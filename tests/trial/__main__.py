"""Make a trial host, let the appliance live its whole life on it, and leave nothing behind.

python tests/trial fast                  systemd-nspawn, Debian 13, a few minutes
python tests/trial fast --suite bookworm
python tests/trial arm64                 an emulated Cortex-A72, an hour and more
python tests/trial board                 an emulated Raspberry Pi 3 B: its sensor, watchdog and memory, some minutes
… --keep                                 stop after the installation, with the page on 127.0.0.1, until Ctrl-C
"""

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from board import BoardHost, board_host
from emulated import emulated_host, set_clock
from fast import FastHost, fast_host
from machine import CHECKOUT, EMULATED_TOOLS, FAST_TOOLS, end_cleanly_on_signals, install_tools
from rootfs import BARE, BOARD, bare_root
from scenario import PORT, StepFailed, Trial, board_life, short_life, whole_life

EMULATED = {"arm64": emulated_host, "board": board_host}
# An emulated processor takes minutes for a page; the limits that protect a Pi from such pages are lifted.
SLOW_HOST = {"ocr_service_ready_timeout_s": 3600, "ocr_service_settings": {"OCR_PAGE_TIMEOUT_S": 3600}}


def main() -> int:
    """Run the trial that the command line asks for; 0 when every step ended as it must."""
    options = arguments()
    end_cleanly_on_signals()
    began = time.monotonic()
    with contextlib.ExitStack() as undo:
        work = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="ziyan-trial-")))
        host, cached_debs = undo.enter_context(new_host(options))
        print(f"the host answers after {time.monotonic() - began:.1f} s", flush=True)
        trial = Trial(host, CHECKOUT / "results" / f"trial-{options.host}-{options.suite}", work)
        trial.variables = {
            "ocr_offline_apt": True,
            "ocr_system_debs": str(cached_debs),
            "ocr_system_hostname": "ziyan-trial",
            "ocr_service_source": str(options.service),
            "ocr_model_source": str(options.models),
        }
        trial.suite_options = ["--patience=6"]  # a trial shares its machine with other work
        if options.host in EMULATED:
            trial.variables |= SLOW_HOST
            trial.suite_options = ["--patience=60"]
        if not cached_debs.exists():
            trial.playbook("debs", title="debs.yml (make debs)")
        try:
            if options.keep:
                keep(trial)
            elif options.host == "arm64":
                short_life(trial)
            elif options.host == "board":
                board_life(trial, options.service)
            else:
                whole_life(trial, options.service, options.models, work)
        except StepFailed as failure:
            show_last_log(trial)
            print(f"\n{trial.summary()}\n\ntrial failed: {failure}")
            return 1
        print(f"\n{trial.summary()}\n\ntrial passed: {options.host} {options.suite}")
        return 0


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("host", choices=["fast", *EMULATED])
    parser.add_argument("--suite", choices=["trixie", "bookworm"], default="trixie", help="Debian 13 (default) or 12")
    parser.add_argument("--service", type=Path, default=CHECKOUT / "service", help="the service's folder")
    parser.add_argument("--models", type=Path, default=CHECKOUT / "models", help="the folder of the manifest")
    parser.add_argument(
        "--keep", action="store_true", default=os.environ.get("KEEP") == "1", help="leave it running (also KEEP=1)"
    )
    return parser.parse_args()


@contextlib.contextmanager
def new_host(options: argparse.Namespace) -> Iterator[tuple[FastHost, Path]]:
    """A bare host, and the folder of the packages that it lacks (kept with its root file system)."""
    install_tools(EMULATED_TOOLS if options.host in EMULATED else FAST_TOOLS)
    if options.host in EMULATED:
        root = bare_root(options.suite, "arm64", BOARD)
        machine = EMULATED[options.host](root)
    else:
        root = bare_root(options.suite, "amd64", BARE)
        machine = fast_host(root, f"ziyan-{os.getpid()}")
    with machine as host:
        yield host, root.with_name(f"{root.name}-debs")


def keep(trial: Trial) -> None:
    """Install, then wait for Ctrl-C with the page on 127.0.0.1."""
    if isinstance(trial.host, BoardHost):
        set_clock(trial.host)
    trial.playbook("site", title="site.yml")
    with trial.host.page(PORT) as url, contextlib.suppress(KeyboardInterrupt):
        print(f"{url}\nssh {' '.join(trial.host.ssh_options())} root@{trial.host.address}\nCtrl-C ends it.", flush=True)
        while True:
            time.sleep(3600)


def show_last_log(trial: Trial) -> None:
    """Print the end of the log of the step that failed."""
    logs = sorted(trial.logs.glob("*.log"))
    if logs:
        print(f"\n--- the end of {logs[-1]}")
        print("\n".join(logs[-1].read_text(errors="replace").splitlines()[-60:]))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\n中断，试验主机已清除。 Interrupted; nothing of the trial host is left.")
