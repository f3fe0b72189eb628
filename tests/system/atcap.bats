# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What happens at the cap, and how it ends.

load lib

setup() {
	make_world
	offload software
	start_daemon
}

# Spends a cap of 50,000 bytes out by TCP; the sender is called "client".
spend() { # ADD-OPTIONS...
	netfil add tight --out 50000 "$@"
	serve
	start client capped tcp-send "$B4" "$PORT" 3000000
	wait_until is_state tight exhausted
}

# bats test_tags=kernels
@test "reject: an established connection is reset at once" {
	spend --cgroup "$INSIDE"
	fails finish client
	[[ $(told client error) =~ ^E(CONNABORTED|CONNRESET|PIPE)$ ]] || fail "$(cat "$TMP/client.out")"
	fails finish server
	assert_equal "the peer's error" "$(told server error)" ECONNRESET
	assert_between "resets seen" "$(witness resets packets)" 1 3
	wait_until_equal tight out
}

@test "reject: the one reset that ends a connection is counted apart" {
	spend --cgroup "$INSIDE" --on-limit drop
	room=$((50000 - $(used tight out)))
	((room < 29)) || capped udp-send "$B4" 9 1 $((room - 28)) # not even a reset fits now
	assert_between "room" $((50000 - $(used tight out))) 0 28
	netfil set tight --on-limit reject
	fails finish client
	assert_equal "resets" "$(show tight .resets.packets)" 1
	assert_between "reset bytes" "$(show tight .resets.bytes)" 40 "$(witness resets)"
	wait_until_equal tight out
}

# bats test_tags=kernels
@test "reject: a connection that waits idle is reset too" {
	serve 0 2
	start idle capped --connected-gate "$(make_gate idle)" tcp-send "$B4" "$PORT" 10
	ready idle
	netfil add tight --out 50000 --cgroup "$INSIDE"
	fails capped tcp-send "$B4" "$PORT" 3000000
	wait_until eval '[[ -z $(in_ns a ss -Htn state established) ]]'
}

# bats test_tags=kernels
@test "reject: new connections fail with EPERM" {
	spend --cgroup "$INSIDE"
	fails finish client
	fails capped tcp-send "$B4" "$PORT" 10 >"$TMP/later.out"
	assert_equal "IPv4" "$(told later error)" EPERM
	fails capped tcp-send "$B6" "$PORT" 10 >"$TMP/later.out"
	assert_equal "IPv6" "$(told later error)" EPERM
}

@test "reject: connections fail where a cap is reached without a packet" {
	netfil add tight --total 50000 --cgroup "$INSIDE"
	netfil set tight --used 50000
	fails capped tcp-send "$B4" "$PORT" 10 >"$TMP/later.out"
	assert_equal "error" "$(told later error)" EPERM
	assert_equal "packets seen" "$(witness out packets)" 0
}

@test "connections fail where more filters match than a packet can have" {
	for ((i = 1; i <= 17; i++)); do # NETFIL_MATCH_MAX + 1
		printf '[f%d]\ncgroup = %s\ntotal = 1M\n' $i "$INSIDE"
	done >"$TMP/many.conf"
	netfil apply "$TMP/many.conf"
	fails capped tcp-send "$B4" "$PORT" 10 >"$TMP/later.out"
	assert_equal "error" "$(told later error)" EPERM
	netfil rm f1
	serve 10
	capped tcp-send "$B4" "$PORT" 10
	finish server
}

# bats test_tags=kernels
@test "reject: datagrams fail with EPERM" {
	spend --cgroup "$INSIDE"
	fails finish client
	for method in connected sendto sendmmsg; do
		for address in "$B4" "$B6"; do # 1,500 bytes and more
			fails capped --method $method udp-send "$address" "$PORT" 1 1472 >"$TMP/later.out"
			assert_equal "$method to $address" "$(told later error)" EPERM
		done
	done
}

@test "reject: what the filter does not match goes on" {
	spend --ip "$B4"
	fails finish client
	AT=$B6 serve 100000
	capped tcp-send "$B6" "$PORT" 100000
	finish server
}

@test "reject by address: connections of that address are reset, others stay" {
	AT=$B6 serve
	start other capped --connected-gate "$(make_gate other)" tcp-send "$B6" "$PORT" 100000
	ready other
	PORT=5002
	spend --ip "$B4"
	fails finish client
	[[ $(told client error) =~ ^E(CONNABORTED|CONNRESET|PIPE)$ ]] || fail "$(cat "$TMP/client.out")"
	open_gate other
	finish other
}

@test "drop: silence, and nothing ends" {
	spend --cgroup "$INSIDE" --on-limit drop
	is_running client || fail "the sender was ended"
	assert_equal "resets" "$(witness resets packets)" 0
	seen=$(witness out)
	capped udp-send "$B4" "$PORT" 3 1460 # and so believes
	assert_equal "datagrams seen" $(($(witness out) - seen)) 0
	start later capped tcp-send "$B4" "$PORT" 10
	wait_until eval '[[ -n $(in_ns a ss -Htn state syn-sent) ]] || (($(show tight .refused.packets) > 3))'
	is_running later || fail "connect() was told"
}

# bats test_tags=kernels
@test "kill: SIGTERM first" {
	start victim in_cgroup bash -c '
		trap "echo terminated; exit 7" TERM
		echo here >"$TRAFFIC_READY"
		"$@" & wait $!' victim \
		"$TRAFFIC" --gate "$(make_gate leaf)" tcp-send "$B4" "$PORT" 3000000
	ready victim
	serve
	netfil add tight --pid "${PIDS[victim]}" --out 50000 --on-limit kill
	open_gate leaf
	status=0
	finish victim || status=$?
	assert_equal "status" $status 7
	assert_equal "its last word" "$(tail -n 1 "$TMP/victim.out")" terminated
	wait_until eval '[[ -z $(in_ns a pgrep --full "traffic .*leaf") ]]'
	wait_until_equal tight out
}

@test "kill: SIGKILL if SIGTERM is ignored" {
	start stubborn in_cgroup bash -c 'trap "" TERM; exec "$@"' stubborn \
		"$TRAFFIC" --gate "$(make_gate stubborn)" tcp-send "$B4" "$PORT" 3000000
	serve
	netfil add tight --pid "${PIDS[stubborn]}" --out 50000 --on-limit kill
	open_gate stubborn
	status=0
	finish stubborn || status=$?
	assert_equal "status" $status $((128 + 9))
	assert_between "used" "$(used tight out)" 1 50000
	wait_until_equal tight out
}

@test "kill: processes that the filter does not match live" {
	start bystander capped --gate "$(make_gate bystander)" tcp-send "$B4" "$PORT" 10
	start victim capped --gate "$(make_gate victim)" tcp-send "$B4" "$PORT" 3000000
	serve
	netfil add tight --pid "${PIDS[victim]}" --out 50000 --on-limit kill
	open_gate victim
	fails finish victim
	is_running bystander || fail "the bystander was killed"
	is_running daemon || fail "netfild was killed"
}

@test "kill: processes that come after the cap was reached" {
	spend --cgroup "$INSIDE" --on-limit kill
	fails finish client
	# The first may be there yet when those before get SIGKILL; not the second.
	for ((round = 1; round <= 2; round++)); do
		start tcp capped tcp-send "$B4" "$PORT" 10
		start udp in_cgroup bash -c 'exec 3<>"/dev/udp/$0/9"
			while :; do echo >&3; read -r -t 0.05 <> <(:); done' "$B4"
		for late in tcp udp; do
			status=0
			wait_until eval "! is_running $late"
			finish $late || status=$?
			[[ $status == $((128 + 15)) || $status == $((128 + 9)) ]] || fail "$late: $status"
		done
	done
	wait_until_equal tight out
}

# What stopped goes on at once: the same connection, without a word to it.
goes_on() { # COMMAND...
	spend --cgroup "$INSIDE" --on-limit drop
	is_running client || fail "the sender was ended"
	"$@"
	finish client
	finish server
	assert_equal "received" "$(told server received)" 3000000
}

# bats test_tags=kernels
@test "drop: raising the cap lets it go on" {
	goes_on netfil set tight --out 50M
	assert_exact tight out
}

@test "drop: taking the cap away lets it go on" {
	goes_on netfil set tight --out 0
	assert_exact tight out
}

@test "drop: switching off lets it go on, uncounted" {
	goes_on netfil off tight
	assert_between used "$(used tight out)" 48501 50000
	assert_equal state "$(state tight)" off
}

@test "drop: removing lets it go on" {
	goes_on netfil rm tight
}

@test "drop: resetting gives it a whole cap more" {
	spend --cgroup "$INSIDE" --on-limit drop
	spent=$(used tight out)
	netfil reset tight
	wait_until is_state tight exhausted
	wait_until eval "((\$(used tight out) + $spent == \$(witness out)))"
	assert_between used "$(used tight out)" 48501 50000
}

again() { # COMMAND...
	spend --cgroup "$INSIDE"
	fails finish client
	"$@"
	serve
	capped tcp-send "$B4" "$PORT" 30000
	finish server
}

@test "reject: raising the cap lets connections through at once" {
	again netfil set tight --out 1M
	assert_equal state "$(state tight)" on
	wait_until_equal tight out
}

@test "reject: resetting lets connections through at once" {
	again netfil reset tight
	assert_between used "$(used tight out)" 30000 50000
	assert_equal refused "$(show tight .refused.packets)" 0
}

@test "reject: switching off and on again" {
	again netfil off tight
	netfil on tight
	assert_equal state "$(state tight)" exhausted
	fails capped tcp-send "$B4" "$PORT" 10 >"$TMP/later.out"
	assert_equal error "$(told later error)" EPERM
}

@test "lowering the cap below what is used stops at once" {
	netfil add tight --cgroup "$INSIDE" --out 1M
	serve
	capped tcp-send "$B4" "$PORT" 100000
	finish server
	netfil set tight --out 50000
	fails capped tcp-send "$B4" "$PORT" 100000
	assert_between used "$(used tight out)" 100000 110000
}

@test "the policy of a spent filter can be changed" {
	spend --cgroup "$INSIDE" --on-limit drop
	netfil set tight --on-limit reject
	fails finish client
	[[ $(told client error) =~ ^E(CONNABORTED|CONNRESET|PIPE)$ ]] || fail "$(cat "$TMP/client.out")"
}

# bats test_tags=kernels
@test "reject by interface: connections through it are reset" {
	spend --interface net0
	fails finish client
	[[ $(told client error) =~ ^E(CONNABORTED|CONNRESET|PIPE)$ ]] || fail "$(cat "$TMP/client.out")"
}

@test "reject by interface: a reset starts refusals from 0 too" {
	spend --interface net0
	fails finish client
	fails capped tcp-send "$B4" "$PORT" 10
	netfil reset tight
	assert_equal refused "$(show tight '"\(.refused.packets) \(.resets.packets)"' | tr -d '"')" "0 0"
}
