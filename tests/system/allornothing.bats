# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A packet that several filters match is charged to all of them, or refused and
# charged to none.

load lib

setup() {
	make_world
	offload off
	start_daemon
	reset_witness
}

# The tight filter refuses; the others, before and after it, count what it counts.
refuse_by_tight() { # TRAFFIC-ARGUMENTS...
	serve
	start client capped tcp-send "$B4" "$PORT" 1000000
	wait_until is_state tight exhausted
}

@test "socket filters on the way out, the tight one last" {
	netfil add first --cgroup "$INSIDE" --out 500000
	netfil add second --ip "$B4"
	netfil add tight --port "$PORT" --out 100000 --on-limit drop
	refuse_by_tight
	wait_until_equal tight out
	wait_until_equal first out
	wait_until_equal second out
}

@test "socket filters on the way out, the tight one first" {
	netfil add tight --port "$PORT" --out 100000 --on-limit drop
	netfil add second --ip "$B4"
	netfil add third --cgroup "$INSIDE" --out 500000
	refuse_by_tight
	wait_until_equal tight out
	wait_until_equal second out
	wait_until_equal third out
}

@test "socket filters on the way in" {
	netfil add loose --cgroup "$INSIDE" --in 500000
	netfil add tight --port "$PORT" --in 100000 --on-limit drop
	netfil add open --ip "$B4"
	serve 1000000
	start client capped tcp-receive "$B4" "$PORT"
	wait_until is_state tight exhausted
	assert_between used "$(used tight in)" 98501 100000
	assert_equal loose "$(used loose in)" "$(used tight in)"
	assert_equal open "$(used open in)" "$(used tight in)"
}

@test "in total and by direction in one filter" {
	netfil add tight --cgroup "$INSIDE" --in 500000 --out 400000 --total 100000 --on-limit drop
	refuse_by_tight
	wait_until_equal tight out
	assert_equal "sum" $(($(used tight in) + $(used tight out))) "$(used tight total)"
	assert_between used "$(used tight total)" 98501 100000
}

# The pair of hooks: what one charged the other one refuses.
@test "on the way out the interface refuses: the socket's filter is not charged" {
	netfil add socket --cgroup "$INSIDE"
	netfil add wire --interface net0 --out 100000
	refuse_by_tight_wire
	wait_until_equal socket out
	assert_equal "frames" "$(used wire out)" \
		"$(($(witness frames_out) + 14 * $(witness frames_out packets)))"
}

refuse_by_tight_wire() {
	serve
	start client capped tcp-send "$B4" "$PORT" 1000000
	wait_until is_state wire exhausted
	kill -KILL "${PIDS[client]}" 2>/dev/null || true # if the cap has not
	finish client || true
}

# bats test_tags=kernels
@test "on the way out the interface refuses large packets: the socket's filter is not charged" {
	offload software
	netfil add socket --cgroup "$INSIDE"
	netfil add wire --interface net0 --out 100000
	refuse_by_tight_wire
	wait_until_equal socket out
}

@test "on the way in the socket's filter refuses: the interface is not charged" {
	netfil add wire --interface net0
	netfil add socket --cgroup "$INSIDE" --in 100000 --on-limit drop
	serve 1000000
	start client capped tcp-receive "$B4" "$PORT"
	wait_until is_state socket exhausted
	kill -KILL "${PIDS[server]}" 2>/dev/null || true
	finish server || true
	refused=$(show socket .refused.bytes)
	((refused > 0)) || fail "nothing was refused"
	# Frames of the admitted packets, and of nothing else.
	wait_until eval '((($(used wire in) - $(used socket in)) % 14 == 0))'
	assert_between "wire" "$(used wire in)" "$(used socket in)" $(($(used socket in) + 14 * 200))
}

@test "two filters spent at once: neither is charged by the other's packets" {
	netfil add a --ip "$B4" --out 50000 --on-limit drop
	netfil add b --ip "$B6" --out 50000 --on-limit drop
	netfil add both --cgroup "$INSIDE" --out 80000 --on-limit drop
	serve
	start four capped tcp-send "$B4" "$PORT" 1000000
	wait_until is_state a exhausted
	PORT=5002
	AT=$B6 serve
	start six capped tcp-send "$B6" "$PORT" 1000000
	wait_until is_state both exhausted
	wait_until_equal both out
	assert_equal sum $(($(used a out) + $(used b out))) "$(used both out)"
	assert_between both "$(used both out)" 78501 80000
	assert_between b "$(used b out)" 1 50000
}

@test "8 senders and three filters of which two refuse by turns" {
	offload software
	netfil add one --ip "$B4" --out 1000000 --on-limit drop
	netfil add two --ip "$B4" --total 1010000 --on-limit drop
	netfil add three --cgroup "$INSIDE"
	serve 0 8
	start client capped --parallel 8 tcp-send "$B4" "$PORT" 1000000
	wait_until eval '[[ $(state one) == exhausted || $(state two) == exhausted ]]'
	wait_until_equal one out
	assert_equal two "$(used two out)" "$(used one out)"
	assert_equal three "$(used three out)" "$(used one out)"
}

# bats test_tags=kernels
@test "forwarded: what the source's filter refuses, the destination's is not charged" {
	needs netfilter_link
	make_namespace c
	make_link c net0 a net1
	ip -n "nf-$ID-c" -batch - <<-END
		address add 10.255.0.2/30 dev net0
		route add default via 10.255.0.1
	END
	ip -n "nf-$ID-a" address add 10.255.0.1/30 dev net1
	in_ns a bash -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
	ip -n "nf-$ID-b" route add 10.255.0.0/30 via "$A4"
	make_witness b net0 10.255.0.2 fd00:ffff::2
	netfil add there --ip "$B4"
	netfil add here --ip 10.255.0.2 --in 300000 --on-limit drop
	serve
	start sender in_ns c "$TRAFFIC" tcp-send "$B4" "$PORT" 3000000
	wait_until is_state here exhausted
	assert_between here "$(used here in)" 298501 300000
	wait_until_equal there out
	assert_equal there "$(used there out)" "$(used here in)"
}
