# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Packets tell who sends them, as long as it is their sender during whose time they leave.

load lib

SIZE=100
DATAGRAM4=$((SIZE + 28))

setup() {
	make_world
	start sink peer udp-receive "$B4" "$PORT" 1000000
	ready sink
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

# Sends, and once its gate is open, a process of the user does with the same socket.
start_heir() {
	start heir capped --connected-gate "$(make_gate heir)" \
		udp-spread "$B4" "$PORT" 1 100 $SIZE 65534
	ready heir
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
