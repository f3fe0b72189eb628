# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Never over, never short: a long TCP transfer ends with less than one full-size
# segment of its cap unused, and the peer got not one byte more than the cap.

load lib

SEGMENT=1500

# The transfer ends because the cap was reached, on both sides of it.
transfer() { # in|out|total BYTES
	local server=0 client=0
	[[ $1 == out ]] || server=$2
	[[ $1 == in ]] || client=$2
	serve "$server" "${CONNECTIONS:-1}"
	start client capped --parallel "${CONNECTIONS:-1}" tcp-send "$B4" "$PORT" "$client"
	fails finish client
	kill -KILL "${PIDS[server]}" 2>/dev/null || true
	finish server || true
}

# The cap is spent, but for what no full-size segment fits into.
assert_spent() { # NAME in|out|total CAP
	wait_until is_state "$1" exhausted
	assert_between "$1: used $2" "$(used "$1" "$2")" $(($3 > SEGMENT ? $3 - SEGMENT + 1 : 0)) "$3"
}

# The witness's word. Out: what reached the peer is what was used. In: no more was
# admitted than the peer sent; the rest was refused, or met no socket after the reset.
assert_witnessed() { # NAME in|out|total CAP
	[[ $2 == in ]] || wait_until_equal "$1" out
	[[ $2 == out ]] || wait_until accounted_in "$1"
}

accounted_in() { # NAME
	(($(witness in) + $(witness resets_in) >= $(used "$1" in)))
}

cap() { # in|out|total CAP [OFFLOAD]
	offload "${3:-software}"
	start_daemon
	netfil add tight --cgroup "$INSIDE" "--$1" "$2"
	transfer "$1" $(($2 * 2 + 3000000))
	assert_spent tight "$1" "$2"
	assert_witnessed tight "$1" "$2"
}

@test "1 byte out" {
	cap out 1
}

@test "1 byte in" {
	cap in 1
}

@test "1 byte in total" {
	cap total 1
}

@test "1,499 bytes out" {
	cap out 1499
}

@test "1,499 bytes in" {
	cap in 1499
}

@test "1,499 bytes in total" {
	cap total 1499
}

@test "1,500 bytes out" {
	cap out 1500
}

# bats test_tags=kernels,ci
@test "1,500 bytes in" {
	cap in 1500
}

@test "1,500 bytes in total" {
	cap total 1500
}

@test "100,000 bytes out" {
	cap out 100000
}

@test "100,000 bytes in" {
	cap in 100000
}

@test "100,000 bytes in total" {
	cap total 100000
}

# bats test_tags=kernels
@test "1,000,000 bytes out" {
	cap out 1000000
}

@test "1,000,000 bytes in" {
	cap in 1000000
}

@test "1,000,000 bytes in total" {
	cap total 1000000
}

# The large ones with offload on: speed, and the largest packets there are.
cap_large() { # in|out|total
	start_daemon
	netfil add tight --cgroup "$INSIDE" "--$1" 1000000000
	start_capture
	transfer "$1" 1200000000
	assert_spent tight "$1" 1000000000
	stop_capture
	[[ $1 == in ]] || assert_reckoned tight out
}

@test "1,000,000,000 bytes out" {
	cap_large out
}

@test "1,000,000,000 bytes in" {
	cap_large in
}

@test "1,000,000,000 bytes in total" {
	cap_large total
}

@test "1,000,000 bytes with offload off" {
	cap out 1000000 off
}

# bats test_tags=kernels
@test "1,000,000 bytes with offload on" {
	offload on
	start_daemon
	netfil add tight --cgroup "$INSIDE" --out 1000000
	start_capture
	transfer out 5000000
	assert_spent tight out 1000000
	stop_capture
	assert_reckoned tight out
}

@test "8 parallel senders on all CPUs, out" {
	CONNECTIONS=8 cap out 5000000
}

@test "8 parallel senders on all CPUs, in" {
	CONNECTIONS=8 cap in 5000000
}

# bats test_tags=kernels
@test "8 parallel senders on all CPUs, in total" {
	CONNECTIONS=8 cap total 5000000
}

@test "three filters match: the tightest holds, all count alike" {
	offload software
	start_daemon
	netfil add loose --cgroup "$INSIDE" --total 8000000
	netfil add tight --ip "$B4" --out 1000000
	netfil add third --port "$PORT" --out 3000000
	CONNECTIONS=8 transfer out 2000000
	assert_spent tight out 1000000
	wait_until_equal tight out
	assert_equal "loose" "$(used loose out)" "$(used tight out)"
	assert_equal "third" "$(used third out)" "$(used tight out)"
	assert_equal "loose: refused" "$(show loose .refused.bytes)" 0
}

@test "drop policy: the rest of the cap is not stranded by large packets" {
	offload software
	start_daemon
	netfil add tight --cgroup "$INSIDE" --out 777777 --on-limit drop
	serve
	start client capped tcp-send "$B4" "$PORT" 3000000
	assert_spent tight out 777777
	wait_until_equal tight out
	is_running client || fail "the client was ended"
}

@test "in and out caps of one filter are apart" {
	offload software
	start_daemon
	netfil add both --cgroup "$INSIDE" --in 1000000 --out 500000
	transfer out 3000000
	assert_spent both out 500000
	assert_between "in" "$(used both in)" 1 999999
}

@test "a filter without a cap counts and never refuses" {
	offload software
	start_daemon
	netfil add open --cgroup "$INSIDE" --in 0 --out unlimited
	serve 3000000
	capped tcp-send "$B4" "$PORT" 3000000
	finish server
	assert_exact open in out total
	assert_equal refused "$(show open .refused.packets)" 0
}

# bats test_tags=kernels,ci
@test "UDP: what still fits is admitted, and only that" {
	start_daemon
	netfil add tight --cgroup "$INSIDE" --out 100000 --on-limit drop
	start there peer udp-receive "$B4" "$PORT" 97
	ready there
	capped udp-send "$B4" "$PORT" 200 1000
	assert_equal used "$(used tight out)" $((97 * 1028)) # 99,716: none fits any more
	capped udp-send "$B4" "$PORT" 1 256		     # but 284 bytes do
	assert_equal used "$(used tight out)" 100000
	wait_until_equal tight out
}
