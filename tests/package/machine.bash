# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A Debian of its own, with systemd for its first process, in which packages are tried: in
# namespaces, with the test's world (tests/system/lib.bash) for its network and its control
# groups. Its files lie over a tree that is made once, and is kept in build/package/base.
# Mounts and processes end with the namespaces: nothing is left behind.

PACKAGES=$BUILD/package
BASE=$PACKAGES/base

# What a machine needs at all, and what the packages ask for lies ready for apt, which has no
# network in the tests.
make_base() {
	local deb
	if [[ ! -e $BASE.done ]]; then
		rm -rf "$BASE"
		debootstrap --variant=minbase --include=systemd,dbus bookworm "$BASE" >"$BASE.log" 2>&1 ||
			fail "$(tail -n 5 "$BASE.log")"
		touch "$BASE.done"
	fi
	rm -rf "$BASE/packages"
	mkdir "$BASE/packages"
	for deb in "$PACKAGES"/*.deb; do
		[[ $deb == *-dbgsym_* ]] || cp "$deb" "$BASE/packages/$(dpkg-deb --field "$deb" Package).deb"
	done
	fetch_dependencies || { in_base apt-get update && fetch_dependencies; } ||
		fail "$(tail -n 5 "$BASE.log")"
}

in_base() {
	chroot "$BASE" env DEBIAN_FRONTEND=noninteractive "$@" >>"$BASE.log" 2>&1
}

fetch_dependencies() {
	in_base bash -c 'apt-get install --yes --no-install-recommends --download-only /packages/*.deb'
}

# The same packages once more, in /next, under the next version.
make_next_versions() {
	local deb name raw=$TMP/next
	mkdir -p "$TMP/machine/upper/next"
	for deb in "$BASE"/packages/*.deb; do
		name=$(dpkg-deb --field "$deb" Package)
		dpkg-deb --raw-extract "$deb" "$raw"
		sed -i 's/^Version: .*/&+next/; s/\(netfil[a-z0-9-]* (= [^)]*\))/\1+next)/g' "$raw/DEBIAN/control"
		dpkg-deb --build --root-owner-group "$raw" "$TMP/machine/upper/next/$name.deb" >"$TMP/next.log"
		rm -rf "$raw"
	done
}

# ---- the machine ----

boot() {
	mkdir -p "$TMP/machine/root" "$TMP/machine/upper"
	start machine in_ns a bash -c "echo 0 >'$CGROUP/cgroup.procs'; exec unshare --fork --kill-child \
		--pid --mount --cgroup --uts --ipc bash '$REPOSITORY/tests/package/boot' '$BASE' '$TMP/machine'"
	wait_until find_init
	wait_until machine systemctl is-active --quiet multi-user.target
}

find_init() {
	INIT=$(pgrep -P "${PIDS[machine]}") && [[ $(cat "/proc/$INIT/comm") == systemd ]]
}

# As root in the machine. Its network namespace is that of the test's.
machine() { # COMMAND...
	env --ignore-environment PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive \
		nsenter --target "$INIT" --mount --cgroup --pid --uts --ipc --net --root --wd -- "$@" \
		2>>"$TMP/machine.err" 3>&-
}

apt() {
	machine apt-get --quiet --yes --no-install-recommends "$@" >>"$TMP/apt.err" 2>&1 || fail "apt: $*"
}

install() { # PACKAGE...
	# shellcheck disable=SC2046 # a word a package
	apt install $(printf '/packages/%s.deb ' "$@")
}

install_next() { # PACKAGE...
	# shellcheck disable=SC2046 # a word a package
	apt install $(printf '/next/%s.deb ' "$@")
}

netfil() {
	machine netfil "$@"
}
