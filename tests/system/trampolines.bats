# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Who uses a socket, noticed by trampolines: from the very call on, so to the byte.
#
# Where the kernel has tracepoints for it, they are taken away. To be told apart from the
# maker of a socket, its user runs another file.
# bats file_tags=kernels

load lib

setup() {
	make_world
	offload software
	export NETFIL_WITHOUT=${NETFIL_WITHOUT:+$NETFIL_WITHOUT,}sock_length
	needs trampolines
	USER_PROGRAM=$TMP/user
	cp "$TRAFFIC" "$USER_PROGRAM"
	start_daemon
}

# The maker has a socket to ADDRESS, and its user moves 1000 bytes with it.
sends() { # SOCKET ADDRESS PORT METHOD
	local before gate="$TMP/user.gate"
	rm -f "$gate"
	netfil add way --exe "$USER_PROGRAM"
	start way capped --socket "$1" lend to "$2" "$3" \
		"$USER_PROGRAM" --gate "$(make_gate user)" --socket "$1" --method "$4" \
		write-descriptor 0 1000
	ready way
	[[ $1 != tcp ]] || wait_until eval '(($(witness out packets) >= 2))' # SYN and ACK
	before=$(witness out)
	open_gate user
	finish way
	wait_closed
	wait_until_equal way out "$before"
	(($(used way out) > 1000)) || fail "$1 $4: not all of it"
	netfil rm way
}

@test "to send" {
	start sink peer udp-receive "$B4" "$PORT" 10
	ready sink
	sends udp "$B4" "$PORT" write
	kill -KILL "${PIDS[sink]}"
	start sink peer udp-receive "$B6" "$PORT" 10
	ready sink
	sends udp "$B6" "$PORT" write
	sends raw "$B6" 253 write
	reset_witness
	serve
	sends tcp "$B4" "$PORT" sendfile
}

# The maker has a socket at ADDRESS, and its user waits for what SENDER sends. It moves 1000
# bytes or more.
receives() { # SOCKET METHOD ADDRESS PORT SENDER...
	local in user
	netfil add way --exe "$USER_PROGRAM"
	start way capped --socket "$1" lend at "$3" "$4" \
		"$USER_PROGRAM" --socket "$1" --method "$2" read-descriptor 0 1000
	ready way
	rm -f "$TMP/sender.gate"
	start sender peer --connected-gate "$(make_gate sender)" "${@:5}"
	ready sender
	wait_until eval 'user=$(pgrep --parent "${PIDS[way]}")'
	wait_until waits_for_data "$user"
	in=$(witness in)
	open_gate sender
	finish sender
	finish way
	wait_closed
	wait_until_equal way in "$in"
	(($(used way in) > 1000)) || fail "$1: not all of it"
	netfil rm way
}

waits_for_data() { # PID
	grep -qxE 'wait_woken|sk_wait_data|__skb_wait_for_more_packets' "/proc/$1"/task/*/wchan
}

@test "to receive" {
	receives udp read "$A4" "$PORT" udp-send "$A4" "$PORT" 1 1000
	receives udp read "$A6" "$PORT" udp-send "$A6" "$PORT" 1 1000
	receives raw read "$A6" 253 raw-send "$A6" 253 1 1000
	receives tcp splice "$A4" "$PORT" tcp-send "$A4" "$PORT" 1000
}

@test "a descriptor taken" {
	serve
	start taker capped take-descriptor "$TMP/channel" 500000
	ready taker
	start giver capped --connected-gate "$(make_gate giver)" \
		pass-descriptor "$TMP/channel" "$B4" "$PORT"
	ready giver
	wait_until eval '(($(witness out packets) >= 2))'
	local before
	before=$(witness out)
	netfil add way --pid "${PIDS[taker]}"
	open_gate giver
	finish giver
	finish taker
	wait_closed
	wait_until_equal way out "$before"
	(($(used way out) > 500000)) || fail "not all of it"
}

# bats test_tags=ci
@test "a worker accepts, and waits: what comes then is its own" {
	local in out user
	netfil add way --exe "$USER_PROGRAM"
	start pool capped lend listening "$A4" "$PORT" "$USER_PROGRAM" accept-descriptor 0
	ready pool
	start sender peer --connected-gate "$(make_gate sender)" tcp-send "$A4" "$PORT" 500000
	ready sender
	wait_until eval 'user=$(pgrep --parent "${PIDS[pool]}")'
	wait_until waits_for_data "$user"
	in=$(witness in) out=$(witness out)
	assert_equal "before it used it" "$(used way total)" 0
	open_gate sender
	finish sender
	finish pool
	wait_closed
	wait_until_equal way in "$in"
	wait_until_equal way out "$out"
	(($(used way in) > 500000)) || fail "not all of it"
}

pinned() { # PREFIX
	find "$NETFIL_BPFFS_DIR/links" -name "$1*" | wc -l
}

@test "what does not serve any more comes off" {
	(($(pinned trampoline-) >= 6)) || fail "$(pinned trampoline-) trampolines"
	assert_equal "tracepoints" "$(pinned socket_received)" 0
	assert_equal "used" "$(feature trampolines used)" true
	stop_daemon
	NETFIL_WITHOUT=$NETFIL_WITHOUT,trampolines start_daemon
	assert_equal "trampolines without them" "$(pinned trampoline-)" 0
	stop_daemon
	NETFIL_WITHOUT='' start_daemon
	if [[ $(feature sock_length present) == true ]]; then
		assert_equal "trampolines beside tracepoints" "$(pinned trampoline-)" 0
		assert_equal "tracepoints" "$(pinned socket_received)" 1
		assert_equal "used" "$(feature trampolines used)" false
		stop_daemon
		start_daemon # sock_length is taken away again
		assert_equal "tracepoints, taken away" "$(pinned socket_received)" 0
	fi
	(($(pinned trampoline-) >= 6)) || fail "$(pinned trampoline-) trampolines"
}
