# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The policies that stop nothing for good: pause, throttle, notify, down.

load lib

setup() {
	make_world
	offload software
	start_daemon
	reset_witness
}

# Spends a cap of 50,000 bytes out by TCP; the sender is called "client".
spend() { # ADD-OPTIONS...
	netfil add tight --out 50000 "$@"
	serve
	start client capped tcp-send "$B4" "$PORT" 3000000
	wait_until is_state tight exhausted
}

# ---- pause ----

# T: by SIGSTOP. Frozen processes are in another state.
process_state() { # PID
	sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status"
}

is_stopped() { # NAME
	[[ $(process_state "${PIDS[$1]}") == T ]]
}

goes() { # NAME
	! is_stopped "$1"
}

# Its client stands still.
spend_and_pause() { # ADD-OPTIONS...
	spend --on-limit pause "$@"
	wait_until is_stopped client
	wait_until_equal tight out
	assert_between used "$(used tight out)" 48501 50000
}

# The same connection goes on to its end.
client_finishes() {
	wait_until goes client
	finish client
	finish server
	assert_equal "received" "$(told server received)" 3000000
}

# bats test_tags=kernels
@test "pause: processes stand still, and go on when the cap is raised" {
	spend_and_pause --cgroup "$INSIDE"
	assert_equal state "$(state tight)" exhausted
	netfil set tight --out 50M
	client_finishes
	assert_exact tight out
	assert_equal state "$(state tight)" on
}

@test "pause: resetting gives it a whole cap more" {
	spend_and_pause --cgroup "$INSIDE"
	spent=$(used tight out)
	netfil reset tight
	wait_until is_state tight exhausted
	wait_until is_stopped client
	wait_until eval "((\$(used tight out) + $spent == \$(witness out)))"
	assert_between used "$(used tight out)" 48501 50000
}

@test "pause: a new cycle lets them go on" {
	offload off # so that the cap is reached at once
	netfil add tight --cgroup "$INSIDE" --out 2M --every hour --on-limit pause
	serve
	start client capped tcp-send "$B4" "$PORT" 3000000
	wait_until is_stopped client
	wait_until_equal tight out
	first=$(used tight out)
	assert_between "used in the first" "$first" 1998501 2000000
	move_clock 3600
	client_finishes
	wait_closed
	wait_until eval "((\$(used tight out) + $first == \$(witness out)))"
}

@test "pause: switching off, removing and another policy wake" {
	for command in 'off tight' 'rm tight' 'set tight --on-limit notify'; do
		spend_and_pause --cgroup "$INSIDE"
		netfil $command
		client_finishes
		[[ $command == rm* ]] || netfil rm tight
		make_witness
	done
}

@test "pause: other selectors wake whom they do not match" {
	spend_and_pause --exe "$TRAFFIC"
	netfil set tight --exe /bin/true
	client_finishes
}

@test "pause: all of a process tree, and nobody else" {
	start other in_cgroup sleep 1000
	start victim in_cgroup bash -c 'sleep 1000 & "$@" & wait' victim \
		"$TRAFFIC" --gate "$(make_gate leaf)" tcp-send "$B4" "$PORT" 3000000
	serve
	netfil add tight --pid "${PIDS[victim]}" --out 50000 --on-limit pause
	open_gate leaf
	wait_until is_stopped victim
	for pid in $(pgrep --parent "${PIDS[victim]}"); do
		wait_until eval "[[ \$(process_state $pid) == T ]]"
	done
	assert_equal "children" "$(pgrep --parent "${PIDS[victim]}" | wc -l)" 2
	goes other || fail "the other was stopped"
	goes daemon || fail "netfild was stopped"
	netfil set tight --out 0
	wait_until goes victim
	finish server
	assert_equal "received" "$(told server received)" 3000000
	assert_exact tight out
}

@test "pause: who comes later stands still, too" {
	spend_and_pause --cgroup "$INSIDE"
	start tcp capped tcp-send "$B4" "$PORT" 10
	wait_until is_stopped tcp
	start_datagrams udp 100000
	wait_until is_stopped udp
	wait_until_equal tight out
	netfil rm tight
	wait_until goes tcp
	wait_until goes udp
}

@test "pause: who is woken by hand stands still again at the next packet" {
	netfil add tight --out 50000 --cgroup "$INSIDE" --on-limit pause
	start_datagrams client
	wait_until is_stopped client
	refused=$(show tight .refused.packets)
	kill -CONT "${PIDS[client]}"
	wait_until eval "((\$(show tight .refused.packets) > $refused))"
	wait_until is_stopped client
	wait_until_equal tight out
}

@test "pause: who stood still before is not woken" {
	serve 0 2
	start idle capped --connected-gate "$(make_gate idle)" tcp-send "$B4" "$PORT" 10
	ready idle
	kill -STOP "${PIDS[idle]}"
	wait_until is_stopped idle
	netfil add tight --out 50000 --cgroup "$INSIDE" --on-limit pause
	start client capped tcp-send "$B4" "$PORT" 3000000
	wait_until is_stopped client
	netfil set tight --out 50M
	wait_until goes client
	finish client
	is_stopped idle || fail "it was woken"
	kill -CONT "${PIDS[idle]}"
	open_gate idle
	finish idle
	finish server
}

@test "pause outlives netfild, and the next one ends it" {
	spend_and_pause --cgroup "$INSIDE"
	kill_daemon
	is_stopped client || fail "it was woken"
	start_daemon
	assert_equal state "$(state tight)" exhausted
	is_stopped client || fail "it was woken"
	start later capped tcp-send "$B4" "$PORT" 10
	wait_until is_stopped later
	stop_daemon
	is_stopped client || fail "it was woken"
	start_daemon
	netfil set tight --out 0
	wait_until goes later
	client_finishes
	assert_exact tight out
}

@test "pause: a cycle that ends while netfild is away" {
	offload off # so that the cap is reached at once
	netfil add tight --cgroup "$INSIDE" --out 2M --every hour --on-limit pause
	serve
	start client capped tcp-send "$B4" "$PORT" 3000000
	wait_until is_stopped client
	kill_daemon
	move_clock 3600
	start_daemon
	client_finishes
}

@test "pause: a cap that is reached while netfild is away" {
	netfil add tight --cgroup "$INSIDE" --out 50000 --on-limit pause
	kill_daemon
	serve
	start client capped tcp-send "$B4" "$PORT" 3000000
	wait_until eval '(($(witness out) > 48500))'
	is_running client
	start_daemon
	wait_until is_stopped client
	wait_until_equal tight out
}

# cgroup.freeze of the only `netfil run` there is.
freezer() {
	cat "$CGROUP"/inside/netfil.run-*/cgroup.freeze
}

is_frozen() {
	grep -qx 'frozen 1' "$CGROUP"/inside/netfil.run-*/cgroup.events 2>/dev/null
}

@test "pause in netfil run: the control group is frozen until the next cycle" {
	offload off # so that the cap is reached at once
	serve
	start run in_cgroup netfil run --out 2M --every hour --on-limit pause --report "$TMP/report" -- \
		"$TRAFFIC" tcp-send "$B4" "$PORT" 3000000
	wait_until is_frozen
	seen=$(witness out)
	assert_between seen "$seen" 1998501 2000000
	move_clock 3600
	finish run
	finish server
	wait_closed
	assert_equal "received" "$(told server received)" 3000000
	assert_equal "used in the second cycle" "$(jq .used.out "$TMP/report")" $(($(witness out) - seen))
	assert_equal "cgroups left" "$(find "$CGROUP/inside" -mindepth 1 -type d)" ""
}

@test "pause in netfil run: what stands still can be ended" {
	serve
	start run in_cgroup netfil run --out 50000 --on-limit pause -- \
		"$TRAFFIC" tcp-send "$B4" "$PORT" 3000000
	wait_until is_frozen
	kill -TERM "${PIDS[run]}"
	status=0
	finish run || status=$?
	assert_equal status $status $((128 + 9))
	assert_equal "cgroups left" "$(find "$CGROUP/inside" -mindepth 1 -type d)" ""
}

@test "pause: netfild freezes a control group of netfil run's, unless there are others in it" {
	netfil add tight --exe "$TRAFFIC" --out 50000 --on-limit pause
	start run in_cgroup netfil run --total 1G -- \
		"$TRAFFIC" --method sendto udp-send "$B4" 9 100000000 1400
	wait_until is_frozen
	assert_equal "the cap held" $(($(witness out) <= 50000)) 1
	netfil off tight
	wait_until eval '! is_frozen'
	kill -TERM "${PIDS[run]}"
	fails finish run
	netfil on tight
	start run in_cgroup netfil run --total 1G -- bash -c 'sleep 1000 & "$@"' mixed \
		"$TRAFFIC" --method sendto udp-send "$B4" 9 100000000 1400
	wait_until eval 'pid=$(pgrep --full "^$TRAFFIC .*udp-send $B4") && [[ $(process_state $pid) == T ]]'
	assert_equal "frozen" "$(freezer)" 0
}

# ---- throttle and notify ----

uptime_ms() {
	awk '{ print int($1 * 1000) }' /proc/uptime
}

# Bytes a second over ten seconds of what COMMAND tells, by the time that has passed
# indeed: a reading counts for the middle of the time it took.
pace_of() { # COMMAND...
	local from to first last
	from=$(uptime_ms) first=$("$@") from=$(((from + $(uptime_ms)) / 2))
	sleep 10
	to=$(uptime_ms) last=$("$@") to=$(((to + $(uptime_ms)) / 2))
	echo $(((last - first) * 1000 / (to - from)))
}

# Within 5 % of RATE.
assert_pace() { # RATE COMMAND...
	local pace
	pace=$(pace_of "${@:2}")
	assert_between "bytes a second" "$pace" $(($1 * 95 / 100)) $(($1 * 105 / 100))
}

# A sender that goes on until it is told to end meets a cap of 50,000 bytes.
throttle() { # RATE out|in TRAFFIC...
	netfil add tight --"$2" 50000 --cgroup "$INSIDE" --on-limit throttle="$1"
	start client capped "${@:3}"
	wait_until is_state tight exhausted
}

assert_throttled_out() { # RATE
	assert_pace "$1" witness out
	is_running client || fail "the sender was ended: $(cat "$TMP/client.out")"
	kill -KILL "${PIDS[client]}"
	wait_until_equal tight out
	assert_equal state "$(state tight)" exhausted
}

@test "throttle: TCP out, 1 MB a second" {
	serve
	throttle 1M out tcp-send "$B4" "$PORT" 1000000000
	assert_throttled_out 1000000
}

@test "throttle: TCP out, 200 kB a second" {
	serve
	throttle 200k out tcp-send "$B4" "$PORT" 1000000000
	assert_throttled_out 200000
}

# bats test_tags=kernels
@test "throttle: UDP out, 1 MB a second" {
	throttle 1M out --rate 4000000 --method sendto udp-send "$B4" 9 1000000000 1400
	assert_throttled_out 1000000
}

@test "throttle: UDP out, 200 kB a second" {
	throttle 200k out --rate 1000000 --method sendto udp-send "$B4" 9 1000000000 700
	assert_throttled_out 200000
}

# What arrived, as the receiving socket knows: without headers, and in order.
received() {
	in_ns a ss -Htin dst "$B4" | sed -n 's/.*bytes_received:\([0-9]*\).*/\1/p'
}

# Packets that are refused on their way in have passed the witness: so the receiver is
# asked, whose 1,448 bytes are a packet of 1,500.
assert_throttled_in() { # RATE
	assert_pace $(($1 * 1448 / 1500)) received
	is_running client || fail "the receiver was ended: $(cat "$TMP/client.out")"
}

@test "throttle: TCP in, 1 MB a second" {
	serve 1000000000
	throttle 1M in tcp-receive "$B4" "$PORT"
	assert_throttled_in 1000000
}

@test "throttle: TCP in, 200 kB a second" {
	serve 1000000000
	throttle 200k in tcp-receive "$B4" "$PORT"
	assert_throttled_in 200000
}

# With their link headers.
frames() {
	echo $(($(witness frames_out) + 14 * $(witness frames_out packets)))
}

@test "throttle by interface: TCP out, 1 MB a second" {
	netfil add tight --out 50000 --interface net0 --on-limit throttle=1M
	serve
	start client capped tcp-send "$B4" "$PORT" 1000000000
	wait_until is_state tight exhausted
	assert_pace 1000000 frames
	is_running client || fail "the sender was ended"
}

@test "throttle: below the cap nothing is slow, and it ends with a raised cap" {
	netfil add tight --out 1M --cgroup "$INSIDE" --on-limit throttle=1k
	serve
	start client capped tcp-send "$B4" "$PORT" 3000000
	wait_until is_state tight exhausted
	# It is slow from the first aggregate on that would not fit: 64 KiB, and the headers
	# of its segments.
	assert_between used "$(used tight out)" $((1000000 - 70000)) 1100000
	netfil set tight --out 50M
	finish client
	finish server
	assert_exact tight out
	assert_equal state "$(state tight)" on
}

# Lines of `netfil watch` that say that the cap was reached.
caps_reached() {
	grep -c '"event": *"cap-reached"' "$TMP/watch.out"
}

@test "notify: told once a cycle, never stopped" {
	netfil add tight --cgroup "$INSIDE" --out 50000 --on-limit notify
	start watch in_ns a netfil watch tight --json
	wait_until test -s "$TMP/watch.out"
	serve
	capped tcp-send "$B4" "$PORT" 3000000
	finish server
	assert_equal "received" "$(told server received)" 3000000
	assert_exact tight out in
	assert_equal state "$(state tight)" exhausted
	assert_equal refused "$(show tight .refused.packets)" 0
	capped --method sendto udp-send "$B4" 9 3 1000
	netfil reset tight
	capped --method sendto udp-send "$B4" 9 100 1000
	wait_until is_state tight exhausted
	wait_until eval '(($(caps_reached) >= 2))'
	netfil rm tight
	wait_until grep -q removed "$TMP/watch.out"
	assert_equal "times told, of two cycles" "$(caps_reached)" 2
}

# ---- down ----

is_up() { # [DEVICE]
	ip -n "nf-$ID-a" link show "${1:-net0}" | grep -q '<.*\bUP\b'
}

is_down() { # [DEVICE]
	! is_up "$@"
}

addresses() {
	ip -n "nf-$ID-a" -oneline address show net0 scope global | awk '{ print $4 }'
}

# Spends a cap of 50,000 bytes by datagrams, until net0 is down.
spend_link() { # ADD-OPTIONS...
	netfil add tight --interface net0 --out 50000 --on-limit down "$@"
	wait_until net0_sends
	wait_until is_down
}

net0_sends() {
	capped --method sendto udp-send "$B4" 9 100 1000 >/dev/null || true
	is_state tight exhausted
}

assert_frames() {
	assert_equal "frames seen" "$(frames)" "$(used tight out)"
}

@test "down: the link goes down at the cap, and a reset brings it up" {
	before=$(addresses)
	spend_link
	assert_equal state "$(state tight)" exhausted
	assert_between used "$(used tight out)" 40000 50000
	assert_frames
	netfil reset tight
	wait_until is_up
	assert_equal addresses "$(addresses)" "$before"
	assert_equal keep_addr_on_down \
		"$(in_ns a cat /proc/sys/net/ipv6/conf/net0/keep_addr_on_down)" 0
	AT=$B6 serve 100
	capped tcp-send "$B6" "$PORT" 100
	finish server
	assert_equal state "$(state tight)" on
}

@test "down: netfil on brings it up, until the next packet" {
	spend_link
	netfil on tight
	is_up || fail "it is down"
	assert_equal state "$(state tight)" exhausted
	wait_until eval 'net0_sends; is_down'
	assert_frames
	assert_between used "$(used tight out)" 40000 50000
	netfil off tight
	is_up || fail "it is down"
	netfil on tight
	wait_until eval 'net0_sends; is_down'
}

@test "down: off, rm, a raised cap and another policy bring it up" {
	for command in 'off tight' 'rm tight' 'set tight --out 0' 'set tight --on-limit drop'; do
		spend_link
		netfil $command
		is_up || fail "it is down after $command"
		[[ $command == rm* ]] || netfil rm tight
	done
}

@test "down: other settings leave it down" {
	spend_link
	netfil set tight --warn 50
	is_down || fail "it is up"
	netfil set tight --out 40000
	is_down || fail "it is up"
}

@test "down: a new cycle brings it up" {
	spend_link --every hour
	move_clock 3600
	wait_until is_up
}

@test "down: who brings it up by hand has it for a packet" {
	spend_link
	ip -n "nf-$ID-a" link set net0 up
	wait_until eval 'net0_sends; is_down'
	netfil rm tight
	is_up || fail "it is down"
	assert_equal keep_addr_on_down \
		"$(in_ns a cat /proc/sys/net/ipv6/conf/net0/keep_addr_on_down)" 0
}

@test "down: what was down before stays down" {
	ip -n "nf-$ID-a" link add other type veth peer name other2
	netfil add tight --interface 'net0' --interface 'other*' --out 50000 --on-limit down
	wait_until net0_sends
	wait_until is_down
	netfil reset tight
	is_up || fail "net0 is down"
	is_down other || fail "other is up"
}

@test "down: loopback stays, unless it is named" {
	netfil add tight --interface '*' --out 50000 --on-limit down
	wait_until net0_sends
	wait_until is_down
	is_up lo || fail "loopback is down"
	netfil rm tight
	netfil add tight --interface lo --out 50000 --on-limit down
	wait_until eval 'capped --method sendto udp-send 127.0.0.1 9 100 1000 >/dev/null; is_down lo'
	netfil rm tight
	is_up lo || fail "loopback is down"
}

@test "down outlives netfild, and the next one brings it up" {
	spend_link
	kill_daemon
	is_down || fail "it is up"
	start_daemon
	is_down || fail "it is up"
	assert_equal state "$(state tight)" exhausted
	netfil reset tight
	is_up || fail "it is down"
	assert_equal keep_addr_on_down \
		"$(in_ns a cat /proc/sys/net/ipv6/conf/net0/keep_addr_on_down)" 0
}

@test "down: a cap that is reached while netfild is away" {
	netfil add tight --interface net0 --out 50000 --on-limit down
	kill_daemon
	capped --method sendto udp-send "$B4" 9 100 1000
	is_up || fail "it is down"
	start_daemon
	wait_until eval 'net0_sends; is_down'
}
