# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The machine loses its power at random moments under traffic: the counters are gone with
# their pins, the boot is another one, and of what netfild wrote there is what it synced,
# and some of what it did not (lose-unsynced.c). 200 cuts in either mode.
# Takes long.

load lib

CUTS=20    # in each strict test
IMAGES=100 # in each checkpoint test
BOOTED=5   # of these
SLACK=250000 # microseconds that a tick may be late

setup() {
	make_world
	export NETFIL_WITHOUT=netfilter_link,sock_destroy # starts faster, and that is often
}

begin() { # SEED
	echo "seed $1"
	RANDOM=$1
	use_lossy_disk "$1"
}

a_moment() { # MOST-MILLISECONDS
	sleep "0.$(printf '%03d' $((RANDOM % $1)))"
}

microseconds() {
	echo "${EPOCHREALTIME/./}"
}

# ---- checkpoint: a power cut takes at most the last second ----

# What the witness had seen, and when it was asked: "BEFORE BYTES AFTER" a line. Ends with
# the test's world.
keep_log() {
	echo "$BASHPID" >"$CGROUP/outside/cgroup.procs"
	while :; do
		echo "$(microseconds) $(witness out) $(microseconds)"
	done >"$TMP/witness.log"
}

# The disk at a moment at which netfild is held, but not the traffic.
take_images() {
	local i
	for ((i = 0; i < IMAGES; i++)); do
		a_moment 100
		kill -STOP "${PIDS[daemon]}"
		microseconds >"$TMP/image.$i.time"
		cp -r "$TMP/shadow" "$TMP/image.$i"
		kill -CONT "${PIDS[daemon]}"
		((i % 7)) || move_clock 3600
	done
}

# Bytes that had surely gone by at this time; that may have.
seen_at_least() { # MICROSECONDS
	awk -v at="$1" '$3 <= at { bytes = $2 } END { print bytes + 0 }' "$TMP/witness.log"
}

seen_at_most() { # MICROSECONDS
	awk -v at="$1" '$1 >= at { print $2; exit }' "$TMP/witness.log"
}

assert_kept() { # IMAGE BYTES
	local at
	at=$(cat "$TMP/image.$1.time")
	assert_between "image $1" "$2" "$(seen_at_least $((at - 1000000 - SLACK)))" "$(seen_at_most "$at")"
}

boot() { # IMAGE
	power_cut
	take_image "$TMP/image.$1"
	start_daemon
	assert_kept "$1" "$(used open out)"
	assert_kept "$1" "$(sum_of open hour out)"
	assert_kept "$1" "$(sum_of hourly cycle out)"
	assert_equal forfeited "$(show open .forfeited)" 0
}

checkpoints_hold() { # SEED
	local i used folder log end
	begin "$1"
	set_clock_to '2026-11-23 12:34:56'
	start_daemon
	netfil add open --cgroup "$INSIDE" --total 1T
	netfil add hourly --cgroup "$INSIDE" --every hour
	start_datagrams load
	keep_log 3>&- &
	log=$!
	sleep 1.5 # so that there is something to lose in the first image
	take_images
	kill -KILL "${PIDS[load]}"
	finish load || true
	# A look that began after the last image, and after the last byte.
	end=$(microseconds)
	wait_until eval '(($(tail -n 1 "$TMP/witness.log" | cut -d " " -f 1) >= end))'
	kill "$log"
	for ((i = 0; i < IMAGES; i++)); do
		cp -r "$TMP/image.$i" "$TMP/opened.$i"
	done
	"$BUILD/tests/system/ledger-used" "$TMP"/opened.* >"$TMP/found"
	fails grep '#' "$TMP/found" # damaged
	while read -r folder _ _ used _; do
		assert_kept "${folder##*.}" "$used"
	done <"$TMP/found"
	for ((i = 0; i < IMAGES; i += IMAGES / BOOTED)); do
		boot "$i"
	done
}

@test "checkpoint: a power cut takes at most a second: 1" {
	checkpoints_hold "${NETFIL_TEST_SEED:-$((EPOCHSECONDS + 1))}"
}

@test "checkpoint: a power cut takes at most a second: 2" {
	checkpoints_hold "${NETFIL_TEST_SEED:-$((EPOCHSECONDS + 2))}"
}

# ---- strict: over any power cuts the sum never passes the cap ----

CAP=10000000

# A burst, and the cut in its midst; now and then while netfild is still starting. `since`:
# what had gone by when the cycle began.
strict_cut() {
	if ((RANDOM % 3)); then
		start_daemon --durability strict
		assert_between "used after a cut" "$(used tight total)" $((seen - since)) "$CAP"
		[[ $(state tight) == on ]] || begin_cycle
		start_datagrams load
		wait_until eval '(($(witness out) > seen))'
		a_moment 150
		power_cut load
	else
		launch_daemon --durability strict
		a_moment 600
		power_cut
	fi
	seen=$(witness out)
	((seen - since <= CAP)) || fail "$((seen - since)) bytes passed a cap of $CAP"
}

begin_cycle() {
	netfil reset tight
	since=$seen
	spent=$((spent + 1))
}

strict_holds() { # SEED
	local i seen=0 since=0 spent=0
	begin "$1"
	start_daemon --durability strict
	netfil add tight --cgroup "$INSIDE" --total "$CAP" --on-limit drop
	power_cut
	for ((i = 0; i < CUTS; i++)); do
		strict_cut
	done
	start_daemon --durability strict
	assert_between used "$(used tight total)" $((seen - since)) "$CAP"
	((spent)) || fail "the cap was never reached"
}

@test "strict: no power cut lets a byte past the cap: 1" {
	strict_holds "${NETFIL_TEST_SEED:-$((EPOCHSECONDS + 1))}"
}

@test "strict: no power cut lets a byte past the cap: 2" {
	strict_holds "${NETFIL_TEST_SEED:-$((EPOCHSECONDS + 2))}"
}

@test "strict: no power cut lets a byte past the cap: 3" {
	strict_holds "${NETFIL_TEST_SEED:-$((EPOCHSECONDS + 3))}"
}

@test "strict: no power cut lets a byte past the cap: 4" {
	strict_holds "${NETFIL_TEST_SEED:-$((EPOCHSECONDS + 4))}"
}

@test "strict: no power cut lets a byte past the cap: 5" {
	strict_holds "${NETFIL_TEST_SEED:-$((EPOCHSECONDS + 5))}"
}

@test "strict: no power cut lets a byte past the cap: 6" {
	strict_holds "${NETFIL_TEST_SEED:-$((EPOCHSECONDS + 6))}"
}

@test "strict: no power cut lets a byte past the cap: 7" {
	strict_holds "${NETFIL_TEST_SEED:-$((EPOCHSECONDS + 7))}"
}

@test "strict: no power cut lets a byte past the cap: 8" {
	strict_holds "${NETFIL_TEST_SEED:-$((EPOCHSECONDS + 8))}"
}

@test "strict: no power cut lets a byte past the cap: 9" {
	strict_holds "${NETFIL_TEST_SEED:-$((EPOCHSECONDS + 9))}"
}

@test "strict: no power cut lets a byte past the cap: 10" {
	strict_holds "${NETFIL_TEST_SEED:-$((EPOCHSECONDS + 10))}"
}

@test "strict: what a power cut leaves open counts as spent, and is said" {
	begin 1
	start_daemon --durability strict
	netfil add tight --cgroup "$INSIDE" --total 100M
	move 1400000
	wait_until_equal tight out
	power_cut
	start_daemon --durability strict
	assert_between forfeited "$(show tight .forfeited)" 1 100000000
	assert_between used "$(used tight total)" "$(witness out)" 100000000
	netfil reset tight
	assert_equal "after a reset" "$(show tight .forfeited)" 0
}

@test "strict: a disk that fails stops what it cannot note, and no longer" {
	use_lossy_disk
	start_daemon --durability strict
	netfil add tight --cgroup "$INSIDE" --total 1G
	break_disk ENOSPC '*' write
	start_datagrams load
	wait_until eval '(($(show tight .refused.packets) > 100))' # dropped in silence
	assert_equal state "$(state tight)" on
	granted=$(witness out)
	wait_until eval '(($(show tight .refused.packets) > 1000))'
	assert_equal "meanwhile" "$(witness out)" "$granted"
	mend_disk
	under_load
	power_cut load
	start_daemon --durability strict
	assert_between used "$(used tight total)" "$(witness out)" 1000000000
}

@test "strict: without netfild no more than the grant passes, and more once it is back" {
	use_lossy_disk
	start_daemon --durability strict
	netfil add tight --cgroup "$INSIDE" --total 1G
	granted=$(sqlite3 "$TMP/state/ledger.db" 'SELECT granted FROM filter')
	break_disk ENOSPC '*' write
	start_datagrams load
	wait_until disk_failed write # the kernel has asked for more, and will not again
	kill_daemon
	mend_disk
	wait_until eval '(($(witness out) > granted - 1428))'
	((granted > 1428 && $(witness out) <= granted))
	start_daemon --durability strict
	under_load
	assert_equal forfeited "$(show tight .forfeited)" 0
}

@test "strict: SIGKILL of netfild alone forfeits nothing" {
	local i
	offload software
	start_daemon --durability strict
	netfil add tight --cgroup "$INSIDE" --total 1G
	start_datagrams load # which do not wait ever longer when a grant is used up, as TCP does
	under_load
	for i in 1 2 3 4 5; do
		kill_daemon
		a_moment 100
		start_daemon --durability strict
		assert_equal forfeited "$(show tight .forfeited)" 0
	done
	under_load
	kill -KILL "${PIDS[load]}"
	finish load || true
	wait_until_equal tight out
	assert_exact tight out
}

@test "strict: the whole cap can be used, and no more" {
	start_daemon
	netfil add tight --cgroup "$INSIDE" --out 20000000 --durability strict --on-limit drop
	start_datagrams load 40000000
	wait_until is_state tight exhausted
	kill -KILL "${PIDS[load]}"
	finish load || true
	assert_between used "$(used tight out)" 19998573 20000000
	wait_until_equal tight out
}
