# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# netfild --release: the end of it. Caps are lifted, nothing is left in the kernel, and the
# ledger is kept.

load lib

setup() {
	make_world
	offload software
	start_daemon
}

release() {
	in_ns a netfild --release 2>"$TMP/release.err" || fail "$(cat "$TMP/release.err")"
}

# Neither pins nor programs.
assert_released() {
	[[ ! -e $NETFIL_BPFFS_DIR ]] || fail "pinned: $(find "$NETFIL_BPFFS_DIR")"
	wait_until eval '[[ -z $(bpftool cgroup show "$CGROUP/inside") ]]' # the kernel takes its time
}

# Datagrams go out, each of them. Connections that were held go on when they will, so what
# nobody at the peer listens for is counted.
assert_free() {
	local before
	before=$(in_vain)
	capped --method sendto udp-send "$B4" 9 100 1000
	wait_until eval "((\$(in_vain) == $before + 100))"
}

in_vain() {
	in_ns b awk '$1 == "Udp:" { datagrams = $3 } END { print datagrams }' /proc/net/snmp
}

# bats test_tags=kernels
@test "release: links and pins are gone, traffic passes, and the ledger has each byte" {
	netfil add open --cgroup "$INSIDE"
	netfil add tight --cgroup "$INSIDE" --out 100000 --on-limit drop
	netfil add wire --interface net0 --out 102000 --on-limit drop
	netfil add away --ip 192.0.2.1 --total 1M # forwarded, too
	[[ -n $(bpftool cgroup show "$CGROUP/inside") ]] || fail 'nothing is there to begin with'
	start_datagrams load
	wait_until is_state tight exhausted
	kill_daemon # counters go on, and no one writes them down
	kill -KILL "${PIDS[load]}"
	finish load || true
	release
	grep -q 'caps are lifted' "$TMP/release.err"
	seen=$(witness out)
	assert_released
	assert_free
	start_daemon
	assert_equal filters "$(netfil list --json | jq -r '[.[].name] | join(" ")')" \
		'away open tight wire'
	assert_equal used "$(used open out)" "$seen"
	before=$(witness out packets)
	capped --method sendto udp-send "$B4" 9 10 1000
	assert_equal passed "$(witness out packets)" "$before"
	wait_until is_state tight exhausted
}

@test "release: nothing of a strict filter is forfeited" {
	netfil add tight --cgroup "$INSIDE" --out 100M --durability strict
	move 50000
	stop_daemon
	release
	start_daemon
	assert_equal used "$(used tight out)" 50000
	assert_equal forfeited "$(show tight '.forfeited // 0')" 0
}

@test "release: who stands still goes on, and links are up" {
	netfil add paused --cgroup "$INSIDE" --out 50000 --on-limit pause
	netfil add down --interface net0 --in 5000 --on-limit down
	serve
	start victim capped tcp-send "$B4" "$PORT" 3000000
	wait_until stands_still victim
	peer --method sendto udp-send "$A4" 9 10 1000
	wait_until eval '! is_up'
	kill_daemon
	release
	assert_released
	# Its connection goes on when TCP tries again, which may be half a minute later.
	wait_until eval '! stands_still victim'
	is_up || fail 'the link is down'
	assert_free
	kill -KILL "${PIDS[victim]}"
	finish victim || true
}

stands_still() { # NAME
	grep -q '^State:.*stopped' "/proc/${PIDS[$1]}/status"
}

is_up() {
	ip -n "nf-$ID-a" link show up | grep -q net0
}

@test "release beside a netfild that runs: refused, and caps hold" {
	netfil add tight --cgroup "$INSIDE" --out 1000
	run in_ns a netfild --release
	assert_equal status "$status" 1
	[[ $output == *"another netfild (pid ${PIDS[daemon]})"* ]] || fail "$output"
	move 1000
	fails capped --method sendto udp-send "$B4" 9 1 1000
}

@test "release where nothing is in force leaves nothing behind" {
	stop_daemon
	release
	release
	assert_released
	[[ ! -e $NETFIL_RUNTIME_DIR ]] || fail "there is $NETFIL_RUNTIME_DIR"
	NETFIL_STATE_DIR=$TMP/other release
	[[ ! -e $TMP/other ]] || fail 'there is a ledger'
}

@test "release with a ledger beyond use lifts caps all the same, and says so" {
	netfil add tight --cgroup "$INSIDE" --out 1000 --on-limit drop
	kill_daemon
	rm "$TMP"/state/ledger.db*
	echo rubbish >"$TMP/state/ledger.db"
	echo rubbish >"$TMP/state/ledger.db.backup"
	release
	grep -q 'warning: .*ledger' "$TMP/release.err"
	assert_released
	assert_free
}
