"""Both programs run, as nobody special, and come back by themselves."""

import pytest
from conftest import CGROUP, UNIT, eventually, is_healthy

PROGRAMS = ["ocr-reader", "ocr-web"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_runs_under_the_supervisor(supervisorctl, program):
    assert supervisorctl(f"status {program}").split()[1] == "RUNNING"


@pytest.mark.parametrize("program", PROGRAMS)
def test_runs_as_the_unprivileged_user(host, supervisorctl, program):
    process = host.process.get(pid=int(supervisorctl(f"pid {program}")))
    assert process.user == "ziyan"


def test_starts_again_with_the_host(host):
    unit = host.service(UNIT)
    assert unit.is_enabled
    assert unit.is_running


def test_nothing_of_the_service_runs_as_root(host):
    pids = host.file(f"{CGROUP}/cgroup.procs").content_string.split()
    assert len(pids) >= 3  # the supervisor and its two programs
    users = {host.process.get(pid=int(pid)).user for pid in pids}
    assert users == {"ziyan"}


def test_the_service_cannot_gain_rights(host, supervisorctl):
    status = host.file(f"/proc/{supervisorctl('pid ocr-reader')}/status").content_string
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert facts["NoNewPrivs"] == "1"
    assert int(facts["CapEff"], 16) == 0
    assert int(facts["CapBnd"], 16) == 0


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_killed_program_comes_back_within_ten_seconds(host, supervisorctl, url, patience, program):
    before = supervisorctl(f"pid {program}")
    host.check_output(f"kill -9 {before}")
    assert eventually(lambda: supervisorctl(f"pid {program}") not in (before, "0") and is_healthy(url), 10 * patience)
