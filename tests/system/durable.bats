# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Disks that are full, broken or read-only, and databases that are damaged: caps go on, the
# trouble is said, and no usage is lost once it ends.

load lib

export TZ=Europe/Berlin

setup() {
	make_world
	offload software
	set_clock_to '2026-11-23 10:30:00'
}

in_trouble() {
	netfil list | grep -qi 'ledger'
}

is_well() {
	! in_trouble
}

# What a boot would find now is all that netfil has counted.
on_disk() { # NAME
	rm -rf "$TMP/look"
	cp -r "$TMP/shadow" "$TMP/look"
	"$BUILD/tests/system/ledger-used" "$TMP/look" >"$TMP/found"
	grep -q " $1 $(used "$1" in) $(used "$1" out)\b" "$TMP/found"
}

# Caps are kept, cycles turn, netfild says what is wrong, and takes nothing that it could
# not keep.
assert_goes_on() {
	local before
	before=$(cycle_started hourly)
	wait_until in_trouble
	move_clock 3600
	wait_until eval "[[ \$(cycle_started hourly) != '$before' ]]"
	fails capped --method sendto udp-send "$B6" 9 100 1400 >"$TMP/refused.out"
	assert_equal "at the cap" "$(told refused error)" EPERM
	fails netfil add late --ip 192.0.2.1 2>"$TMP/late.err"
	fails netfil show late 2>"$TMP/show.err"
	is_running daemon
}

# Calls on the ledger fail in this way for a while, one kind after the other, under load.
# Afterwards the power is cut.
fail_and_recover() { # ERRNO FILE:KIND...
	local where errno=$1
	shift
	use_lossy_disk "$EPOCHSECONDS"
	start_daemon
	netfil add open --cgroup "$INSIDE"
	netfil add hourly --cgroup "$INSIDE" --every hour
	netfil add tight --ip "$B6" --out 20000
	start_datagrams load 2000000
	for where; do
		netfil reset tight
		break_disk "$errno" "${where%:*}" "${where#*:}"
		assert_goes_on
		disk_failed "${where#*:}"
		mend_disk
		wait_until is_well
	done
	kill -USR1 "${PIDS[load]}"
	finish load
	wait_until_equal open out
	wait_until on_disk open
	power_cut
	start_daemon
	assert_equal used "$(used open out)" "$(witness out)"
	assert_equal cycles "$(sum_of hourly cycle out)" "$(witness out)"
	assert_equal "their number" "$(periods hourly cycle length)" $(($# + 1))
}

@test "ENOSPC: caps go on, the trouble is said, and nothing is lost" {
	fail_and_recover ENOSPC ledger.db-wal:write ledger.db-wal:fsync
}

@test "EIO: caps go on, the trouble is said, and nothing is lost" {
	fail_and_recover EIO ledger.db-wal:write ledger.db-wal:fsync
}

@test "EROFS: caps go on, the trouble is said, and nothing is lost" {
	fail_and_recover EROFS ledger.db-wal:write ledger.db-wal:fsync
}

@test "the disk fails while netfild ends: what was written before is kept" {
	use_lossy_disk
	start_daemon
	netfil add open --cgroup "$INSIDE"
	for errno in ENOSPC EIO EROFS; do
		move 100000
		wait_until on_disk open
		break_disk "$errno" ledger.db write fsync truncate
		stop_daemon
		disk_failed write
		mend_disk
		new_boot
		start_daemon
		assert_equal "used after $errno" "$(used open out)" "$(witness out)"
	done
}

@test "the disk fails while netfild starts: it says so, and the cap is kept" {
	use_lossy_disk
	start_daemon
	netfil add tight --cgroup "$INSIDE" --out 20000
	move 10000
	kill_daemon
	for errno in ENOSPC EIO EROFS; do
		break_disk "$errno" '*' open write fsync truncate
		refuses_to_start 'ledger'
		mend_disk
	done
	fails move 30000
	start_daemon
	assert_equal used "$(used tight out)" "$(witness out)"
	assert_equal state "$(state tight)" exhausted
}

# With a line that says why.
refuses_to_start() { # REGEX
	launch_daemon
	fails finish daemon
	assert_equal lines "$(wc -l <"$TMP/daemon.err")" 1
	grep -Eq "$1" "$TMP/daemon.err"
}

# ---- a disk of our own ----

mount_disk() { # SIZE
	mount -t tmpfs -o "size=$1" "nf-$ID" "$TMP/state"
}

@test "a disk that is full in truth" {
	mount_disk 2M
	start_daemon
	netfil add open --cgroup "$INSIDE"
	start_datagrams load 2000000
	fails dd if=/dev/zero of="$TMP/state/filler" bs=4k status=none 2>"$TMP/dd.err"
	wait_until in_trouble
	before=$(witness out)
	under_load
	rm "$TMP/state/filler"
	wait_until is_well
	kill -USR1 "${PIDS[load]}"
	finish load
	wait_until_equal open out
	stop_daemon
	new_boot
	start_daemon
	assert_equal used "$(used open out)" "$(witness out)"
	((before > 0))
}

@test "a file system that is read-only in truth" {
	mount_disk 2M
	start_daemon
	netfil add tight --cgroup "$INSIDE" --out 20000
	move 10000
	kill_daemon
	mount -o remount,ro "$TMP/state"
	refuses_to_start 'ledger'
	fails move 30000
	mount -o remount,rw "$TMP/state"
	start_daemon
	assert_equal used "$(used tight out)" "$(witness out)"
}

# ---- damage ----

backup_has() { # NAME
	mkdir -p "$TMP/look"
	cp "$TMP/state/ledger.db.backup" "$TMP/look/ledger.db" 2>/dev/null || return 1
	"$BUILD/tests/system/ledger-used" "$TMP/look" >"$TMP/found" || return 1
	grep -q " $1 $(used "$1" in) $(used "$1" out)\b" "$TMP/found"
}

# The first page, without which nothing can be made of the rest.
damage() { # FILE
	dd if=/dev/urandom of="$TMP/state/$1" bs=4096 count=1 conv=notrunc status=none
	rm -f "$TMP/state/$1-wal"
}

assert_set_aside() {
	local aside
	aside=$(find "$TMP/state" -name 'ledger.db.damaged-*' ! -name '*-wal')
	assert_equal "set aside" "$(wc -l <<<"$aside")" 1
	cmp "$aside" "$TMP/damaged"
	grep -q 'damaged' "$TMP/daemon.err"
}

@test "a damaged database is set aside, and the backup taken up" {
	start_daemon
	netfil add open --cgroup "$INSIDE" --total 1M
	move 100000
	wait_until backup_has open
	kill_daemon
	cp -r "$TMP/state" "$TMP/saved"
	damage ledger.db
	cp "$TMP/state/ledger.db" "$TMP/damaged"
	move 50000
	start_daemon
	assert_set_aside
	assert_equal "the kernel has the counters" "$(used open out)" "$(witness out)"
	kill_daemon
	take_image "$TMP/saved"
	damage ledger.db
	cp "$TMP/state/ledger.db" "$TMP/damaged"
	new_boot
	start_daemon
	assert_set_aside
	assert_equal "of the backup" "$(used open out)" 100000
	fails move 1000000
}

@test "a damaged database without a backup is left where it is" {
	start_daemon
	netfil add tight --cgroup "$INSIDE" --out 20000
	move 10000
	stop_daemon
	rm -f "$TMP/state/ledger.db.backup"
	damage ledger.db
	(cd "$TMP/state" && md5sum -- *) >"$TMP/before"
	refuses_to_start 'ledger'
	(cd "$TMP/state" && md5sum -- *) | diff "$TMP/before" -
	fails move 20000
}

@test "the ledger of a newer netfil is refused, and left as it is" {
	start_daemon
	netfil add tight --cgroup "$INSIDE" --out 20000
	stop_daemon
	sqlite3 "$TMP/state/ledger.db" 'PRAGMA user_version = 999'
	cp "$TMP/state/ledger.db" "$TMP/before"
	refuses_to_start 'newer'
	cmp "$TMP/state/ledger.db" "$TMP/before"
	fails move 30000
}
