# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Forwarded traffic: the capped side is a router for a client behind it.

load lib

C4=10.255.0.2 C6=fd00:ffff::2

setup() {
	make_world
	offload "${OFFLOAD:-software}"
	make_client
	make_witness b net0 $C4 $C6
	start_daemon
}

make_client() {
	make_namespace c
	make_link c net0 a net1
	ip -n "nf-$ID-c" -batch - <<-END
		address add $C4/30 dev net0
		address add $C6/64 dev net0 nodad
		route add default via 10.255.0.1
		route add default via fd00:ffff::1
	END
	ip -n "nf-$ID-a" -batch - <<-END
		address add 10.255.0.1/30 dev net1
		address add fd00:ffff::1/64 dev net1 nodad
	END
	in_ns a bash -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
	ip -n "nf-$ID-b" route add 10.255.0.0/30 via "$A4"
	ip -n "nf-$ID-b" route add fd00:ffff::/64 via "$A6"
}

client() {
	in_ns c "$TRAFFIC" "$@"
}

# Both ways through the router; the connection's ends are not its sockets.
exchange() { # 4|6
	local address=B$1
	AT=${!address} serve 2000000
	client tcp-send "${!address}" "$PORT" 1000000
	finish server
}

# bats test_tags=kernels
@test "an address filter counts IPv4 once" {
	needs netfilter_link
	netfil add there --ip "$B4"
	exchange 4
	assert_exact there out in total
}

@test "an address filter counts IPv6 once" {
	needs netfilter_link
	netfil add there --ip "$B6"
	exchange 6
	assert_exact there out in total
}

@test "seen from the client's address, the directions are the other way round" {
	needs netfilter_link
	netfil add here --ip "$C4"
	exchange 4
	wait_closed
	wait_until eval '(($(used here in) == $(witness out) && $(used here out) == $(witness in)))'
}

@test "UDP and ICMP" {
	needs netfilter_link
	netfil add there --ip "$B4"
	start there peer udp-receive "$B4" "$PORT" 100
	ready there
	client udp-send "$B4" "$PORT" 100 1000
	finish there
	client echo ping "$B4" 20 500
	assert_exact there out in
}

@test "ports and protocols of forwarded packets" {
	needs netfilter_link
	netfil add right --port "$PORT" --proto tcp
	netfil add wrong-port --port 4999
	netfil add wrong-proto --proto udp
	exchange 4
	assert_exact right total # which way is out, ports alone do not tell
	assert_equal "wrong port" "$(used wrong-port total)" 0
	assert_equal "wrong protocol" "$(used wrong-proto total)" 0
}

@test "filters that name a process do not match" {
	netfil add mine --ip "$B4" --user root
	exchange 4
	assert_equal used "$(used mine total)" 0
}

# bats test_tags=kernels
@test "an address filter's cap holds" {
	needs netfilter_link
	netfil add there --ip "$B4" --out 300000 --on-limit drop
	serve
	start sender in_ns c "$TRAFFIC" tcp-send "$B4" "$PORT" 3000000
	wait_until is_state there exhausted
	wait_until_equal there out
	assert_between used "$(used there out)" 298501 300000
}

@test "what the router itself and its client send adds up, each once" {
	needs netfilter_link
	netfil add there --ip "$B4"
	exchange 4
	wait_closed
	wait_until_equal there out
	forwarded=$(used there out)
	make_witness # looks at the router itself from here on
	serve
	capped tcp-send "$B4" "$PORT" 500000
	finish server
	wait_closed
	wait_until eval "((\$(used there out) == $forwarded + \$(witness out)))"
}

# bats test_tags=kernels
@test "interface filters see it, on the way in and on the way out" {
	netfil add outside --interface net0
	netfil add inside --interface net1
	serve 300000
	client tcp-send "$B4" "$PORT" 200000
	finish server
	wait_closed
	frames=$(($(witness out) + 14 * $(witness out packets)))
	wait_until eval "((\$(used outside out) >= $frames))"
	# Beside the flow there is only address resolution, by the router's side.
	assert_between "outside" "$(used outside out)" "$frames" $((frames + 2000))
	assert_between "inside" "$(used inside in)" "$frames" $((frames + 2000))
}

@test "an interface filter's cap holds" {
	netfil add outside --interface net0 --out 300000
	serve
	start sender in_ns c "$TRAFFIC" tcp-send "$B4" "$PORT" 3000000
	wait_until is_state outside exhausted
	assert_between used "$(used outside out)" 298487 300000
	assert_between seen "$(($(witness out) + 14 * $(witness out packets)))" 290000 300000
}
