# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What was moved, and by whom: sums of the history are the witness's, to the byte.

load lib

export TZ=Europe/Berlin

setup() {
	make_world
	offload off
	set_clock_to '2026-01-30 22:30:00'
	start_daemon
}

# netfild knows that it is another hour by then, so that what moves belongs to it.
jump_to() { # TIME
	netfil show clock >"$TMP/clock.out" 2>&1 || netfil add clock --ip 192.0.2.1 --every hour
	set_clock_to "$1"
	wait_until eval "[[ \$(cycle_started clock) == '${1%%:*}:00:00' ]]"
}

exchange() { # BYTES-OUT BYTES-IN
	serve "$2"
	capped tcp-send "$B4" "$PORT" "$1"
	finish server
	wait_closed
}

assert_sums() { # NAME
	local by direction
	for by in hour day month cycle; do
		for direction in in out; do
			assert_equal "$1 by $by, $direction" "$(sum_of "$1" "$by" "$direction")" \
				"$(witness "$direction")"
		done
	done
}

starts() { # NAME hour|day|month
	periods "$1" "$2" '.[].start' | while read -r start; do
		local_time "$start"
	done | paste -sd ' '
}

@test "hours, days and months have all that was moved, and when" {
	netfil add open --cgroup "$INSIDE"
	before=0
	for time in '2026-01-30 23:10' '2026-01-31 08:00' '2026-02-01 00:00'; do
		jump_to "$time:00"
		exchange 100000 20000
		wait_until_equal open out
		assert_equal "in the hour of $time" "$(periods open hour '.[-1].out')" \
			$(($(witness out) - before))
		before=$(witness out)
	done
	assert_sums open
	assert_equal hours "$(starts open hour)" \
		'2026-01-30 23:00:00 2026-01-31 08:00:00 2026-02-01 00:00:00'
	days='2026-01-30 00:00:00 2026-01-31 00:00:00 2026-02-01 00:00:00'
	assert_equal days "$(starts open day)" "$days"
	assert_equal months "$(starts open month)" '2026-01-01 00:00:00 2026-02-01 00:00:00'
	kill_daemon
	start_daemon
	assert_sums open
	stop_daemon
	new_boot
	start_daemon
	assert_sums open
	jump_to '2026-02-20 12:00:00' # old hours become days
	wait_until eval '[[ $(starts open hour) == "$days" ]]'
	assert_sums open
}

@test "--from and --to" {
	netfil add open --cgroup "$INSIDE"
	move 1000
	jump_to '2026-01-31 10:00:00'
	move 2000
	jump_to '2026-02-01 10:00:00'
	move 4000
	total() {
		netfil history open --by hour --json "$@" | jq 'map(.total) | add // 0'
	}
	assert_equal all "$(total)" 7000
	assert_equal "from the 31st" "$(total --from 2026-01-31)" 6000
	assert_equal "to the 31st" "$(total --from 2026-01-01 --to 2026-01-31)" 1000
	assert_equal "the 31st" "$(total --from 2026-01-31 --to 2026-02-01)" 2000
	assert_equal "an hour" "$(total --from '2026-01-31 10:00' --to '2026-01-31 11:00')" 2000
	assert_equal "none" "$(total --from '2026-01-31 11:00' --to '2026-02-01 10:00')" 0
}

@test "all filters, as JSON and as CSV" {
	netfil add one --cgroup "$INSIDE"
	netfil add two --ip "$B4" --out 10000
	fails move 50000
	netfil history --by hour --json >"$TMP/json"
	netfil history --by hour --csv >"$TMP/csv"
	jq -r '.[] | [.name, .start, .end, .in, .out, .total, .refused.bytes, .refused.packets] |
		map(tostring) | join(",")' "$TMP/json" | diff - <(tail -n +2 "$TMP/csv")
	assert_equal header "$(head -n 1 "$TMP/csv")" \
		name,start,end,in,out,total,refused_bytes,refused_packets
	assert_equal names "$(jq -r 'map(.name) | join(" ")' "$TMP/json")" 'one two'
	assert_equal refused "$(jq '.[1].refused.packets' "$TMP/json")" "$(show two .refused.packets)"
	assert_equal text "$(netfil history two --by hour | grep -c '2026-01-30 22:00')" 1
}

@test "the history of a filter goes with it" {
	netfil add open --cgroup "$INSIDE"
	move 1000
	netfil rm open
	netfil add open --cgroup "$INSIDE"
	assert_equal hours "$(periods open hour length)" 0
	move 500
	assert_equal sum "$(sum_of open hour out)" 500
}

# ---- applications ----

apps() { # JQ-EXPRESSION [OPTIONS]
	netfil history --apps --from 2000-01-01 --json "${@:2}" | jq -r "$1"
}

# The path is that of the machine: in a chroot there is more in front of it.
is_exe() { # EXE
	[[ -z $1 ]] && printf '.exe == ""' || printf '(.exe | endswith("%s"))' "$1"
}

app_sum() { # in|out|total [EXE]
	apps "map(select(${2+$(is_exe "$2") and} true) | .$1) | add // 0"
}

# What sockets inside moved, as the witness saw it.
flows() {
	echo $(($(witness total) + $(witness resets) + $(witness resets_in)))
}

all_packets() {
	echo $(($(witness frames_out packets) + $(witness frames_in packets)))
}

all_frames() {
	echo $(($(witness frames_out) + 14 * $(witness frames_out packets) + $(witness frames_in)))
}

add_wire() {
	packets_before=$(all_packets) frames_before=$(all_frames)
	netfil add wire --interface net0
}

# The sum over applications is what the interface filter has, less link headers (14 bytes
# for each frame, and the witness knows how many there were) and what the kernel sent for
# itself, which has no socket inside.
assert_apps_exact() {
	local packets
	wait_closed
	wait_until eval '(($(app_sum total) == $(flows)))'
	packets=$(($(all_packets) - packets_before))
	assert_equal "the interface filter" "$(used wire total)" $(($(all_frames) - frames_before))
	assert_between "less link headers and the kernel's own" \
		$(($(used wire total) - 14 * packets - $(app_sum total))) 0 400
}

# Another executable that does the same.
another() { # NAME
	mkdir -p "$TMP/bin dir"
	cp "$TRAFFIC" "$TMP/bin dir/$1"
	printf '%s' "$TMP/bin dir/$1"
}

@test "--apps: by executable and user, whether a filter names them or not" {
	add_wire
	exchange 200000 30000
	first=$(flows)
	wait_until eval '(($(app_sum total "$TRAFFIC") == first))'
	other=$(another other)
	start receiver peer udp-receive "$B4" "$PORT" 10
	ready receiver
	in_cgroup "$other" udp-send "$B4" "$PORT" 10 1000
	finish receiver
	wait_until eval '(($(app_sum out "$other") == 10280))'
	assert_equal "by others" "$(app_sum total "$TRAFFIC")" "$first"
	serve
	in_cgroup setpriv --reuid=65534 --regid=65534 --clear-groups "$TRAFFIC" tcp-send "$B4" "$PORT" 5000
	finish server
	assert_apps_exact
	assert_equal users "$(apps "map(select($(is_exe "$TRAFFIC")) | .uid) | sort | join(\" \")")" '0 65534'
	assert_equal "by nobody" "$(apps 'map(select(.uid == 65534) | .total) | add')" \
		$(($(flows) - first - 10280))
}

@test "--apps: short-lived processes get their path, and it outlives them" {
	for i in 1 2 3 4 5 6 7 8; do
		other=$(another "short$i")
		in_cgroup "$other" --method sendto udp-send "$B6" 9 "$i" 1000
	done
	rm -r "$TMP/bin dir"
	for i in 1 2 3 4 5 6 7 8; do
		assert_equal "of $i" "$(app_sum out "$TMP/bin dir/short$i")" $((i * 1048))
	done
	kill_daemon
	start_daemon
	assert_equal "after SIGKILL" "$(app_sum out "$TMP/bin dir/short8")" 8384
	stop_daemon
	new_boot
	start_daemon
	assert_equal "after a restart" "$(app_sum out "$TMP/bin dir/short8")" 8384
}

@test "--apps: an executable in the place of one that is gone is another" {
	for i in 1 2 3; do
		other=$(another "in-turn$i")
		in_cgroup "$other" --method sendto udp-send "$B6" 9 "$i" 1000
		rm "$other" # the next one gets its inode
	done
	for i in 1 2 3; do
		assert_equal "of $i" "$(app_sum out "$TMP/bin dir/in-turn$i")" $((i * 1048))
	done
}

@test "--no-apps after a netfild that counted: what is sent then is nobody's later either" {
	start receiver peer udp-receive "$B4" "$PORT" 1000000
	ready receiver
	start old capped --connected-gate "$(make_gate old)" udp-spread "$B4" "$PORT" 1 10 1000 0
	ready old
	wait_until eval '(($(app_sum out "$TRAFFIC") == 10280))'
	stop_daemon
	start_daemon --no-apps
	open_gate old
	finish old
	in_cgroup "$TRAFFIC" udp-send "$B4" "$PORT" 10 1000
	stop_daemon
	start_daemon
	in_cgroup "$TRAFFIC" udp-send "$B4" "$PORT" 1 1000
	wait_until eval '(($(app_sum out "$TRAFFIC") == 10280 + 1028))'
}

@test "--apps: what has no owner has its line" {
	stop_daemon
	rm -rf "$NETFIL_BPFFS_DIR"
	serve
	start old capped --connected-gate "$(make_gate old)" tcp-send "$B4" "$PORT" 20000
	ready old
	before=$(flows)
	in_ns b nft 'add table inet hold; add chain inet hold input { type filter hook input priority 0; policy drop; }'
	open_gate old
	wait_until eval '[[ -n $(in_ns a ss -Htn state fin-wait-1) ]]'
	kill -KILL "${PIDS[old]}"
	finish old || true
	start_daemon
	in_ns b nft delete table inet hold
	finish server
	wait_closed
	assert_between "" "$(app_sum total '')" 1 $(($(flows) - before))
	assert_equal "all of it" "$(app_sum total)" "$(app_sum total '')"
	assert_equal user "$(apps '.[0].uid')" null
}

@test "--apps: SIGKILL of netfild under traffic loses nothing" {
	offload software
	add_wire
	start_load 2
	for i in 1 2 3 4; do
		kill_daemon
		under_load
		start_daemon
	done
	jump_to '2026-01-31 03:00:00'
	under_load
	end_load
	assert_apps_exact
	assert_equal "of the load" "$(app_sum out "$TRAFFIC")" "$(witness out)"
	assert_between "hours" "$(apps 'map(.start) | unique | length' --by hour)" 2 3
}

@test "--apps: hours, days and CSV" {
	exchange 10000 1000
	jump_to '2026-01-31 03:00:00'
	exchange 20000 2000
	for by in hour day month; do
		assert_equal "$by" "$(apps 'map(.total) | add' --by $by)" "$(flows)"
	done
	assert_equal hours "$(apps 'map(.start) | unique | length' --by hour)" 2
	netfil history --apps --from 2000-01-01 --csv >"$TMP/csv"
	assert_equal header "$(head -n 1 "$TMP/csv")" exe,user,uid,start,end,in,out,total
	assert_equal sum "$(awk -F , 'NR > 1 { sum += $NF } END { print sum }' "$TMP/csv")" "$(flows)"
}

@test "netfild --no-apps counts none" {
	stop_daemon
	start_daemon --no-apps
	exchange 10000 1000
	assert_equal apps "$(apps length)" 0
}

# ---- everything at once ----

# Random clocks, restarts, SIGKILLs and traffic: what is admitted in a cycle never passes
# its cap, and the history has all that was moved.
@test "a random life: no cycle passes its cap, and no byte is lost" {
	seed=${NETFIL_TEST_SEED:-$EPOCHSECONDS}
	echo "seed $seed"
	RANDOM=$seed
	export NETFIL_WITHOUT=netfilter_link,sock_destroy
	netfil add tight --cgroup "$INSIDE" --every hour --out 60000
	netfil add daily --ip "$B4" --every day --total 1G --warn 1
	frames_before=$(witness frames_out) packets_before=$(witness frames_out packets)
	netfil add wire --interface net0 --every week
	for step in $(seq 40); do
		case $((RANDOM % 9)) in
		0) move_clock $((RANDOM % 7200)) ;;
		1) move_clock $((-(RANDOM % 3000))) ;;
		2) move_clock $((RANDOM % 400000)) ;;
		3) kill_daemon && start_daemon ;;
		4) stop_daemon && { move 10000 || true; } && start_daemon ;;
		5) stop_daemon && new_boot && start_daemon ;;
		*) move $((RANDOM % 40000 + 28)) || true ;;
		esac
	done
	assert_equal "hours of tight" "$(sum_of tight hour out)" "$(witness out)"
	assert_equal "cycles of tight" "$(sum_of tight cycle out)" "$(witness out)"
	assert_equal "cycles of daily" "$(sum_of daily cycle out)" "$(witness out)"
	assert_equal "months of daily" "$(sum_of daily month out)" "$(witness out)"
	assert_equal "frames" "$(sum_of wire day out)" $(($(witness frames_out) - frames_before +
		14 * ($(witness frames_out packets) - packets_before)))
	assert_between "the fullest cycle" "$(periods tight cycle 'map(.out) | max')" 1 60000
	assert_between "cycles" "$(periods tight cycle length)" 2 41
}

@test "bars and charts: nothing but ASCII where the locale is not UTF-8" {
	netfil add plan --ip "$B4" --out 100k
	serve
	capped tcp-send "$B4" "$PORT" 60000
	finish server
	wait_until eval '(($(used plan out) > 60000))'
	for words in list 'history plan'; do
		# shellcheck disable=SC2086 # words
		LC_ALL=C.UTF-8 netfil $words >"$TMP/unicode"
		grep -q '█' "$TMP/unicode" || fail "$words: no bar"
		# shellcheck disable=SC2086 # words
		LC_ALL=C netfil $words >"$TMP/ascii"
		grep -q '##' "$TMP/ascii" || fail "$words: no bar in ASCII"
		assert_equal "$words beyond ASCII" "$(LC_ALL=C grep -c '[^ -~]' "$TMP/ascii" || true)" 0
	done
}
