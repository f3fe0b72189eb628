# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Interface filters: bytes of frames, link header included, of everything that
# crosses; interfaces come, go and change names.

load lib

HEADER=14

setup() {
	make_world
	offload "${OFFLOAD:-off}"
	start_daemon
}

# Every frame that the peer's device took in or gave out, with its header.
frames_out() {
	echo $(($(witness frames_out) + HEADER * $(witness frames_out packets)))
}

frames_in() {
	witness frames_in
}

assert_frames_exact() { # NAME
	wait_closed
	wait_until eval "((\$(used $1 out) == \$(frames_out) - ${out_before:-0}))"
	wait_until eval "((\$(used $1 in) == \$(frames_in) - ${in_before:-0}))"
	assert_equal "$1: total" "$(used "$1" total)" $(($(used "$1" in) + $(used "$1" out)))
}

mark() {
	out_before=$(frames_out) in_before=$(frames_in)
}

exchange() {
	serve 1000000
	capped tcp-send "$B4" "$PORT" 700000
	finish server
}

# bats test_tags=kernels
@test "every frame counts, to the byte" {
	mark
	netfil add wire --interface net0
	exchange
	AT=$B6 serve 30000
	capped tcp-send "$B6" "$PORT" 20000
	finish server
	capped echo ping "$B4" 5 1000
	capped --interface net0 packet-send 10 300
	assert_frames_exact wire
}

@test "segmented in software: frames as the wire has them" {
	mark
	netfil add wire --interface net0
	exchange
	assert_frames_exact wire
	offload_side a software
	exchange
	wait_closed
	wait_until eval "((\$(used wire out) == \$(frames_out) - $out_before))"
}

# bats test_tags=kernels
@test "offload on: frames as the wire would have them" {
	offload on
	start_capture
	netfil add wire --interface net0
	netfil add layer3 --cgroup "$INSIDE"
	serve 3000000
	capped tcp-send "$B4" "$PORT" 2000000
	finish server
	wait_closed
	declare -A used=([out]=$(used wire out) [in]=$(used wire in))
	stop_capture
	for direction in out in; do
		read -r bytes segments < <("$BUILD/tests/system/pcap-bytes" "$TMP/capture.pcap" \
			"$([[ $direction == out ]] && echo "$A4" || echo "$B4")" |
			sed 's/bytes=\([0-9]*\).*segments=\([0-9]*\)/\1 \2/')
		# The mark of the capture's end is a frame of 51 bytes.
		assert_equal "$direction" "${used[$direction]}" $((bytes + HEADER * segments - 51))
	done
	assert_equal "layer 3" "$(used layer3 out)" "$(reckoned out 4)"
}

@test "a glob takes what it matches" {
	make_link a net1 b net1
	make_link a other b other
	netfil add all --interface 'net*'
	netfil add one --interface net1
	netfil add many --interface net0 --interface other
	in_cgroup "$TRAFFIC" --interface net0 packet-send 10 100
	in_cgroup "$TRAFFIC" --interface net1 packet-send 20 100
	in_cgroup "$TRAFFIC" --interface other packet-send 40 100
	assert_equal "net*" "$(used all out)" 3000
	assert_equal "net1" "$(used one out)" 2000
	assert_equal "net0 and other" "$(used many out)" 5000
}

@test "loopback is an interface too, when it is named" {
	netfil add all --interface '*'
	netfil add lo --interface lo
	start server capped tcp-serve 127.0.0.1 "$PORT"
	ready server
	capped tcp-send 127.0.0.1 "$PORT" 100000
	finish server
	assert_between "lo" "$(used lo out)" 100000 200000
	assert_equal "every interface, but not loopback unless asked" "$(used all total)" 0
}

@test "an interface that appears later is joined when it appears" {
	netfil add later --interface 'late*'
	assert_equal state "$(state later)" waiting
	make_link a late0 b late0
	wait_until is_state later on
	in_cgroup "$TRAFFIC" --interface late0 packet-send 10 100
	assert_equal used "$(used later out)" 1000
}

# bats test_tags=kernels
@test "an interface that disappears keeps its count, and goes on when it is back" {
	make_link a late0 b late0
	netfil add later --interface late0
	in_cgroup "$TRAFFIC" --interface late0 packet-send 10 100
	ip -n "nf-$ID-a" link delete late0
	wait_until is_state later waiting
	assert_equal "used while away" "$(used later out)" 1000
	make_link a late0 b late0
	wait_until is_state later on
	in_cgroup "$TRAFFIC" --interface late0 packet-send 5 100
	assert_equal "used" "$(used later out)" 1500
}

@test "an interface that is renamed is what it is called now" {
	make_link a first b first
	netfil add old --interface first
	netfil add new --interface 'second*'
	in_cgroup "$TRAFFIC" --interface first packet-send 10 100
	assert_equal "old name" "$(used old out)" 1000
	ip -n "nf-$ID-a" link set first down
	ip -n "nf-$ID-a" link set first name second9
	ip -n "nf-$ID-a" link set second9 up
	wait_until is_state new on
	wait_until is_state old waiting
	in_cgroup "$TRAFFIC" --interface second9 packet-send 20 100
	assert_equal "old name" "$(used old out)" 1000
	assert_equal "new name" "$(used new out)" 2000
}

@test "with other selectors it narrows, and counts IP packets" {
	make_link a net1 b net1
	netfil add here --interface net0 --cgroup "$INSIDE"
	netfil add there --interface net1 --cgroup "$INSIDE"
	exchange
	assert_exact here out in
	assert_equal "another interface" "$(used there total)" 0
}

hold() { # in|out|total
	offload "$1"
	mark
	netfil add tight "--${2}" 500000 --interface net0
	serve 3000000
	start client capped tcp-send "$B4" "$PORT" 3000000
	wait_until is_state tight exhausted
	assert_between used "$(used tight "$2")" 498487 500000
	[[ $2 == in ]] || wait_until eval "((\$(used tight out) == \$(frames_out) - $out_before))"
}

@test "an interface's cap on bytes out holds" {
	hold software out
}

@test "an interface's cap on bytes in holds" {
	hold software in
}

# bats test_tags=kernels,ci
@test "an interface's cap on bytes in total holds" {
	hold software total
}

@test "an interface that is removed from a filter is let go" {
	netfil add wire --interface net0
	in_cgroup "$TRAFFIC" --interface net0 packet-send 10 100
	netfil set wire --interface other
	in_cgroup "$TRAFFIC" --interface net0 packet-send 10 100
	assert_equal used "$(used wire out)" 1000
}

@test "more filters than an interface takes: refused, and nothing is changed" {
	for i in $(seq 16); do
		netfil add "wire$i" --interface net0 --on-limit drop
	done
	fails netfil add wire17 --interface net0 --on-limit drop 2>"$TMP/add.err"
	grep -q '^netfil: interface net0 has 16 filters' "$TMP/add.err"
	netfil add wire17 --interface net0 --on-limit drop --off
	fails netfil on wire17
	assert_equal state "$(state wire17)" off
	netfil add elsewhere --interface other0 --on-limit drop
	fails netfil set elsewhere --interface net0
	assert_equal selector "$(show elsewhere .selector.text)" "interface other0"
	kill_daemon
	start_daemon
	exchange
	wait_closed
	assert_equal "all alike" "$(used wire16 total)" "$(used wire1 total)"
	assert_between "all" "$(used wire16 total)" 1000000 3000000
	assert_equal "the one too many" "$(used wire17 total)" 0
}
