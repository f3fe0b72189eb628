# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Caps outlive the daemon, and no byte is lost or counted twice.

load lib

setup() {
	make_world
	offload software
	start_daemon
	reset_witness
}

# bats test_tags=kernels,ci
@test "SIGKILL of netfild under traffic: the count goes on, and is carried on" {
	netfil add open --cgroup "$INSIDE"
	start_load
	kill_daemon
	under_load
	start_daemon
	under_load
	end_load
	assert_exact open out in total
}

@test "SIGKILL again and again" {
	netfil add open --cgroup "$INSIDE"
	netfil add other --ip "$B4" --out 1P
	start_load 4
	for _ in 1 2 3; do
		kill_daemon
		under_load
		start_daemon
	done
	end_load
	assert_exact open out in
	assert_exact other out in
}

@test "SIGTERM: as well" {
	netfil add open --cgroup "$INSIDE"
	start_load
	stop_daemon
	under_load
	start_daemon
	end_load
	assert_exact open out in
}

@test "with netfild killed the cap holds" {
	netfil add tight --cgroup "$INSIDE" --out 5000000 --on-limit drop
	kill_daemon
	serve
	start client capped tcp-send "$B4" "$PORT" 10000000
	wait_until eval '(($(witness out) > 4998500))'
	start_daemon
	wait_until is_state tight exhausted
	assert_between used "$(used tight out)" 4998501 5000000
	wait_until_equal tight out
	assert_between refused "$(show tight .refused.packets)" 1 1000000
}

@test "with netfild killed new connections and datagrams of a spent cap still fail" {
	netfil add tight --cgroup "$INSIDE" --out 50000
	serve
	fails capped tcp-send "$B4" "$PORT" 3000000
	kill_daemon
	fails capped tcp-send "$B4" "$PORT" 10 >"$TMP/later.out"
	assert_equal "connect" "$(told later error)" EPERM
	fails capped udp-send "$B4" "$PORT" 1 1472 >"$TMP/later.out"
	assert_equal "send" "$(told later error)" EPERM
}

# bats test_tags=kernels
@test "with netfild killed an interface's cap holds" {
	netfil add tight --interface net0 --out 300000
	kill_daemon
	serve
	start client capped tcp-send "$B4" "$PORT" 3000000
	wait_until eval '(($(witness out) + 14 * $(witness out packets) > 298486))'
	start_daemon
	wait_until is_state tight exhausted
	assert_between used "$(used tight out)" 298487 300000
}

# bats test_tags=kernels
@test "with netfild killed processes started later are still their parents' children" {
	serve
	start tree in_cgroup bash -c 'read -r <"$1"; shift; "$@"' tree \
		"$(make_gate tree)" "$TRAFFIC" tcp-send "$B4" "$PORT" 500000
	netfil add way --pid "${PIDS[tree]}"
	kill_daemon
	open_gate tree
	finish tree
	start_daemon
	assert_exact way out in
}

@test "a process that ended while netfild was away: its filter's usage is kept" {
	serve
	start way capped --gate "$(make_gate way)" tcp-send "$B4" "$PORT" 500000
	netfil add way --pid "${PIDS[way]}"
	kill_daemon
	open_gate way
	finish way
	wait_closed
	start_daemon
	wait_until_equal way out
	assert_equal state "$(state way)" waiting
}

@test "filters come back as they were" {
	netfil add one --ip 192.0.2.0/24 --ip 2001:db8::/32 --in 1M --out 2M --total 3M
	netfil add two --interface 'eth*' --on-limit drop --off
	netfil add three --user root --port 80-90 --proto tcp --loopback
	netfil list --json >"$TMP/before"
	kill_daemon
	start_daemon
	netfil list --json >"$TMP/after"
	diff "$TMP/before" "$TMP/after"
}

@test "without its pins, as after a restart of the machine, usage comes from the ledger" {
	netfil add open --cgroup "$INSIDE" --out 1M
	serve 30000
	capped tcp-send "$B4" "$PORT" 300000
	finish server
	assert_exact open out in
	show open .used >"$TMP/before"
	stop_daemon
	new_boot
	start_daemon
	show open .used >"$TMP/after"
	diff "$TMP/before" "$TMP/after"
	serve
	fails capped tcp-send "$B4" "$PORT" 1000000
	assert_between used "$(used open out)" 998501 1000000
	wait_until_equal open out
}

@test "reload under load: no gap" {
	netfil add open --cgroup "$INSIDE"
	netfil add other --ip "$B4"
	netfil add wire --interface net0
	start_load 8
	for _ in 1 2 3 4 5; do
		netfil reload
		under_load
	done
	end_load
	assert_exact open out in
	assert_exact other out in
	wait_until eval \
		'(($(used wire out) == $(witness frames_out) + 14 * $(witness frames_out packets)))'
}

# bats test_tags=kernels
@test "reload under load: the cap holds" {
	netfil add tight --cgroup "$INSIDE" --out 200M --on-limit drop
	serve
	start client capped tcp-send "$B4" "$PORT" 100000000000
	until is_state tight exhausted; do
		netfil reload
	done
	assert_between used "$(used tight out)" 199998501 200000000
	wait_until_equal tight out
}

@test "SIGHUP reloads" {
	netfil add open --cgroup "$INSIDE"
	start_load
	kill -HUP "${PIDS[daemon]}"
	wait_until grep -q 'reload' "$TMP/daemon.err"
	under_load
	end_load
	assert_exact open out in
}

@test "filters added, changed and removed under load leave the others exact" {
	netfil add open --cgroup "$INSIDE"
	start_load 4
	for i in $(seq 10); do
		netfil add "extra$i" --ip "$B4" --port "$PORT"
		netfil set "extra$i" --ip "10.0.0.$i"
		netfil off "extra$i"
		netfil rm "extra$i"
	done
	end_load
	assert_exact open out in
}

@test "a reset under load loses no byte" {
	netfil add open --cgroup "$INSIDE"
	netfil add all --cgroup "$INSIDE"
	start_load
	sum=0
	for _ in 1 2 3; do
		under_load
		netfil off open
		sum=$((sum + $(used open out)))
		netfil reset open
		netfil on open
	done
	end_load
	assert_exact all out
	assert_between "in pieces" $((sum + $(used open out))) 1 "$(used all out)"
}

@test "a second netfild says who holds the instance, and ends" {
	run netfild_here
	assert_equal status "$status" 1
	[[ $output == *"${PIDS[daemon]}"* ]] || fail "it does not name the holder: $output"
	assert_equal lines "${#lines[@]}" 1
	netfil list >"$TMP/list"
}

netfild_here() {
	in_ns a netfild
}

@test "netfil add starts netfild when none runs" {
	stop_daemon
	netfil add open --cgroup "$INSIDE"
	serve
	capped tcp-send "$B4" "$PORT" 100000
	finish server
	assert_exact open out in
}

@test "several netfil add at once start one netfild" {
	stop_daemon
	for i in 1 2 3 4; do
		start "add$i" in_ns a netfil add "filter$i" --cgroup "$INSIDE"
	done
	for i in 1 2 3 4; do
		finish "add$i"
	done
	assert_equal filters "$(netfil list --json | jq length)" 4
	assert_equal daemons "$(pgrep --exact netfild | while read -r pid; do
		grep -l "nf-$ID/" "/proc/$pid/cgroup"
	done | wc -l)" 1
}

@test "a list, a user or an executable that is gone does not keep netfild from starting" {
	echo "$B4" >"$TMP/list"
	cp /bin/true "$TMP/exe"
	netfil add list --ip-file "$TMP/list"
	netfil add exe --exe "$TMP/exe"
	netfil add open --cgroup "$INSIDE"
	rm "$TMP/exe"
	echo 'no address' >"$TMP/list"
	kill_daemon
	start_daemon
	assert_equal list "$(state list)" waiting
	assert_equal exe "$(state exe)" waiting
	serve
	capped tcp-send "$B4" "$PORT" 10000
	wait_until_equal open out
}

@test "each reset starts from 0, and so it stands after SIGKILL" {
	netfil add open --cgroup "$INSIDE" --out 1M
	for _ in 1 2 3; do
		spent=$(witness out)
		netfil reset open
		assert_equal reset "$(used open total)" 0
		serve
		capped tcp-send "$B4" "$PORT" 200000
		finish server
		wait_closed
		wait_until_equal open out "$spent"
	done
	kill_daemon
	start_daemon
	wait_until_equal open out "$spent"
}

@test "power loss: usage is what the last checkpoint says" {
	netfil add open --cgroup "$INSIDE" --out 1M
	serve
	capped tcp-send "$B4" "$PORT" 300000
	finish server
	assert_exact open out in
	show open .used >"$TMP/before"
	wait_until eval '[[ $(sqlite3 "$TMP/state/ledger.db" "SELECT used_bytes_out FROM usage") == \
		"$(used open out)" ]]'
	kill_daemon # no last checkpoint
	new_boot
	start_daemon
	show open .used >"$TMP/after"
	diff "$TMP/before" "$TMP/after"
}
