#!/bin/sh
# Installs packages of the distribution where that is allowed (root or passwordless sudo); says what to do otherwise.
#   .ci/packages.sh PACKAGE...
set -eu
missing=
for package in "$@"; do
  dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ]; then as_root=
elif sudo -n true 2>/dev/null; then as_root=sudo
else
  echo "请先安装 Please install first:  sudo apt-get install$missing" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update --quiet=2
known=
for package in $missing; do # Ubuntu has no vagrant; what one distribution lacks must not keep the others back
  if apt-cache show "$package" >/dev/null 2>&1; then known="$known $package"
  else echo "此发行版没有 not in this distribution: $package" >&2; fi
done
[ -n "$known" ] || exit 1
echo "installing$known" >&2
# shellcheck disable=SC2086 # a list of packages
$as_root apt-get install --quiet=2 --yes --no-install-recommends $known >&2
