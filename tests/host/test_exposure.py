"""What the host offers to others, and what its own service may touch."""

import re

import pytest

SSH = 22
OWN_ADDRESS_CLIENTS = {68, 546}  # DHCP for IPv4 and IPv6


def listening(host) -> set[tuple[str, int, str]]:
    """(protocol, port, program) of every socket that another machine could reach."""
    found = set()
    for line in host.check_output("ss -H -l -n -t -u -p").splitlines():
        protocol, _state, _received, _sent, local, *rest = line.split()
        address, port = local.rsplit(":", 1)
        program = re.search(r'\(\("([^"]+)"', " ".join(rest))
        if not address.startswith(("127.", "[::1]")):
            found.add((protocol, int(port), program.group(1) if program else "?"))
    return found


def test_only_ssh_the_page_and_the_name_service_listen(host, page_port):
    sockets = listening(host)
    assert {port for protocol, port, _ in sockets if protocol == "tcp"} == {SSH, page_port}
    # avahi-daemon also answers single questions from a port of its own.
    strangers = {
        (port, program) for protocol, port, program in sockets if protocol == "udp" and program != "avahi-daemon"
    }
    assert {port for port, _ in strangers} <= OWN_ADDRESS_CLIENTS, strangers


def test_answers_to_its_name(host):
    name = host.check_output("hostname")
    assert host.service("avahi-daemon").is_running
    assert host.run(f"getent hosts {name}.local").rc == 0


@pytest.mark.parametrize("folder", ["/opt/ziyan", "/etc/ziyan"])
def test_the_service_cannot_write_its_code_models_or_settings(host, folder):
    writable = host.check_output(
        f"find {folder} -not -type l \\( -not -user root -o -perm /o+w -o -perm /g+w -a -not -group root \\)"
    )
    assert writable == ""


def test_the_state_belongs_to_the_service_alone(host):
    for folder in ("/var/lib/ziyan", "/var/log/ziyan"):
        found = host.file(folder)
        assert (found.user, found.group, oct(found.mode)) == ("ziyan", "ziyan", "0o750")


def test_the_settings_are_not_for_everybody(host):
    settings = host.file("/etc/ziyan/ziyan.env")
    assert (settings.user, settings.group, oct(settings.mode)) == ("root", "ziyan", "0o640")


def test_the_service_user_cannot_log_in(host):
    user = host.user("ziyan")
    assert user.shell == "/usr/sbin/nologin"
    assert user.password in ("!", "!!", "!*", "*")
    assert host.run("sudo -l -U ziyan").stdout.count("NOPASSWD") == 0


def test_nobody_has_a_default_or_an_empty_password(host):
    """Perl's crypt knows every hash that the host's own login knows."""
    entries = [line.split(":")[:2] for line in host.file("/etc/shadow").content_string.splitlines()]
    assert not [name for name, password in entries if password == ""]
    for name, password in entries:
        for guess in ("raspberry", "ubuntu", "pi", "ziyan", "admin", "password", name):
            if password.startswith("$"):
                same = host.run("perl -e 'exit(crypt($ARGV[0], $ARGV[1]) ne $ARGV[1])' %s %s", guess, password)
                assert same.rc != 0, f"{name} has the password {guess!r}"
