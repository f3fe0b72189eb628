# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Billing cycles and what belongs to one: turns, roll-over, free hours, warnings,
# adjustments. netfil's clock is set; bytes are real.

load lib

export TZ=Europe/Berlin

setup() {
	make_world
	offload software
	set_clock_to '2026-11-23 10:30:00'
	start_daemon
	reset_witness
}

# netfild has looked at its clock since it was set.
tick() {
	netfil add ticker --ip 192.0.2.1 --total 1
	netfil set ticker --unlimited-until "@$(($(netfil_now) + 1))"
	wait_until eval '[[ $(show ticker .unlimited_until) == null ]]'
	netfil rm ticker
}

wait_for_cycle() { # NAME TIME
	wait_until eval "[[ \$(cycle_started $1) == '$2' ]]"
}

# Every byte is in one cycle.
assert_cycles_exact() { # NAME
	wait_closed
	wait_until eval "((\$(sum_of $1 cycle out) == \$(witness out)))"
	assert_equal "in all cycles, in" "$(sum_of "$1" cycle in)" "$(witness in)"
}

@test "a turn starts again from 0 and admits again, and the connection goes on" {
	netfil add tight --cgroup "$INSIDE" --every hour --out 300000 --on-limit drop
	assert_equal ends "$(cycle_ends tight)" '2026-11-23 11:00:00'
	serve
	start client capped tcp-send "$B4" "$PORT" 500000
	wait_until is_state tight exhausted
	first=$(used tight out)
	assert_between "the first cycle" "$first" 298501 300000
	set_clock_to '2026-11-23 11:00:00'
	finish client
	finish server
	assert_equal state "$(state tight)" on
	assert_equal started "$(cycle_started tight)" '2026-11-23 11:00:00'
	assert_equal ends "$(cycle_ends tight)" '2026-11-23 12:00:00'
	assert_equal "cycle closed" "$(periods tight cycle '.[0].out')" "$first"
	assert_equal "cycle at hand" "$(periods tight cycle '.[1].out')" "$(used tight out)"
	assert_cycles_exact tight
}

@test "a turn ends a refusal: new connections and datagrams go through" {
	netfil add tight --cgroup "$INSIDE" --every day --out 50000
	fails move 60000
	wait_until is_state tight exhausted
	fails capped tcp-send "$B4" "$PORT" 10
	set_clock_to '2026-11-24 00:00:00'
	wait_until is_state tight on
	serve
	capped tcp-send "$B4" "$PORT" 10000
	finish server
	assert_cycles_exact tight
}

@test "turns under load: every byte is in one cycle" {
	netfil add hourly --cgroup "$INSIDE" --every hour
	netfil add daily --ip "$B4" --every day
	start_load 2
	for turn in 1 2 3 4 5 6; do
		before=$(cycle_started hourly)
		move_clock $((turn == 3 ? 86400 : 3600))
		wait_until eval '[[ $(cycle_started hourly) != "$before" ]]'
		under_load
	done
	end_load
	assert_cycles_exact hourly
	assert_cycles_exact daily
	assert_equal cycles "$(periods hourly cycle length)" 7
	assert_equal days "$(periods daily cycle length)" 2
}

@test "a machine that was off when the cycle turned" {
	netfil add monthly --cgroup "$INSIDE" --every month --total 100k
	move 30000
	wait_until_equal monthly out
	spent=$(used monthly out)
	stop_daemon
	new_boot
	set_clock_to '2027-01-15 08:00:00'
	start_daemon
	wait_for_cycle monthly '2027-01-01 00:00:00'
	assert_equal ends "$(cycle_ends monthly)" '2027-02-01 00:00:00'
	assert_equal used "$(used monthly total)" 0
	assert_equal closed "$(periods monthly cycle '.[0].out')" "$spent"
	assert_equal "closed at" "$(local_time "$(periods monthly cycle '.[0].end')")" \
		'2026-12-01 00:00:00'
	move 90000
	assert_cycles_exact monthly
}

@test "netfild was away when the cycle turned: no byte is lost" {
	netfil add hourly --cgroup "$INSIDE" --every hour
	start_load
	kill_daemon
	under_load
	move_clock 3600
	start_daemon
	wait_for_cycle hourly '2026-11-23 11:00:00'
	under_load
	end_load
	assert_cycles_exact hourly
}

@test "a clock set back gives no second cap" {
	netfil add tight --cgroup "$INSIDE" --every hour --out 20000
	fails move 30000
	spent=$(used tight out)
	for back in '2026-11-23 10:00:00' '2026-11-23 09:10:00' '2026-11-22 11:00:00' '2026-11-01 12:00:00'; do
		set_clock_to "$back"
		tick
		assert_equal "used at $back" "$(used tight out)" "$spent"
		assert_equal "state at $back" "$(state tight)" exhausted
		fails move 1428
	done
	assert_equal cycles "$(periods tight cycle length)" 1
}

@test "a clock set back and forth within a cycle changes nothing" {
	netfil add tight --cgroup "$INSIDE" --every day --out 20000
	move 10000
	set_clock_to '2026-11-22 23:00:00'
	tick
	set_clock_to '2026-11-23 12:00:00'
	tick
	assert_equal used "$(used tight out)" "$(witness out)"
	assert_equal ends "$(cycle_ends tight)" '2026-11-24 00:00:00'
	fails move 15000
}

@test "a clock that begins years ago, until it is set, ends no cycle" {
	netfil add tight --cgroup "$INSIDE" --every day --out 20000
	began=$(cycle_started tight)
	move 15000
	stop_daemon
	set_clock_to '1970-01-02 12:00:00'
	start_daemon
	tick
	set_clock_to '2000-01-01 12:00:00' # set once more, and still wrong
	tick
	assert_equal "in the past" "$(used tight out)" 15000
	fails move 10000
	set_clock_to '2026-11-23 12:00:00'
	tick
	assert_equal started "$(cycle_started tight)" "$began"
	assert_equal ends "$(cycle_ends tight)" '2026-11-24 00:00:00'
	assert_equal cycles "$(periods tight cycle length)" 1
	assert_equal used "$(used tight out)" "$(witness out)"
}

@test "a clock that was years ahead: the cycle ends by the right one" {
	set_clock_to '2030-05-05 12:10:00'
	netfil add tight --cgroup "$INSIDE" --every hour --out 20000
	move 15000
	set_clock_to '2026-11-23 10:50:00'
	tick
	assert_equal used "$(used tight out)" 15000
	assert_equal ends "$(cycle_ends tight)" '2026-11-23 11:00:00'
	set_clock_to '2026-11-23 10:59:57' # and on by itself
	tick
	wait_for_cycle tight '2026-11-23 11:00:00'
	assert_equal used "$(used tight out)" 0
	assert_cycles_exact tight
}

@test "a clock set forward over several boundaries turns once" {
	netfil add hourly --cgroup "$INSIDE" --every hour
	move 10000
	set_clock_to '2026-11-25 07:20:00'
	wait_for_cycle hourly '2026-11-25 07:00:00'
	assert_equal ends "$(cycle_ends hourly)" '2026-11-25 08:00:00'
	move 5000
	assert_equal "used since" "$(used hourly out)" 5000
	assert_cycles_exact hourly
	assert_equal cycles "$(periods hourly cycle length)" 2
}

@test "both changes of summer time" {
	set_clock_to '2026-03-28 12:00:00'
	netfil add daily --cgroup "$INSIDE" --every day
	netfil add hourly --ip "$B4" --every hour
	set_clock_to '2026-03-29 00:30:00'
	wait_for_cycle daily '2026-03-29 00:00:00'
	assert_equal "a day of 23 hours" "$(cycle_seconds daily)" 82800
	set_clock_to '2026-03-29 03:10:00'
	wait_for_cycle hourly '2026-03-29 03:00:00'
	set_clock_to '2026-10-25 01:00:00'
	wait_for_cycle daily '2026-10-25 00:00:00'
	assert_equal "a day of 25 hours" "$(cycle_seconds daily)" 90000
}

@test "the 31st of a short month, and a leap day" {
	set_clock_to '2027-01-31 12:00:00'
	netfil add last --cgroup "$INSIDE" --every month@31
	netfil add leap --ip "$B4" --every month@29
	assert_equal ends "$(cycle_ends last)" '2027-02-28 00:00:00'
	set_clock_to '2027-02-28 00:00:00'
	wait_for_cycle last '2027-02-28 00:00:00'
	assert_equal ends "$(cycle_ends last)" '2027-03-31 00:00:00'
	set_clock_to '2028-02-10 00:00:00'
	wait_for_cycle leap '2028-01-29 00:00:00'
	assert_equal ends "$(cycle_ends leap)" '2028-02-29 00:00:00'
}

@test "another time zone: the cycle ends by the new one, usage goes on" {
	netfil add daily --cgroup "$INSIDE" --every day --out 20000
	move 10000
	wait_until_equal daily out
	stop_daemon
	TZ=America/New_York start_daemon
	assert_equal ends "$(TZ=America/New_York cycle_ends daily)" '2026-11-24 00:00:00'
	assert_equal used "$(used daily out)" "$(witness out)"
	set_clock_to '2026-11-24 00:30:00' # of Berlin
	tick
	assert_equal "used after midnight in Berlin" "$(used daily out)" "$(witness out)"
	set_clock_to '2026-11-24 06:00:00'
	wait_until eval '(($(used daily out) == 0))'
}

@test "--rollover carries what is left into the next cycle" {
	netfil add plan --cgroup "$INSIDE" --every hour --out 100000 --rollover
	netfil add plain --ip "$B4" --every hour --out 100000
	move 30000
	set_clock_to '2026-11-23 11:00:00'
	wait_for_cycle plan '2026-11-23 11:00:00'
	assert_equal limit "$(show plan .limit.out)" 170000
	assert_equal extra "$(show plan .extra.out)" 70000
	assert_equal cap "$(show plan .cap.out)" 100000
	assert_equal "without --rollover" "$(show plain .limit.out)" 100000
	netfil off plain
	fails move 200000
	assert_between used "$(used plan out)" 168573 170000
	kill_daemon
	start_daemon
	assert_equal "limit after SIGKILL" "$(show plan .limit.out)" 170000
	left=$((170000 - $(used plan out)))
	set_clock_to '2026-11-23 12:00:00'
	wait_for_cycle plan '2026-11-23 12:00:00'
	assert_equal "limit thereafter" "$(show plan .limit.out)" $((100000 + left))
}

@test "--free hours do not count, and have no cap" {
	set_clock_to '2026-11-24 00:30:00'
	netfil add plan --cgroup "$INSIDE" --every day --out 20000 --free 01:00-07:00
	move 10000
	assert_equal "free until" "$(show plan .free_until)" null
	set_clock_to '2026-11-24 01:00:00'
	wait_until eval '[[ $(show plan .free_until) != null ]]'
	assert_equal "free until" "$(local_time "$(show plan .free_until)")" '2026-11-24 07:00:00'
	move 50000
	assert_equal "used in free hours" "$(used plan out)" 10000
	kill_daemon
	move 20000
	start_daemon
	assert_equal "used after SIGKILL" "$(used plan out)" 10000
	set_clock_to '2026-11-24 07:00:00'
	wait_until eval '[[ $(show plan .free_until) == null ]]'
	move 5000
	assert_equal "used after them" "$(used plan out)" 15000
	fails move 10000
	assert_equal "history has all" "$(sum_of plan hour out)" "$(witness out)"
}

@test "free hours end a refusal for their time" {
	netfil add plan --cgroup "$INSIDE" --every day --out 20000 --free 23:00-01:00
	fails move 30000
	wait_until is_state plan exhausted
	set_clock_to '2026-11-23 23:00:00'
	wait_until is_state plan on
	move 30000
	set_clock_to '2026-11-24 00:10:00'
	wait_for_cycle plan '2026-11-24 00:00:00'
	move 30000
	assert_equal used "$(used plan out)" 0
	set_clock_to '2026-11-24 01:00:00'
	wait_until eval '[[ $(show plan .free_until) == null ]]'
	fails move 30000
	assert_between used "$(used plan out)" 18573 20000
}

@test "a top-up is for this cycle alone" {
	netfil add plan --cgroup "$INSIDE" --every hour --out 20000
	fails move 30000
	wait_until is_state plan exhausted
	netfil set plan --out +15000
	assert_equal state "$(state plan)" on
	assert_equal limit "$(show plan .limit.out)" 35000
	move 10000
	fails move 10000
	kill_daemon
	start_daemon
	assert_equal "limit after SIGKILL" "$(show plan .limit.out)" 35000
	assert_between used "$(used plan out)" 33573 35000
	set_clock_to '2026-11-23 11:00:00'
	wait_for_cycle plan '2026-11-23 11:00:00'
	assert_equal "limit thereafter" "$(show plan .limit.out)" 20000
	assert_cycles_exact plan
}

@test "a top-up may take away" {
	netfil add plan --cgroup "$INSIDE" --every hour --out 50000
	move 10000
	netfil set plan --out -35000
	fails move 10000
	assert_between used "$(used plan out)" 13573 15000
}

@test "--used sets usage to the carrier's figure" {
	netfil add plan --cgroup "$INSIDE" --every hour --out 100000
	move 10000
	netfil set plan --used 90000
	assert_equal used "$(used plan out)" 90000
	kill_daemon
	start_daemon
	assert_equal "used after SIGKILL" "$(used plan out)" 90000
	move 5000
	assert_equal "and on from there" "$(used plan out)" 95000
	fails move 10000
	netfil set plan --used 1k
	wait_until is_state plan on
	move 10000
	assert_equal "set back" "$(used plan out)" 11000
}

@test "--unlimited-until ends a refusal until then, and counts on" {
	netfil add plan --cgroup "$INSIDE" --every day --out 20000
	fails move 30000
	spent=$(used plan out)
	netfil set plan --unlimited-until +30m
	assert_equal state "$(state plan)" on
	move 50000
	assert_equal used "$(used plan out)" $((spent + 50000))
	kill_daemon
	start_daemon
	move 1000
	set_clock_to '2026-11-23 11:00:01'
	wait_until eval '[[ $(show plan .unlimited_until) == null ]]'
	fails move 1428
	assert_equal used "$(used plan out)" $((spent + 51000))
	netfil set plan --unlimited-until +30m
	move 1000
	netfil set plan --unlimited-until now
	fails move 1428
}

# Lines of `netfil watch --json`.
told_events() { # EVENT
	jq -sr "map(select(.event == \"$1\" and .name == \"plan\")) | map(.percent // .started) | join(\" \")" \
		"$TMP/watch.out"
}

watch_events() {
	start watch in_ns a netfil watch --json --interval 0.1
	wait_until test -s "$TMP/watch.out"
}

# netfild is killed, and back; the watch knows.
revive() { # [COMMAND-BETWEEN]
	local times
	times=$(grep -c '"connected"' "$TMP/watch.out" || true)
	kill_daemon
	"$@"
	start_daemon
	wait_until eval "((\$(grep -c '\"connected\"' '$TMP/watch.out') > $times))"
}

@test "--warn: once each a cycle, and not again after SIGKILL" {
	netfil add plan --cgroup "$INSIDE" --every hour --out 100000 --warn 50,80,95
	watch_events
	move 52000
	wait_until eval '[[ $(told_events warned) == 50 ]]'
	assert_equal given "$(show plan '.warn.given | join(" ")')" 50
	revive
	move 35000
	wait_until eval '[[ $(told_events warned) == "50 80" ]]'
	fails grep '50 %' "$TMP/daemon.err" # nor in the log
	wait_until eval '[[ $(sqlite3 "$TMP/state/ledger.db" "SELECT count(*) FROM warning") == 2 ]]'
	revive new_boot
	tick
	assert_equal "after a restart" "$(told_events warned)" '50 80'
	fails grep -E '(50|80) %' "$TMP/daemon.err"
	set_clock_to '2026-11-23 11:00:00'
	wait_for_cycle plan '2026-11-23 11:00:00'
	wait_until eval '[[ $(told_events cycle-started) == 2026-11-23T10:00:00Z ]]'
	assert_equal "given anew" "$(show plan '.warn.given | length')" 0
	move 99000
	wait_until eval '[[ $(told_events warned) == "50 80 50 80 95" ]]'
	tick
	assert_equal "once each" "$(told_events warned)" '50 80 50 80 95'
	grep -q '95 %' "$TMP/daemon.err"
}

@test "the forecast goes by the rate so far" {
	netfil add plan --cgroup "$INSIDE" --every day --out 100000
	assert_equal "without traffic" "$(show plan .forecast)" null
	move 50000
	set_clock_to '2026-11-23 12:30:00'
	tick
	due=$(date -d '2026-11-23 14:30:00' +%s)
	assert_between forecast "$(seconds "$(show plan .forecast)")" $((due - 5)) $((due + 5))
	set_clock_to '2026-11-23 20:30:00'
	tick
	assert_equal "not in this cycle" "$(show plan .forecast)" null
}

@test "--except leaves addresses out of a socket filter" {
	netfil add plan --cgroup "$INSIDE" --except "$B4" --out 50000
	netfil add all --cgroup "$INSIDE"
	serve 20000
	capped tcp-send "$B4" "$PORT" 200000
	finish server
	assert_exact all out in
	assert_equal "the local network" "$(used plan total)" 0
	local_part=$(witness out)
	AT=$B6 serve
	capped tcp-send "$B6" "$PORT" 20000
	finish server
	wait_closed
	wait_until_equal plan out "$local_part"
	fails capped tcp-send "$B6" "$PORT" 100000
	capped udp-send "$B4" 9 1 1000
}

@test "--except leaves addresses out of an ip filter" {
	netfil add plan --ip 10.0.0.0/8 --ip fd00::/8 --except "${B4%.*}.0/24"
	serve 20000
	capped tcp-send "$B4" "$PORT" 200000
	finish server
	wait_closed
	assert_equal "the local network" "$(used plan total)" 0
	local_part=$(witness out)
	AT=$B6 serve
	capped tcp-send "$B6" "$PORT" 20000
	finish server
	wait_closed
	wait_until_equal plan out "$local_part"
}

@test "--except leaves addresses out of an interface filter" {
	netfil add wire --interface net0 --except "$B4"
	netfil add all --interface net0
	serve 20000
	capped tcp-send "$B4" "$PORT" 200000
	finish server
	wait_closed
	local_part=$(used all out)
	assert_equal "the local network" "$(used wire total)" 0
	AT=$B6 serve
	capped tcp-send "$B6" "$PORT" 20000
	finish server
	wait_closed
	wait_until eval \
		'(($(used all out) == $(witness frames_out) + 14 * $(witness frames_out packets)))'
	assert_equal "the rest" "$(used wire out)" $(($(used all out) - local_part))
}
