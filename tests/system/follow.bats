# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A socket's use by another process than the one that made it is noticed where it matters, and
# costs nothing elsewhere.

load lib

SIZE=100
DATAGRAM4=$((SIZE + 28))

setup() {
	make_world
	start sink peer udp-receive "$B4" "$PORT" 1000000
	ready sink
}

follows() {
	local links
	links=$(ls "$TMP/bpf/netfil/links")
	grep -qE '^(socket_received|trampoline-.*)$' <<<"$links"
}

# A process of the user goes on with a socket that another one made and used.
start_heir() {
	start heir capped --connected-gate "$(make_gate heir)" \
		udp-spread "$B4" "$PORT" 1 100 $SIZE 65534
	ready heir
}

looks_at_sends() {
	[[ -e $NETFIL_BPFFS_DIR/links/socket_sent ]]
}

# Datagrams to the peer wait for a process to let them go.
queue_datagrams() {
	start firewall in_cgroup "$BUILD/tests/system/pass-on" 7
	wait_until grep -q ready "$TMP/firewall.out" ||
		skip "the kernel lacks NFQUEUE: $(cat "$TMP/firewall.err")"
	in_ns a iptables --wait --append OUTPUT --protocol udp --dport "$PORT" \
		--jump NFQUEUE --queue-num 7 || skip "the kernel lacks NFQUEUE"
}

# bats test_tags=kernels
@test "applications not counted: followed while a filter asks for an owner" {
	needs sock_length trampolines
	start_daemon --no-apps
	fails follows
	netfil add address --ip "$B4"
	netfil add frames --interface net0
	netfil add each --ip "$B4" --each
	fails follows
	netfil add person --user 65534
	follows
	netfil off person
	follows
	netfil rm person
	fails follows
	netfil add everybody --user '*' --each
	follows
	kill_daemon
	start_daemon --no-apps
	follows
	netfil rm everybody
	fails follows
	netfil reload
	fails follows
	stop_daemon
	start_daemon --no-apps
	fails follows
	stop_daemon
	start_daemon
	follows
	stop_daemon
	start_daemon --no-apps
	fails follows
}

# bats test_tags=kernels
@test "a filter that asks for an owner later counts from the next use on" {
	needs sock_length trampolines
	start_daemon --no-apps
	start_heir
	netfil add heirs --user 65534
	reset_witness
	open_gate heir
	finish heir
	wait_until eval '[[ $(witness out) == $((100 * DATAGRAM4)) ]]'
	assert_equal "heirs" "$(used heirs out)" $(((100 - $(first_unnoticed)) * DATAGRAM4))
}

@test "who looks at sockets sees who uses them" {
	needs sock_length trampolines
	start_daemon --no-apps
	netfil add address --ip "$B4"
	fails follows
	netfil top --json --interval 0.1 >"$TMP/top.json"
	follows
}

@test "filters of addresses count to the byte without" {
	start_daemon --no-apps
	netfil add address --ip "$B4" --out $((150 * DATAGRAM4)) --on-limit drop
	start_heir
	open_gate heir
	finish heir
	wait_until eval '[[ $(witness out) == $((150 * DATAGRAM4)) ]]'
	assert_equal "address" "$(used address out)" $((150 * DATAGRAM4))
	assert_equal "refused" "$(show address .refused.packets)" 50
}

# bats test_tags=kernels
@test "who lets go what others send is not their sender" {
	start_daemon
	fails looks_at_sends
	queue_datagrams
	netfil add firewall --exe "$BUILD/tests/system/pass-on"
	netfil add sender --exe "$TRAFFIC"
	start_heir # the socket is open while its packets go
	wait_until eval '[[ $(witness out) == $((100 * DATAGRAM4)) ]]'
	assert_equal "sender" "$(used sender out)" $((100 * DATAGRAM4))
	assert_equal "firewall" "$(used firewall out)" 0
}

@test "who sends what others let go is seen at its calls" {
	needs sock_length
	start_daemon
	queue_datagrams
	netfil add heirs --user 65534
	start_heir
	wait_until eval '[[ $(witness out) == $((100 * DATAGRAM4)) ]]'
	wait_until looks_at_sends
	assert_equal "before" "$(used heirs out)" 0
	open_gate heir
	finish heir
	wait_until eval '[[ $(witness out) == $((200 * DATAGRAM4)) ]]'
	# The first may leave before its call ends, or after it.
	assert_between "heirs" "$(used heirs out)" $((99 * DATAGRAM4)) $((100 * DATAGRAM4))
	# For good.
	stop_daemon
	start_daemon
	looks_at_sends
}
