# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# No way round: whatever a process does, its bytes are its own.

load lib

setup() {
	make_world
	offload software
	start_daemon
}

# Traffic of a process that netfil knows before there is any: counted to the byte,
# and a second one like it is held by its cap.
no_way_round() { # TRAFFIC-ARGUMENTS...
	exact_by_pid "$@"
	held_by_pid "$@"
}

exact_by_pid() {
	serve_for "$@"
	start way capped --gate "$(make_gate way)" "$@"
	netfil add way --pid "${PIDS[way]}"
	open_gate way
	finish way
	assert_exact way out
	netfil rm way
	stop_sink
}

held_by_pid() {
	local before
	before=$(witness out)
	serve_for "$@"
	start held capped --gate "$(make_gate held)" "$@"
	netfil add held --pid "${PIDS[held]}" --out 100000
	open_gate held
	fails finish held
	wait_until_equal held out "$before"
	assert_between "held" "$(used held out)" 1 100000
	assert_equal "refused" "$(($(show held .refused.packets) > 0))" 1
}

stop_sink() {
	[[ -z ${PIDS[sink]-} ]] || kill -KILL "${PIDS[sink]}"
}

# Somebody to talk to: no test of datagrams is to be told of a closed port.
serve_for() { # TRAFFIC-ARGUMENTS...
	case " $* " in
	*" udp-send "*)
		start sink peer udp-receive "$B4" "$PORT" 1000000
		ready sink
		;;
	*" tcp-send "*) serve ;;
	esac
}

@test "fork" {
	no_way_round spawn fork tcp-send "$B4" "$PORT" 500000
}

# bats test_tags=kernels
@test "double fork and setsid" {
	no_way_round spawn double-fork tcp-send "$B4" "$PORT" 500000
}

@test "exec" {
	no_way_round spawn exec tcp-send "$B4" "$PORT" 500000
}

@test "a thread" {
	no_way_round spawn thread tcp-send "$B4" "$PORT" 500000
}

@test "a thread whose process's first thread has ended" {
	no_way_round spawn lone-thread tcp-send "$B4" "$PORT" 500000
}

@test "sendfile" {
	no_way_round --method sendfile tcp-send "$B4" "$PORT" 500000
}

@test "splice" {
	no_way_round --method splice tcp-send "$B4" "$PORT" 500000
}

@test "MSG_ZEROCOPY" {
	no_way_round --method zerocopy tcp-send "$B4" "$PORT" 500000
}

# bats test_tags=kernels
@test "io_uring" {
	[[ $(cat /proc/sys/kernel/io_uring_disabled 2>/dev/null || echo 0) != 2 ]] ||
		skip "io_uring is switched off"
	no_way_round --method uring tcp-send "$B4" "$PORT" 500000
}

@test "sendmmsg" {
	no_way_round --method sendmmsg udp-send "$B4" "$PORT" 500 1000
}

@test "unconnected datagrams" {
	no_way_round --method sendto udp-send "$B4" "$PORT" 500 1000
}

@test "UDP_SEGMENT" {
	no_way_round --method gso udp-send "$B4" "$PORT" 500 1000
}

# bats test_tags=kernels
@test "TCP Fast Open: data in the SYN" {
	start server peer --socket fastopen tcp-serve "$B4" "$PORT" 0 1
	ready server
	capped --socket fastopen tcp-send "$B4" "$PORT" 1000 # fetches the cookie
	finish server
	wait_closed
	before=$(witness out)
	start server peer --socket fastopen tcp-serve "$B4" "$PORT" 0 1
	ready server
	start way capped --gate "$(make_gate way)" --socket fastopen tcp-send "$B4" "$PORT" 500000
	netfil add way --pid "${PIDS[way]}"
	open_gate way
	finish way
	finish server
	wait_closed
	assert_equal "used" "$(used way out)" $(($(witness out) - before))
	[[ $(in_ns a nstat -az TcpExtTCPFastOpenActive) =~ Active\ +1 ]] || fail "no data went with the SYN"
}

@test "IPv4 through a dual-stack socket" {
	no_way_round --socket dual tcp-send "$B4" "$PORT" 500000
}

@test "IPv4 datagrams through a dual-stack socket" {
	no_way_round --socket dual udp-send "$B4" "$PORT" 500 1000
}

mptcp_or_skip() {
	[[ $(in_ns a cat /proc/sys/net/mptcp/enabled 2>/dev/null) == 1 ]] || skip "no MPTCP"
}

# bats test_tags=kernels
@test "MPTCP" {
	mptcp_or_skip
	start server peer --socket mptcp tcp-serve "$B4" "$PORT"
	ready server
	start way capped --gate "$(make_gate way)" --socket mptcp tcp-send "$B4" "$PORT" 500000
	netfil add way --pid "${PIDS[way]}"
	open_gate way
	finish way
	assert_exact way out in
	[[ $(in_ns a nstat -az MPTcpExtMPCapableSYNTX) =~ SYNTX\ +1 ]] || fail "it was plain TCP"
}

@test "MPTCP with a second subflow" {
	mptcp_or_skip
	ip -n "nf-$ID-a" address add "$(address4 1 | sed 's/\.[0-9]*$/.250/')/32" dev net0
	in_ns a ip mptcp endpoint add "$(address4 1 | sed 's/\.[0-9]*$/.250/')" dev net0 subflow
	in_ns b ip mptcp limits set subflow 2 add_addr_accepted 2
	in_ns a ip mptcp limits set subflow 2 add_addr_accepted 2
	ip -n "nf-$ID-b" route add "$(address4 1 | sed 's/\.[0-9]*$/.250/')/32" dev net0
	ip -n "nf-$ID-b" neighbor add "$(address4 1 | sed 's/\.[0-9]*$/.250/')" \
		lladdr "$(link_address a net0)" dev net0 nud permanent
	in_ns b nft add rule netdev witness arriving \
		ip saddr "$(address4 1 | sed 's/\.[0-9]*$/.250/')" jump count
	start server peer --socket mptcp tcp-serve "$B4" "$PORT"
	ready server
	start way capped --gate "$(make_gate way)" --socket mptcp tcp-send "$B4" "$PORT" 5000000
	netfil add way --pid "${PIDS[way]}"
	open_gate way
	finish way
	[[ $(in_ns a nstat -az MPTcpExtMPJoinSynAckRx) =~ Rx\ +[1-9] ]] || fail "there was one subflow"
	wait_closed
	wait_until_equal way out
}

@test "raw IPv4" {
	no_way_round raw-send "$B4" 253 500 1000
}

@test "raw IPv6" {
	no_way_round raw-send "$B6" 253 500 1000
}

@test "ICMP by a ping socket" {
	no_way_round echo ping "$B4" 500 1000
}

@test "ICMP by a raw socket" {
	no_way_round echo raw "$B4" 500 1000
}

# Counted from the moment that the filter is on.
count_from_now() { # OUT: what the witness has seen before
	wait_until eval '(($(witness out packets) >= 2))' # SYN and ACK have arrived
	before=$(witness out)
}

assert_exact_since() { # NAME
	wait_closed
	wait_until_equal "$1" out "$before"
}

@test "a socket opened before the filter, by pid" {
	serve
	start old capped --connected-gate "$(make_gate old)" tcp-send "$B4" "$PORT" 500000
	ready old
	count_from_now
	netfil add way --pid "${PIDS[old]}"
	open_gate old
	finish old
	assert_exact_since way
}

# bats test_tags=kernels
@test "a socket opened before the daemon" {
	stop_daemon
	rm -rf "$NETFIL_BPFFS_DIR"
	serve
	start old capped --connected-gate "$(make_gate old)" tcp-send "$B4" "$PORT" 500000
	ready old
	count_from_now
	start_daemon
	netfil add way --pid "${PIDS[old]}"
	netfil add image --exe "$TRAFFIC"
	netfil add group --cgroup "$INSIDE"
	netfil add user --user root
	open_gate old
	finish old
	for name in way image group user; do
		assert_exact_since $name
	done
}

@test "a socket opened before the filter, held by its cap" {
	serve
	start old capped --connected-gate "$(make_gate old)" tcp-send "$B4" "$PORT" 500000
	ready old
	count_from_now
	netfil add way --pid "${PIDS[old]}" --out 100000
	open_gate old
	fails finish old
	assert_between "used" "$(used way out)" 98501 100000
	wait_until_equal way out "$before"
}

@test "a descendant that exists already" {
	serve
	start tree in_cgroup bash -c '"$@" & wait $!' tree \
		"$TRAFFIC" --gate "$(make_gate leaf)" tcp-send "$B4" "$PORT" 500000
	wait_until pgrep --parent "${PIDS[tree]}" --full traffic >/dev/null
	netfil add way --pid "${PIDS[tree]}"
	open_gate leaf
	finish tree
	assert_exact way out in
}

@test "an orphan of a descendant" {
	serve
	start tree in_cgroup bash -c 'read -r <"$1"; shift; setsid "$@" >/dev/null & exit 0' tree \
		"$(make_gate root)" "$TRAFFIC" --gate "$(make_gate leaf)" tcp-send "$B4" "$PORT" 500000
	netfil add way --pid "${PIDS[tree]}"
	open_gate root
	finish tree
	open_gate leaf
	finish server
	assert_exact way out in
}

@test "a descriptor that a child inherits" {
	serve
	start tree in_cgroup bash -c '
		read -r <"$1"
		exec 5<>"/dev/tcp/$2/$3"
		"$4" use-descriptor 5 500000 && exit' \
		tree "$(make_gate root)" "$B4" "$PORT" "$TRAFFIC"
	netfil add way --pid "${PIDS[tree]}"
	open_gate root
	finish tree
	assert_exact way out in
}

@test "a descriptor passed to a process outside of the tree" {
	serve
	start taker capped take-descriptor "$TMP/channel" 500000
	ready taker
	start giver capped --gate "$(make_gate giver)" pass-descriptor "$TMP/channel" "$B4" "$PORT"
	netfil add way --pid "${PIDS[giver]}"
	open_gate giver
	finish giver
	finish taker
	assert_exact way out in
}

@test "a descriptor passed to a process outside of the cgroup" {
	serve
	start taker in_ns a "$TRAFFIC" take-descriptor "$TMP/channel" 500000
	ready taker
	start giver capped --gate "$(make_gate giver)" pass-descriptor "$TMP/channel" "$B4" "$PORT"
	netfil add way --pid "${PIDS[giver]}" --out 100000
	open_gate giver
	finish giver
	fails finish taker
	assert_between "used" "$(used way out)" 1 100000
	wait_until_equal way out
}

# bats test_tags=kernels
@test "a descriptor taken from a process outside of the tree" {
	needs sock_length trampolines
	serve
	start taker capped take-descriptor "$TMP/channel" 5000000
	ready taker
	start giver capped --connected-gate "$(make_gate giver)" \
		pass-descriptor "$TMP/channel" "$B4" "$PORT"
	ready giver
	count_from_now
	netfil add way --pid "${PIDS[taker]}"
	open_gate giver
	finish giver
	finish taker
	wait_closed
	sent=$(($(witness out) - before))
	if (($(first_unnoticed))); then
		# One send, of 128 KiB, goes to the one who made the socket.
		assert_between "used" "$(used way out)" $((sent - 140000)) "$sent"
	else
		assert_equal "used" "$(used way out)" "$sent"
	fi
}

@test "a forked worker accepts: its parent's filter counts all" {
	start pool capped --gate "$(make_gate pool)" prefork-serve "$A4" "$PORT" 500000
	netfil add way --pid "${PIDS[pool]}"
	open_gate pool
	ready pool
	peer tcp-send "$A4" "$PORT" 300000
	finish pool
	assert_exact way out in
}

arrived() { # BYTES, and the end behind them
	[[ $(in_ns a ss -Htn state close-wait | awk '{ print $1 }') == $(($1 + 1)) ]]
}

# bats test_tags=kernels
@test "nobody has accepted yet: the listener's filter counts all" {
	mkfifo "$TMP/hold"
	start pool capped --gate "$(make_gate pool)" \
		lend listening "$A4" "$PORT" "$(command -v sh)" -c "read -r _ <$TMP/hold"
	netfil add way --pid "${PIDS[pool]}"
	open_gate pool
	ready pool
	start client peer tcp-send "$A4" "$PORT" 20000
	wait_until arrived 20000
	wait_until_equal way in
	wait_until_equal way out
	(($(used way in) > 20000)) || fail "what came is not counted"
	echo >"$TMP/hold"
	finish pool
	fails finish client # nobody has accepted at all: reset
}

# bats test_tags=kernels
@test "a forked worker accepts: its own filter counts from its first use" {
	needs sock_length trampolines
	# By --pid it would be the listener's as well, which the worker holds.
	cp "$TRAFFIC" "$TMP/worker"
	netfil add way --exe "$TMP/worker"
	start pool capped lend listening "$A4" "$PORT" "$TMP/worker" accept-descriptor 0
	ready pool
	peer tcp-send "$A4" "$PORT" 3000000
	finish pool
	wait_closed
	# What came before the worker's first call is the listener's, as documented.
	assert_between "out" "$(used way out)" $(($(witness out) - 140000)) "$(witness out)"
	assert_between "in" "$(used way in)" $(($(witness in) - 140000)) "$(witness in)"
	(($(used way out) > 0)) || fail "nothing"
}

@test "a process that moves to another cgroup" {
	mkdir "$CGROUP/inside/here" "$CGROUP/inside/there"
	serve
	start mover in_cgroup bash -c '
		echo $$ >"$1/here/cgroup.procs"
		read -r <"$2"
		exec 5<>"/dev/tcp/$3/$4"
		echo $$ >"$1/there/cgroup.procs"
		"$5" use-descriptor 5 500000' \
		mover "$CGROUP/inside" "$(make_gate mover)" "$B4" "$PORT" "$TRAFFIC"
	netfil add by-pid --pid "${PIDS[mover]}"
	wait_until grep -q here "/proc/${PIDS[mover]}/cgroup"
	netfil add by-cgroup --cgroup "$INSIDE/here"
	open_gate mover
	finish mover
	assert_exact by-pid out in
	assert_exact by-cgroup out in
}

@test "a command under netfil run that moves to another cgroup" {
	mkdir "$CGROUP/inside/away"
	serve
	fails in_cgroup netfil run --out 100000 -- bash -c '
		echo $$ >"$1/cgroup.procs"
		exec "$2" tcp-send "$3" "$4" 500000' mover "$CGROUP/inside/away" "$TRAFFIC" "$B4" "$PORT"
	assert_between "seen" "$(witness out)" 1 100000
}

# A process makes a network namespace; a veth leads out of it, by way of the
# capped side.
unshared() {
	start inner in_cgroup unshare --net bash -c '
		echo inner >"$TRAFFIC_READY"
		exec "$@"' inner "$TRAFFIC" --gate "$(make_gate inner)" tcp-send "$B4" "$PORT" 500000
	ready inner
	make_inner_link "${PIDS[inner]}"
	make_witness b net0 10.255.0.2 fd00:ffff::2
	serve
}

make_inner_link() { # PID
	ip link add name net9 netns "nf-$ID-a" type veth peer name net9 netns "$1"
	nsenter --net="/proc/$1/ns/net" ip -batch - <<-END
		link set lo up
		link set net9 up
		address add 10.255.0.2/30 dev net9
		route add default via 10.255.0.1
	END
	ip -n "nf-$ID-a" -batch - <<-END
		link set net9 up
		address add 10.255.0.1/30 dev net9
	END
	in_ns a bash -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
	ip -n "nf-$ID-b" route add 10.255.0.0/30 via "$A4"
}

@test "unshare -n with a veth out, by pid" {
	unshared
	netfil add way --pid "${PIDS[inner]}"
	open_gate inner
	finish inner
	assert_exact way out in
}

# bats test_tags=kernels
@test "unshare -n with a veth out, held by its cap" {
	unshared
	netfil add way --cgroup "$INSIDE" --out 100000
	open_gate inner
	fails finish inner
	assert_between "used" "$(used way out)" 98501 100000
	wait_until_equal way out
}

@test "unshare -n with a veth out, by address, counts once" {
	unshared
	netfil add way --ip "$B4"
	open_gate inner
	finish inner
	assert_exact way out in
}

@test "AF_PACKET: no socket filter sees it, as documented; an interface filter does" {
	start packets capped --gate "$(make_gate packets)" --interface net0 packet-send 100 1000
	netfil add by-pid --pid "${PIDS[packets]}"
	netfil add by-interface --interface net0 --out 60000
	open_gate packets
	finish packets || true
	assert_equal "by pid" "$(used by-pid total)" 0
	assert_equal "by interface" "$(used by-interface out)" 60000
	assert_equal "frames seen" "$(witness experimental packets)" 60
}

@test "passed to a process of another cgroup: the maker's cgroup is charged on" {
	mkdir "$CGROUP/inside/here"
	netfil add here --cgroup "$INSIDE/here"
	netfil add image --exe "$(command -v bash)"
	serve
	start maker in_cgroup bash -c '
		echo $$ >"$1/here/cgroup.procs"
		exec 5<>"/dev/tcp/$2/$3"
		echo $$ >"$1/cgroup.procs"
		"$4" use-descriptor 5 2000000 && exit' \
		maker "$CGROUP/inside" "$B4" "$PORT" "$TRAFFIC"
	finish maker
	assert_exact here out in
	assert_exact image out in
}

@test "traffic of a socket that nobody holds any more is said" {
	stop_daemon
	rm -rf "$NETFIL_BPFFS_DIR"
	serve
	start old capped --connected-gate "$(make_gate old)" tcp-send "$B4" "$PORT" 50000
	ready old
	in_ns b nft 'add table inet hold; add chain inet hold input { type filter hook input priority 0; policy drop; }'
	open_gate old
	wait_until eval '[[ -n $(in_ns a ss -Htn state fin-wait-1) ]]'
	kill -KILL "${PIDS[old]}"
	finish old || true
	start_daemon
	netfil add root --user root
	in_ns b nft delete table inet hold
	finish server
	wait_closed
	assert_equal "root's" "$(used root total)" 0
	netfil list >"$TMP/list"
	grep -E 'without a known owner: .* in, [1-9].* out' "$TMP/list"
}
