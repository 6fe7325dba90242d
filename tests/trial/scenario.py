"""The life of an appliance on a trial host, from the bare system to the bare system, each step asserted and timed."""

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import requests
from emulated import set_clock
from fast import FastHost, ssh
from machine import CHECKOUT

OPS = Path(sys.executable).parent  # the environment that runs us holds ansible and pytest, too
PORT = 5000


class StepFailed(Exception):
    """A step did not end as it must; the message says how it should have."""


@dataclass
class Step:
    """One line of the summary."""

    name: str
    seconds: float
    changed: int | None = None
    note: str = ""


@dataclass
class Trial:
    """A host under trial: runs playbooks and host tests against it, logs each to a file, remembers what it took."""

    host: FastHost
    logs: Path
    scratch: Path  # a folder that ends with the trial
    variables: dict[str, object] = field(default_factory=dict)
    suite_options: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what the first host suite measured

    def __post_init__(self) -> None:
        shutil.rmtree(self.logs, ignore_errors=True)
        self.logs.mkdir(parents=True)
        self.inventory = self.logs / "inventory.ini"
        options = " ".join(f"'{word}'" if " " in word else word for word in self.host.ssh_options())
        self.inventory.write_text(
            f"[ocr_appliance]\ntrial ansible_host={self.host.address} ansible_port={self.host.ssh_port} "
            f'ansible_user=root ansible_ssh_common_args="{options}"\n'
        )

    def playbook(self, name: str, *arguments: str, title: str = "", fails_with: str = "", **variables: object) -> Step:
        """Run playbooks/NAME.yml. With `fails_with` it must fail and say so; otherwise it must succeed."""
        extra = json.dumps(self.variables | variables, default=str)
        command = [OPS / "ansible-playbook", "-i", self.inventory, f"playbooks/{name}.yml", "-e", extra, *arguments]
        step, text, status = self._run(title or name, command)
        if fails_with and (status == 0 or fails_with not in text):
            raise StepFailed(f"{step.name} should have failed with “{fails_with}”")
        if not fails_with and status != 0:
            raise StepFailed(f"{step.name} failed")
        step.changed = sum(int(count) for count in re.findall(r"^trial\s+:.*changed=(\d+)", text, re.MULTILINE))
        return step

    def host_suite(self, *arguments: str, title: str = "host suite") -> Step:
        """Run tests/host against the host as `make verify` does."""
        with self.host.page(PORT) as url:
            where = [f"--ansible-inventory={self.inventory}", "--hosts=ansible://trial", f"--url={url}"]
            command = [OPS / "pytest", "tests/host", *where, *self.suite_options, *arguments]
            step, text, status = self._run(title, command)
        step.note = text.strip().splitlines()[-1].strip("= ") if text.strip() else ""
        if status != 0:
            raise StepFailed(f"{title} failed")
        self.notes = self.notes or [line for line in text.splitlines() if line.startswith("measured")]
        return step

    def reboot(self) -> Step:
        """Reboot the host as a power cut's return would, and wait until Ansible reaches it again."""
        command = [OPS / "ansible", "-i", self.inventory, "all", "-m", "ansible.builtin.reboot"]
        step, _text, status = self._run("reboot", command)
        if status != 0:
            raise StepFailed("the host did not come back from a reboot")
        return step

    @contextlib.contextmanager
    def timed(self, title: str) -> Iterator[Step]:
        """A step that is done here, without a program of its own."""
        print(f"… {title}", flush=True)
        step, began = Step(title, 0.0), time.monotonic()
        self.steps.append(step)
        try:
            yield step
        finally:
            step.seconds = time.monotonic() - began

    def remote(self, command: str) -> str:
        """What the shell command prints on the host; StepFailed when it fails there."""
        done = ssh(self.host, command, stdout=subprocess.PIPE)
        if done.returncode != 0:
            raise StepFailed(f"on the host, `{command}` ended with {done.returncode}")
        return done.stdout.strip()

    def summary(self) -> str:
        """The steps as a table, then what the host suite measured."""
        rows = [
            f"{s.name:<44}{s.seconds:>7.1f} s  {'' if s.changed is None else f'changed={s.changed}':<12}{s.note}"
            for s in self.steps
        ]
        total = f"{'in all':<44}{sum(step.seconds for step in self.steps):>7.1f} s"
        return "\n".join([*rows, total, *self.notes])

    def _environment(self) -> dict[str, str]:
        path = f"{OPS}:{os.environ['PATH']}"  # pytest-testinfra calls ansible-inventory by its name
        return {
            "PATH": path,
            "ANSIBLE_FORCE_COLOR": "0",
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            # All fast hosts have one address. A kept connection of another trial, in the shared folder of such
            # connections, once led a whole playbook to the other trial's host.
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.scratch / "ssh"),
        }

    def _run(self, title: str, command: list[object]) -> tuple[Step, str, int]:
        log = self.logs / f"{len(self.steps) + 1:02d}-{re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-')}.log"
        print(f"… {title}", flush=True)
        began = time.monotonic()
        with log.open("w") as file:
            done = subprocess.run(
                [str(word) for word in command], cwd=CHECKOUT, env=os.environ | self._environment(), check=False,
                stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            )  # fmt: skip
        step = Step(title, time.monotonic() - began)
        self.steps.append(step)
        return step, log.read_text(encoding="utf-8", errors="replace"), done.returncode


def whole_life(trial: Trial, service: Path, models: Path, work: Path) -> None:
    """Refuse, rehearse, install, prove, repeat, cut the power, break, update, roll back, reboot, remove."""
    before = system_state(trial)
    refusal = "of memory; at least"
    trial.playbook("site", title="an unfit host is refused", fails_with=refusal, ocr_system_min_memory_mb=10**7)
    trial.playbook("site", "--check", title="site.yml --check on the bare host")
    expect_same(before, system_state(trial), "a refusal, or a rehearsal with --check,")
    trial.playbook("site", title="site.yml")
    trial.host_suite()
    nothing_to_change(trial)
    survives_a_power_cut(trial)
    returns_by_itself(trial, service, models, work)
    updates_and_rolls_back(trial, service, work)
    trial.reboot()
    # The memory after fifty pictures is known by now; here it matters that all is back.
    trial.host_suite("--pictures=5", title="host suite after the reboot")
    trial.playbook("remove", title="remove.yml", ocr_keep_data=False)
    expect_same(before, system_state(trial), "remove.yml")


def short_life(trial: Trial) -> None:
    """Install, prove, repeat: for a host where every step takes minutes."""
    trial.playbook("site", title="site.yml")
    trial.host_suite()
    nothing_to_change(trial)


def board_life(trial: Trial, service: Path) -> None:
    """Refuse a board's clock, then its memory by one MiB, accept it as it is, and read its sensor and its watchdog."""
    only = ("--tags", "always")  # the preflights, which change nothing
    trial.playbook("site", *only, title="a board in another year is refused", fails_with="The clock is off")
    set_clock(trial.host)
    memory_mb = int(trial.remote("free --mebi | awk '/^Mem:/ {print $2}'"))
    reason, one_more = f"The host has {memory_mb} MiB of memory", {"ocr_system_min_memory_mb": memory_mb + 1}
    trial.playbook("site", *only, title="a limit 1 MiB above its memory refuses", fails_with=reason, **one_more)
    trial.playbook("site", *only, title=f"{memory_mb} MiB are accepted")
    trial.notes = [temperature_of_the_board(trial, service), watchdog_of_the_board(trial)]


def temperature_of_the_board(trial: Trial, service: Path) -> str:
    """What ziyan.vitals reads, run by the board's own Python; StepFailed when the kernel says otherwise."""
    vitals = (service / "ziyan/vitals.py").read_text(encoding="utf-8")
    question = f"{vitals}\nimport json\nprint(json.dumps([temperature(Path('/sys')), throttling(Path('/sys'))]))"
    (degrees, source), throttled = json.loads(trial.remote(f"python3 -c {shlex.quote(question)}"))
    kind, millidegrees = trial.remote(f"cat {Path(source).with_name('type')} {source}").split()
    if (kind, int(millidegrees)) != ("cpu-thermal", round(degrees * 1000)):
        raise StepFailed(f"ziyan.vitals read {degrees} °C from {source}; the kernel's {kind} says {millidegrees} m°C")
    return f"measured temperature: {degrees} °C from {source} ({kind}); throttling: {throttled}"


def watchdog_of_the_board(trial: Trial) -> str:
    """The watchdog that the kernel found and what systemd is told to do with it; StepFailed when there is none."""
    device = trial.remote("test -c /dev/watchdog0 && cat /sys/class/watchdog/watchdog0/identity")
    runtime = trial.remote("systemctl show --property=RuntimeWatchdogUSec")
    if "BCM2835" not in device or not runtime.startswith("RuntimeWatchdogUSec="):
        raise StepFailed(f"the board's watchdog is {device!r} and systemd says {runtime!r}")
    return f"measured watchdog: {device} at /dev/watchdog0, {runtime}"


def nothing_to_change(trial: Trial) -> None:
    """The second run finds everything as it should be."""
    step = trial.playbook("site", title="site.yml again")
    if step.changed != 0:
        raise StepFailed(f"the second run of site.yml changed {step.changed} things; see the log")


def survives_a_power_cut(trial: Trial) -> None:
    """A job of forty pages is whole although the power went in its middle."""
    with trial.timed("a power cut in the middle of a job") as step:
        with trial.host.page(PORT) as url:
            path = send_job(url, pages=40)
            wait_for(lambda: requests.get(url + path, timeout=10).json()["pages_done"] >= 5)
        trial.host.cut_power()
        with trial.host.page(PORT) as url:
            wait_for(lambda: requests.get(url + path, timeout=10).json()["state"] not in ("queued", "running"))
            state = requests.get(url + path, timeout=10).json()["state"]
            pages = requests.get(f"{url}{path}/result", timeout=60).json().get("pages", [])
    numbers = [page["page"] for page in pages]
    if state != "done" or numbers != list(range(1, 41)) or len({tuple(page["text"]) for page in pages}) != 1:
        raise StepFailed(f"after the power cut the job is {state}, its pages are {numbers}")
    step.note = "40 pages, each once"


def send_job(url: str, *, pages: int) -> str:
    """Sends a zip of so many copies of the self-test picture; the result is the job's path."""
    selftest = (CHECKOUT / "roles/ocr_service/files/selftest.png").read_bytes()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        for number in range(pages):
            packed.writestr(f"{number}.png", selftest)
    answer = requests.post(f"{url}/api/jobs", files={"file": ("pages.zip", archive.getvalue())}, timeout=60)
    if answer.status_code != 202:
        raise StepFailed(f"the job was not accepted: {answer.status_code} {answer.text}")
    return answer.json()["url"]


def wait_for(holds: Callable[[], bool], limit_s: float = 600) -> None:
    """Return once `holds`, whatever the host answers until then; StepFailed after `limit_s` seconds."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        with contextlib.suppress(requests.RequestException, ValueError, KeyError):
            if holds():
                return
        time.sleep(0.2)
    raise StepFailed(f"what was waited for did not happen within {limit_s:.0f} s")


def returns_by_itself(trial: Trial, service: Path, models: Path, work: Path) -> None:
    """A release that does not start, and a model that starts but reads nothing, are both undone without a hand."""
    good = current(trial)
    broken = shutil.copytree(service, work / "broken-service")
    append(broken / "ziyan/__init__.py", '\nraise RuntimeError("a release broken on purpose")\n')
    said = "has returned to"
    trial.playbook(
        "update",
        title="update with a broken release, returns",
        fails_with=said,
        ocr_service_source=broken,
        ocr_service_ready_timeout_s=6,
    )
    if current(trial) != good:
        raise StepFailed("after the broken release the host does not run the former one")
    blind = blind_model(models, work / "blind-model")
    trial.playbook("update", title="update with a blind model, returns", fails_with=said, ocr_model_source=blind)
    if current(trial) != good:
        raise StepFailed("after the blind model the host does not run the former one")


def updates_and_rolls_back(trial: Trial, service: Path, work: Path) -> None:
    """A good new release is taken up, and left again by one command."""
    old = current(trial)
    newer = shutil.copytree(service, work / "newer-service")
    append(newer / "ziyan/__init__.py", "\n# a later release\n")
    trial.playbook("update", title="update with a good release", ocr_service_source=newer)
    if current(trial) == old:
        raise StepFailed("the update did not take up the new release")
    trial.playbook("rollback", title="rollback.yml")
    if current(trial) != old:
        raise StepFailed("rollback.yml did not go back to the former release")


def blind_model(models: Path, folder: Path) -> Path:
    """A model folder that is whole and starts, and yet reads nothing: no box is ever probable enough."""
    folder.mkdir()
    manifest = json.loads((models / "manifest.json").read_text(encoding="utf-8"))
    for path in (*models.glob("*.onnx"), *models.glob("*charset.txt"), models / "context.npz"):
        shutil.copy(path, folder)
    manifest["detector"]["output"]["box_threshold"] = 0.9999
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def append(path: Path, text: str) -> None:
    """Write `text` after what the file holds."""
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def current(trial: Trial) -> str:
    """The release and the model that the host runs."""
    return trial.remote("readlink /opt/ziyan/current /opt/ziyan/models/current")


# What a host writes by itself, or any package's coming and going leaves behind.
# Debian's packages leave their users and groups behind on purpose.
LEFT_BY_PACKAGES = {"avahi", "netdev", "systemd-timesync"}
RESTLESS = (
    r"/(var/lib/(dpkg|apt|systemd|private|ucf|pam|polkit-1)"
    r"|etc/(machine-id|resolv.conf|ld.so.cache|[a-z]+-$|\.pwd\.lock|\.updated)"
    r"|usr/lib/python3.*/__pycache__)"
)


def system_state(trial: Trial) -> set[str]:
    """Packages, users, settings and files of the host, one line each."""
    state = set(
        trial.remote(
            "dpkg-query --show; cut -d: -f1 /etc/passwd /etc/group; hostname; systemctl list-unit-files --no-legend;"
            f"find /etc /opt /usr /var/lib /srv /boot -xdev -not -type d | grep -Ev '^{RESTLESS}';"
            "cat /etc/hosts; find /opt /etc/systemd -xdev"
        ).splitlines()
    )
    return state - LEFT_BY_PACKAGES


def expect_same(before: set[str], after: set[str], what: str) -> None:
    """StepFailed when the host differs, naming up to 20 differences."""
    differences = [f"- {line}" for line in sorted(before - after)] + [f"+ {line}" for line in sorted(after - before)]
    if differences:
        raise StepFailed("\n".join([f"{what} did not leave the host as it was:", *differences[:20]]))
