"""The fast trial host: a whole systemd in a container over a cached root file system, reached only by SSH.

systemd-nspawn boots an overlay of the bare root inside a network namespace of its own. A second namespace, joined to it
by one pair of virtual Ethernet ports, is the controller's side; neither has a route to this machine's network, so
whatever the playbook needs must come from the controller, as on a Pi without internet. Not here: a memory controller, a
thermal zone, a watchdog, a boot loader (see emulated.py).
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from machine import output, run, ssh_key

HOST_ADDRESS, CONTROLLER_ADDRESS = "192.0.2.2", "192.0.2.1"  # TEST-NET-1 (RFC 5737)
REBOOT_ASKED = 133  # systemd-nspawn's exit status when the container wants to start again


class FastHost:
    """A running host. `tunnel` are the words whose input and output are a connection to one of its ports."""

    architecture = "amd64"
    machine = "x86_64"

    def __init__(self, name: str, root: Path):
        self.name = name
        self.root = root
        self.address = HOST_ADDRESS
        self.ssh_port = 22
        self._stopping = False
        self._nspawn: subprocess.Popen | None = None
        self._keeper: threading.Thread | None = None

    def start(self) -> None:
        """Boot, and return once SSH answers (2 to 4 s)."""
        self._keeper = threading.Thread(target=self._keep_running, daemon=True)
        self._keeper.start()
        wait_for_ssh(self, limit_s=60)

    def tunnel(self, port: object) -> list[str]:
        """The command whose standard input and output are a connection to that port of the host."""
        return ["ip", "netns", "exec", f"{self.name}-ctl", "socat", "STDIO", f"TCP:{self.address}:{port}"]

    def ssh_options(self) -> list[str]:
        """Options that let ssh reach the host from this machine's own network, which has no route to it."""
        return [*ssh_options(), "-o", f"ProxyCommand={' '.join(self.tunnel('%p'))}"]

    def cut_power(self) -> None:
        """End everything on the host at once and without a word, then boot again.

        What it had written but not synced is lost by a real power cut; here this machine's kernel keeps it.
        """
        os.kill(self._init(), signal.SIGKILL)
        self._keeper.join(20)
        self.start()

    def _init(self) -> int:
        """The host's first process, as this machine numbers it."""
        return int(output("pgrep", "-P", self._nspawn.pid).split()[0])

    def stop(self) -> None:
        """Power off, by force after 15 s."""
        self._stopping = True
        if self._nspawn and self._nspawn.poll() is None:
            with contextlib.suppress(subprocess.CalledProcessError, ProcessLookupError, ValueError):
                os.kill(self._init(), 38)  # SIGRTMIN+4: systemd powers off
            try:
                self._nspawn.wait(15)
            except subprocess.TimeoutExpired:
                self._nspawn.kill()
        if self._keeper:
            self._keeper.join(20)

    @contextlib.contextmanager
    def page(self, port: int) -> Iterator[str]:
        """The address on this machine's 127.0.0.1 under which the host's `port` can be reached meanwhile."""
        local_port = free_port()
        listen = f"TCP-LISTEN:{local_port},bind=127.0.0.1,fork,reuseaddr"
        far_end = "EXEC:" + " ".join(self.tunnel(port)).replace(":", "\\:")  # socat's own sign for the next parameter
        # It would complain of every connection that a test makes while the page is down on purpose.
        forwarder = subprocess.Popen(["socat", listen, far_end], start_new_session=True, stderr=subprocess.DEVNULL)
        try:
            wait_until_listening(local_port)
            yield f"http://127.0.0.1:{local_port}"
        finally:
            os.killpg(forwarder.pid, signal.SIGTERM)
            forwarder.wait()

    def _keep_running(self) -> None:
        while not self._stopping:
            with (self.root.parent / "console.log").open("a") as console:
                self._nspawn = subprocess.Popen(
                    ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot", f"--directory={self.root}",
                     f"--machine={self.name}", f"--network-namespace-path=/run/netns/{self.name}-host",
                     "--link-journal=no", "--resolv-conf=off", "--timezone=off", "--console=pipe"],
                    stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True,
                    env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
                )  # fmt: skip
                if self._nspawn.wait() != REBOOT_ASKED:
                    return


@contextlib.contextmanager
def fast_host(bare_root: Path, name: str) -> Iterator[FastHost]:
    """A booted host over `bare_root`, which stays as it is; everything made for it is gone afterwards."""
    work = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, work)
        root = undo.enter_context(overlay(bare_root, work))
        undo.enter_context(network(name))
        prepare(root, name)
        host = FastHost(name, root)
        undo.callback(host.stop)
        try:
            host.start()
        except TimeoutError:
            print((work / "console.log").read_text(errors="replace")[-4000:])
            raise
        yield host


@contextlib.contextmanager
def overlay(lower: Path, work: Path) -> Iterator[Path]:
    """A writable view of `lower` at WORK/root; what is written goes to WORK/upper."""
    for part in ("upper", "overlay", "root"):
        (work / part).mkdir()
    layers = f"lowerdir={lower},upperdir={work / 'upper'},workdir={work / 'overlay'}"
    run("mount", "-t", "overlay", "overlay", "-o", layers, work / "root")
    try:
        yield work / "root"
    finally:
        run("umount", "--recursive", work / "root")


@contextlib.contextmanager
def network(name: str) -> Iterator[None]:
    """Two network namespaces, NAME-ctl and NAME-host, joined by a pair of virtual ports and to nothing else."""
    sides = {f"{name}-ctl": ("ctl0", CONTROLLER_ADDRESS), f"{name}-host": ("host0", HOST_ADDRESS)}
    try:
        for namespace in sides:
            run("ip", "netns", "add", namespace)
        run("ip", "-n", f"{name}-ctl", "link", "add", "ctl0", "type", "veth", "peer", "host0", "netns", f"{name}-host")
        for namespace, (port, address) in sides.items():
            run("ip", "-n", namespace, "address", "add", f"{address}/24", "dev", port)
            run("ip", "-n", namespace, "link", "set", "lo", "up")
            run("ip", "-n", namespace, "link", "set", port, "up")
        yield
    finally:
        for namespace in sides:
            subprocess.run(["ip", "netns", "delete", namespace], stderr=subprocess.DEVNULL, check=False)


def prepare(root: Path, name: str) -> None:
    """Give the root what Raspberry Pi Imager writes on a card: a host name and the key that opens it."""
    (root / "etc/hostname").write_text(f"{name}\n")
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {name}\n")
    keys = root / "root/.ssh/authorized_keys"
    keys.parent.mkdir(mode=0o700, exist_ok=True)
    keys.write_bytes(ssh_key().with_suffix(".pub").read_bytes())


def ssh_options() -> list[str]:
    """Options for hosts that are made anew every time: their key is known, their host key is not."""
    return [
        *("-i", str(ssh_key()), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20"),
        *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"),
    ]


def ssh(host: "FastHost", *command: str, **options: object) -> subprocess.CompletedProcess:
    """The finished command of root on the host; `options` as for subprocess.run."""
    words = ["ssh", *host.ssh_options(), "-p", str(host.ssh_port), f"root@{host.address}", *command]
    return subprocess.run(words, stdin=subprocess.DEVNULL, text=True, check=False, **options)


def wait_for_ssh(host: "FastHost", limit_s: float) -> None:
    """Return once a command can be run on `host` over SSH; TimeoutError after `limit_s` seconds."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if ssh(host, "true", stderr=subprocess.DEVNULL).returncode == 0:
            return
        time.sleep(0.3)
    raise TimeoutError(f"no SSH on {host.address} port {host.ssh_port} within {limit_s:.0f} s")


def wait_until_listening(port: int, limit_s: float = 10) -> None:
    """Return once something listens on the `port` of 127.0.0.1; OSError after `limit_s` seconds."""
    end = time.monotonic() + limit_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
