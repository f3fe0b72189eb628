# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Names that the tests, script/test and script/demo share.

# Four figures for this checkout (and $NETFIL_TEST_SALT, if two runs of it are to
# go side by side): everything a run makes is called nf-<these four>….
run_id() {
	local root
	root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
	printf '%s' "$root ${NETFIL_TEST_SALT-}" | md5sum | cut -c 1-4
}

cgroup2_mount() {
	awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts
}
