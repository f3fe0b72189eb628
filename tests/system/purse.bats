# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Purses: what CPUs spend of a cap without asking each other is the cap's all the same, to the
# byte, wherever the credit is when it is lowered, a CPU goes away, or netfild does.
# Takes long.

load lib

CAP=60000000
SEGMENT=1500
LOTS=1000000000000
RATE=10000000000 # bytes a second, each: any
AHEAD=700000000 # more than passes while netfil is asked
CPU1=/sys/devices/system/cpu/cpu1/online

setup() {
	cpu1_on # a killed run may have left it off
	make_world
	offload off # so that what is refused can be told from what was sent, see assert_seen
	in_ns a nft -f - <<-END
		table inet sent {
			counter sent { }
			chain leaving {
				type filter hook postrouting priority 0
				ip saddr $A4 counter name sent
			}
		}
	END
	start_daemon
}

teardown() {
	local status=$?
	cpu1_on
	((status == 0)) || [[ -n ${BATS_TEST_COMPLETED-} ]] || show_logs
	unmake_world
}

cpu1_on() {
	[[ ! -w $CPU1 || $(<"$CPU1") == 1 ]] || echo 1 >"$CPU1"
}

# Senders on CPU 0 and on CPU 1, and a receiver on CPU 1; the peer's are anywhere.
start_flows() {
	local cpu
	for cpu in 0 1; do
		start "server$cpu" peer tcp-serve "$B4" $((PORT + cpu))
		ready "server$cpu"
		start "sender$cpu" in_cgroup taskset -c "$cpu" "$TRAFFIC" --rate "$RATE" \
			tcp-send "$B4" $((PORT + cpu)) $LOTS
	done
	start source peer --rate "$RATE" tcp-serve "$B4" $((PORT + 2)) $LOTS
	ready source
	start receiver in_cgroup taskset -c 1 "$TRAFFIC" tcp-receive "$B4" $((PORT + 2))
}

end_flows() {
	local name
	for name in sender0 sender1 receiver server0 server1 source; do
		kill -KILL "${PIDS[$name]}" 2>/dev/null || true
		finish "$name" || true
	done
}

# Waits until that many bytes more were sent, either way.
passes() { # BYTES
	local before
	before=$(witness total)
	wait_until eval "((\$(witness total) >= $before + $1))"
}

sent() {
	in_ns a nft list counter inet sent sent | sed -n 's/.*bytes \([0-9]*\).*/\1/p'
}

# Packets that the machine dropped before any socket, since it was started.
backlog_drops() {
	local dropped sum=0
	while read -r _ dropped _; do
		sum=$((sum + 16#$dropped))
	done </proc/net/softnet_stat
	echo "$sum"
}

# The witness sees what came out of the capped side, and all that was sent there: so does a
# counter in the capped side before netfil. What was sent is either used or refused.
assert_seen() { # NAME
	local deadline=$((SECONDS + PATIENCE))
	until is_seen "$1"; do
		if ((SECONDS > deadline)); then
			fail "$1: out ${FIGURES[0]}, in ${FIGURES[1]}, refused ${FIGURES[2]}; witness: out" \
				"$(witness out), in $(witness in), sent $(sent); dropped before" \
				"any socket: $(backlog_drops) packets"
			return 1
		fi
		sleep 0.05
	done
}

is_seen() {
	mapfile -t FIGURES < <(show "$1" '.used.out, .used.in, .refused.bytes')
	((FIGURES[0] == $(witness out) && FIGURES[0] + FIGURES[1] + FIGURES[2] == $(witness in) + $(sent)))
}

# Spent to less than a segment, and not one byte more.
assert_spent() { # NAME LIMIT
	wait_until is_state "$1" exhausted
	assert_seen "$1"
	assert_between "$1, used" "$(used "$1" total)" $(($2 - SEGMENT + 1)) "$2"
}

reset_counters() {
	reset_witness
	in_ns a nft reset counters >/dev/null
}

# bats test_tags=kernels
@test "a cap that two CPUs and both directions spend" {
	local round
	for round in 1 2 3; do
		reset_counters
		netfil add "round$round" --cgroup "$INSIDE" --total $CAP --on-limit drop
		start_flows
		assert_spent "round$round" $CAP
		netfil rm "round$round" # after its traffic
		end_flows
		wait_closed
	done
}

@test "what comes in is spread over the CPUs" {
	# ip has the namespace's own /sys
	ip netns exec "nf-$ID-a" bash -c 'echo 3 >/sys/class/net/net0/queues/rx-0/rps_cpus' ||
		skip "the kernel cannot spread packets over CPUs"
	netfil add capped --cgroup "$INSIDE" --in $CAP --on-limit drop
	start_flows
	wait_until is_state capped exhausted
	assert_seen capped
	assert_between "used" "$(used capped in)" $((CAP - SEGMENT + 1)) $CAP
}

@test "a CPU goes away with credit, and comes back" {
	[[ -w $CPU1 ]] || skip "CPU 1 cannot be taken offline here: no $CPU1"
	local limit
	netfil add capped --cgroup "$INSIDE" --total $LOTS --on-limit drop
	start_flows
	passes 20000000
	echo 0 >"$CPU1" || skip "CPU 1 cannot be taken offline here"
	passes 20000000
	cpu1_on
	limit=$(($(used capped total) + AHEAD))
	netfil set capped --total $limit
	assert_spent capped $limit
}

@test "a cap below what is used, with all credit lent" {
	local at
	netfil add capped --cgroup "$INSIDE" --on-limit drop
	start_flows
	passes 50000000
	netfil set capped --total 20M # without a cap, a terabyte was lent
	at=$(used capped total)
	((at > 50000000)) || fail "only $at bytes were used"
	assert_seen capped
	assert_equal "used" "$(used capped total)" "$at"
	passes_not capped "$at"
}

# Those who are refused try again: nothing of it passes.
passes_not() { # NAME USED
	local refused
	refused=$(show "$1" .refused.packets)
	wait_until eval "((\$(show $1 .refused.packets) > $refused))"
	assert_seen "$1"
	assert_equal "used after a while" "$(used "$1" total)" "$2"
}

@test "a cap is lowered and raised under traffic" {
	local at
	netfil add capped --cgroup "$INSIDE" --total 100G --on-limit drop
	start_flows
	for _ in 1 2 3; do
		passes 30000000
		netfil set capped --total 10M
		at=$(used capped total)
		assert_seen capped
		assert_equal "used" "$(used capped total)" "$at"
		netfil set capped --total 100G
	done
	passes 30000000
	at=$(($(used capped total) + AHEAD))
	netfil set capped --total "$at"
	assert_spent capped "$at"
}

@test "a filter without caps gets one under traffic" {
	local at
	netfil add capped --cgroup "$INSIDE" --on-limit drop
	start_flows
	passes 30000000
	at=$(($(used capped total) + AHEAD))
	netfil set capped --total "$at"
	assert_spent capped "$at"
}

@test "readings never go back, and never beyond the cap" {
	netfil add capped --cgroup "$INSIDE" --total $((5 * CAP)) --on-limit drop
	start_flows
	# shellcheck disable=SC2016 # of the other shell
	in_ns a bash -c 'for ((i = 0; i < 100; i++)); do
		netfil list --json | jq -r ".[0].used | [.in, .out, .total] | @tsv"
		netfil show capped --json | jq -r ".used | [.in, .out, .total] | @tsv"
	done' >"$TMP/readings"
	awk -v cap=$((5 * CAP)) '
		$1 < in_ || $2 < out || $3 < total { print "back: " $0; bad = 1 }
		$3 > cap || $1 + $2 != $3 { print "beyond: " $0; bad = 1 }
		{ in_ = $1; out = $2; total = $3 }
		END { if (NR != 200) print NR " readings"; exit bad || NR != 200 || !total }
	' "$TMP/readings" || fail "$(cat "$TMP/readings")"
	assert_spent capped $((5 * CAP))
}

@test "netfild is killed with credit lent" {
	local at RATE=20000000 # a netfild that starts needs a CPU, too
	netfil add capped --cgroup "$INSIDE" --total 100G --on-limit drop
	start_flows
	passes 20000000
	at=$(used capped total)
	kill_daemon
	passes 20000000
	start_daemon
	assert_between "used" "$(used capped total)" $((at + 20000000)) 100000000000
	at=$(($(used capped total) + 5 * CAP))
	netfil set capped --total "$at"
	assert_spent capped "$at"
}
