# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# One socket that is not connected, and many addresses in turn: what was found out for one
# flow is remembered beside the others', and is good for as long as it is true.

load lib

ADDRESSES=4 # of the peer, from number FIRST on
FIRST=4
SIZE=100
DATAGRAM4=$((SIZE + 28))
DATAGRAM6=$((SIZE + 48))

setup() {
	make_world
	make_addresses
	start_daemon
}

at4() { # I
	address4 $((FIRST + $1))
}

at6() { # I
	address6 $((FIRST + $1))
}

# The peer counts what comes to each of its addresses.
make_addresses() {
	local i mac
	mac=$(link_address b net0)
	{
		echo 'table inet each {'
		for ((i = 0; i < ADDRESSES; i++)); do
			echo "counter v4_$i { }"
			echo "counter v6_$i { }"
		done
		echo 'chain arriving { type filter hook prerouting priority 0;'
		for ((i = 0; i < ADDRESSES; i++)); do
			echo "ip daddr $(at4 $i) udp dport $PORT counter name v4_$i"
			echo "ip6 daddr $(at6 $i) udp dport $PORT counter name v6_$i"
		done
		printf '}\n}\n'
	} | in_ns b nft -f -
	for ((i = 0; i < ADDRESSES; i++)); do
		in_ns b ip address add "$(at4 $i)/32" dev net0
		in_ns b ip address add "$(at6 $i)/128" dev net0 nodad
		in_ns a ip route add "$(at4 $i)" dev net0
		in_ns a ip route add "$(at6 $i)" dev net0
		in_ns a ip neighbour add "$(at4 $i)" lladdr "$mac" dev net0
		in_ns a ip neighbour add "$(at6 $i)" lladdr "$mac" dev net0
	done
	start sink peer udp-receive :: "$PORT" 1000000
	ready sink
}

arrived() { # v4|v6 I
	in_ns b nft list counter inet each "$1_$2" | sed -n 's/.*bytes \([0-9]*\).*/\1/p'
}

spread() { # FIRST ROUNDS
	capped udp-spread "$1" "$PORT" $ADDRESSES "$2" $SIZE
}

start_heir() { # FIRST ROUNDS USER
	start heir capped --connected-gate "$(make_gate heir)" \
		udp-spread "$1" "$PORT" $ADDRESSES "$2" $SIZE "$3"
	ready heir
}

# bats test_tags=kernels
@test "each address' bytes are its filter's, and a cap is kept to the byte" {
	netfil add free4 --ip "$(at4 1)"
	netfil add capped4 --ip "$(at4 2)" --out $((50 * DATAGRAM4)) --on-limit drop
	netfil add free6 --ip "$(at6 1)"
	netfil add capped6 --ip "$(at6 2)" --out $((50 * DATAGRAM6 + 1)) --on-limit drop
	spread "$(at4 0)" 200
	spread "$(at6 0)" 200
	assert_equal "free" "$(used free4 out)" $((200 * DATAGRAM4))
	wait_until eval '[[ $(arrived v4 1) == $((200 * DATAGRAM4)) ]]'
	assert_equal "capped" "$(used capped4 out)" $((50 * DATAGRAM4))
	wait_until eval '[[ $(arrived v4 2) == $((50 * DATAGRAM4)) ]]'
	assert_equal "refused" "$(show capped4 .refused.packets)" 150
	wait_until eval '[[ $(arrived v4 0) == $((200 * DATAGRAM4)) ]]'
	assert_equal "free, IPv6" "$(used free6 out)" $((200 * DATAGRAM6))
	wait_until eval '[[ $(arrived v6 1) == $((200 * DATAGRAM6)) ]]'
	assert_equal "capped, IPv6" "$(used capped6 out)" $((50 * DATAGRAM6))
	wait_until eval '[[ $(arrived v6 2) == $((50 * DATAGRAM6)) ]]'
}

@test "two filters match one of the addresses" {
	netfil add both --ip "$(at4 1)" --ip "$(at4 2)"
	netfil add one --ip "$(at4 2)" --out $((50 * DATAGRAM4)) --on-limit drop
	spread "$(at4 0)" 200
	assert_equal "both" "$(used both out)" $((250 * DATAGRAM4))
	assert_equal "one" "$(used one out)" $((50 * DATAGRAM4))
	wait_until eval '[[ $(arrived v4 1) == $((200 * DATAGRAM4)) ]]'
	wait_until eval '[[ $(arrived v4 2) == $((50 * DATAGRAM4)) ]]'
}

@test "a filter that gets another address" {
	netfil add moves --ip "$(at4 1)"
	start_heir "$(at4 0)" 100 0
	assert_equal "before" "$(used moves out)" $((100 * DATAGRAM4))
	netfil set moves --ip "$(at4 3)"
	netfil add new --ip "$(at4 0)"
	open_gate heir
	finish heir
	assert_equal "after" "$(used moves out)" $((200 * DATAGRAM4))
	assert_equal "new" "$(used new out)" $((100 * DATAGRAM4))
	wait_until eval '[[ $(arrived v4 1) == $((200 * DATAGRAM4)) ]]'
}

# bats test_tags=kernels
@test "another user's process goes on with the socket" {
	needs sock_length trampolines
	netfil add heirs --user 65534
	start_heir "$(at4 0)" 100 65534
	assert_equal "before" "$(used heirs out)" 0
	reset_witness
	open_gate heir
	finish heir
	wait_until eval '[[ $(witness out) == $((ADDRESSES * 100 * DATAGRAM4)) ]]'
	assert_equal "after" "$(used heirs out)" $(((ADDRESSES * 100 - $(first_unnoticed)) * DATAGRAM4))
}

@test "what the interface refuses is charged to no address" {
	local i sum=0
	netfil add frames --interface net0 --out $((210 * (DATAGRAM4 + 14))) --on-limit drop
	for ((i = 0; i < ADDRESSES; i++)); do
		netfil add "to$i" --ip "$(at4 $i)"
	done
	spread "$(at4 0)" 100
	wait_until eval '[[ $(witness out) == $((210 * DATAGRAM4)) ]]'
	for ((i = 0; i < ADDRESSES; i++)); do
		assert_equal "address $i" "$(used "to$i" out)" "$(arrived v4 $i)"
		sum=$((sum + $(arrived v4 $i)))
	done
	assert_equal "all" $sum $((210 * DATAGRAM4))
	assert_equal "frames" "$(used frames out)" $((210 * (DATAGRAM4 + 14)))
}

@test "members of a filter with --each" {
	netfil add customers --ip "$(address4 0)/28" --each --out $((50 * DATAGRAM4)) --on-limit drop
	spread "$(at4 0)" 200
	for ((i = 0; i < ADDRESSES; i++)); do
		wait_until eval '[[ $(arrived v4 $i) == $((50 * DATAGRAM4)) ]]'
	done
	assert_equal "all" "$(used customers out)" $((ADDRESSES * 50 * DATAGRAM4))
}

@test "kill: who was refused is found, whatever it sent elsewhere since" {
	netfil add tight --cgroup "$INSIDE" --ip "$(at4 1)" --out $((50 * DATAGRAM4)) --on-limit kill
	start victim capped --abandon udp-spread "$(at4 0)" "$PORT" $ADDRESSES 1000000000 $SIZE
	status=0
	finish victim || status=$?
	assert_equal "status" $status $((128 + 15))
	wait_until eval '[[ $(arrived v4 1) == $((50 * DATAGRAM4)) ]]'
}
