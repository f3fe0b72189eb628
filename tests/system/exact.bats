# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A filter's usage equals what the witness saw, to the byte: one filter by cgroup
# and one by address watch the same flow, both ways.

load lib

watch_flow() { # 4|6
	local address=B$1
	start_daemon
	netfil add by-cgroup --cgroup "$INSIDE"
	netfil add by-address --ip "${!address}"
}

assert_flow_exact() {
	assert_exact by-cgroup out in total
	assert_exact by-address out in total
}

tcp() { # 4|6 OFFLOAD
	local address=B$1
	offload "$2"
	watch_flow "$1"
	[[ $2 != on ]] || start_capture
	AT=${!address} serve 3000000
	capped tcp-send "${!address}" "$PORT" 2000000
	finish server
	if [[ $2 == on ]]; then
		assert_exact_capture by-cgroup "$1"
		assert_equal "by address" "$(used by-address total)" "$(used by-cgroup total)"
	else
		assert_flow_exact
	fi
}

# Both ways, from one byte to what just fits a packet.
udp() { # 4|6 OFFLOAD [METHOD]
	local address=A$1 peer=B$1 size
	offload "$2"
	watch_flow "$1"
	for size in 1 1000 $(($1 == 4 ? 1472 : 1452)); do
		start there peer udp-receive "${!peer}" "$PORT" 300
		start here capped --method gro udp-receive "${!address}" "$PORT" 300
		ready there
		ready here
		capped --method "${3-connected}" udp-send "${!peer}" "$PORT" 300 "$size"
		peer udp-send "${!address}" "$PORT" 300 "$size"
		finish there
		finish here
	done
	assert_flow_exact
}

# Aggregates all the way, sent as one and received as one.
udp_segmented() { # 4|6
	local address=A$1 peer=B$1
	watch_flow "$1"
	start_capture
	start there peer --method gro udp-receive "${!peer}" "$PORT" 400
	start here capped --method gro udp-receive "${!address}" "$PORT" 400
	ready there
	ready here
	capped --method gso udp-send "${!peer}" "$PORT" 400 1200
	peer --method gso udp-send "${!address}" "$PORT" 400 1200
	finish there
	finish here
	assert_exact_capture by-cgroup "$1" 1200
	assert_equal "by address" "$(used by-address total)" "$(used by-cgroup total)"
}

@test "TCP over IPv4, offload off" {
	tcp 4 off
}

@test "TCP over IPv6, offload off" {
	tcp 6 off
}

@test "TCP over IPv4, segmented and merged in software" {
	tcp 4 software
}

@test "TCP over IPv6, segmented and merged in software" {
	tcp 6 software
}

@test "TCP over IPv4, offload on, by capture" {
	tcp 4 on
}

# bats test_tags=kernels
@test "TCP over IPv6, offload on, by capture" {
	tcp 6 on
}

@test "UDP over IPv4, offload off" {
	udp 4 off
}

@test "UDP over IPv6, offload off" {
	udp 6 off
}

# bats test_tags=kernels
@test "UDP over IPv4, segmented and merged in software" {
	udp 4 software gso
}

@test "UDP over IPv6, segmented and merged in software" {
	udp 6 software gso
}

@test "UDP over IPv4, offload on, by capture" {
	udp_segmented 4
}

@test "UDP over IPv6, offload on, by capture" {
	udp_segmented 6
}

@test "a server on the capped side" {
	offload off
	watch_flow 4
	start server capped tcp-serve "$A4" "$PORT" 300000
	ready server
	peer tcp-send "$A4" "$PORT" 200000
	finish server
	assert_flow_exact
}

echo_exact() { # ping|raw 4|6
	local address=B$2
	watch_flow "$2"
	capped echo "$1" "${!address}" 20 100
	capped echo "$1" "${!address}" 20 1400
	assert_flow_exact
}

@test "ICMP by a ping socket" {
	echo_exact ping 4
}

@test "ICMP by a raw socket" {
	echo_exact raw 4
}

@test "ICMPv6 by a ping socket" {
	echo_exact ping 6
}

@test "ICMPv6 by a raw socket" {
	echo_exact raw 6
}

raw_exact() { # 4|6
	local address=A$1 peer=B$1
	watch_flow "$1"
	start there peer raw-receive "${!peer}" 253 50
	start here capped raw-receive "${!address}" 253 50
	ready there
	ready here
	capped raw-send "${!peer}" 253 50 700
	peer raw-send "${!address}" 253 50 900
	finish there
	finish here
	assert_flow_exact
}

@test "raw IPv4 of an unknown protocol" {
	raw_exact 4
}

@test "raw IPv6 of an unknown protocol" {
	raw_exact 6
}

multicast() { # GROUP
	start_daemon
	netfil add group --cgroup "$INSIDE"
	start there peer --interface net0 udp-receive "$1" "$PORT" 50
	ready there
	capped --interface net0 udp-send "$1" "$PORT" 50 700
	finish there
	start here capped --interface net0 udp-receive "$1" "$PORT" 60
	ready here
	peer --interface net0 udp-send "$1" "$PORT" 60 900
	finish here
	assert_exact group out in total
}

@test "multicast over IPv4" {
	multicast 239.7.7.7
}

@test "multicast over IPv6" {
	multicast ff05::7:7
}

@test "multicast that the sender's own machine hears too leaves once" {
	start_daemon
	netfil add group --cgroup "$INSIDE"
	start here capped --interface net0 udp-receive 239.7.7.7 "$PORT" 50
	ready here
	capped --interface net0 --loop udp-send 239.7.7.7 "$PORT" 50 700
	finish here
	assert_exact group out
	assert_equal "in, which no wire carried" "$(used group in)" 0
}

@test "a datagram in fragments lacks the later fragments' IP headers, as documented" {
	offload off
	start_daemon
	netfil add large --cgroup "$INSIDE"
	start there peer udp-receive "$B4" "$PORT" 10
	ready there
	capped udp-send "$B4" "$PORT" 10 4000 # three fragments each
	finish there
	assert_equal "packets seen" "$(witness out packets)" 30
	assert_equal used "$(used large out)" $(($(witness out) - 10 * 2 * 20))
}

@test "a raw socket's copy of a packet counts once more, as documented" {
	offload off
	start_daemon
	netfil add copies --cgroup "$INSIDE"
	netfil add packets --interface net0 --proto udp
	start raw capped raw-receive "$A4" 17 10
	ready raw
	start here capped udp-receive "$A4" "$PORT" 10
	ready here
	peer udp-send "$A4" "$PORT" 10 1000
	finish here
	finish raw
	assert_equal "packets seen" "$(witness in packets)" 10
	assert_equal "used of both" "$(used copies in) $(used packets in)" \
		"$((2 * $(witness in))) $((2 * $(witness in)))"
}

@test "retransmissions count" {
	offload off
	watch_flow 4
	in_ns b nft -f - <<-'END'
		table netdev loss {
			chain arriving {
				type filter hook ingress device net0 priority 10
				tcp flags & syn == 0 numgen inc mod 20 == 7 drop
			}
		}
	END
	serve
	capped tcp-send "$B4" "$PORT" 300000
	finish server
	assert_flow_exact
}
