# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# netfil watch --json: what scripts read.

load lib

setup() {
	make_world
	start_daemon
}

watch() { # ARGUMENT...
	start watch in_ns a netfil watch --json "$@"
	wait_until test -s "$TMP/watch.out"
}

events() { # JQ-EXPRESSION of an object
	jq -r "$1" "$TMP/watch.out"
}

# Of the first event of this kind, once it is there.
event() { # EVENT JQ-EXPRESSION
	wait_until grep -q "\"event\":\"$1\"" "$TMP/watch.out"
	events "select(.event == \"$1\") | $2" | head -n 1
}

push() { # BYTES
	serve
	capped tcp-send "$B4" "$PORT" "$1" >/dev/null 2>&1 || true
	finish server || true
}

@test "each line is an object, with a time and the filter as show has it" {
	netfil add first --ip 192.0.2.1
	watch
	netfil add plan --cgroup "$INSIDE" --out 100000 --warn 50 --every hour
	assert_equal added "$(event added '[.name, .filter.name, .filter.limit.out] | join(" ")')" "plan plan 100000"
	push 300000
	assert_equal warned "$(event warned '[.name, .percent, .direction, .filter.limit.out] | join(" ")')" \
		"plan 50 out 100000"
	assert_equal reached "$(event cap-reached '[.name, .direction, .filter.state] | join(" ")')" \
		"plan out exhausted"
	assert_between used "$(event cap-reached .filter.used.out)" 98500 100000
	move_clock 3600
	assert_equal cycle "$(event cycle-started '.started == .filter.cycle.started')" true
	netfil rm plan
	assert_equal removed "$(event removed 'has("filter")')" false
	assert_equal "lines that are no event" "$(events 'select((.time | test("^[0-9-]{10}T[0-9:]{8}[.][0-9]{3}Z$") | not) or (.event | type != "string")) | .event')" ""
	assert_equal "lines and objects" "$(wc -l <"$TMP/watch.out")" "$(events 1 | wc -l)"
}

@test "those that are named alone" {
	netfil add one --ip 192.0.2.1
	netfil add two --ip 192.0.2.2
	watch one
	netfil off two
	netfil off one
	wait_until grep -q '"changed"' "$TMP/watch.out"
	assert_equal names "$(events .name | sort -u)" one
}

@test "it outlives netfild, and says so" {
	netfil add plan --ip 192.0.2.1
	watch --interval 0.1
	kill_daemon
	event disconnected .time
	start_daemon
	event connected .time
	netfil off plan
	event changed .time
	assert_equal "in turn" "$(events 'select(.event == "connected" or .event == "disconnected" or .event == "changed") | .event' | xargs)" \
		"disconnected connected changed"
	assert_equal "its numbers again" "$(events 'select(.event == "usage") | .name' | xargs)" "plan plan"
}

# It waits for events that do not come, and is to end all the same.
@test "whoever reads leaves: it ends at once" {
	netfil add first --ip 192.0.2.2
	mkfifo "$TMP/pipe"
	start watch in_ns a bash -c 'exec netfil watch --json --interval 86400 >"$1"' bash "$TMP/pipe"
	exec {pipe}<"$TMP/pipe"
	read -r -t "$PATIENCE" -u "$pipe" line
	[[ $line == *'"usage"'*'"first"'* ]]
	netfil add plan --ip 192.0.2.1
	read -r -t "$PATIENCE" -u "$pipe" line
	[[ $line == *'"added"'*'"plan"'* ]]
	exec {pipe}<&-
	finish watch || (($? == 141)) # SIGPIPE
}

@test "the example of the manual" {
	netfil add plan --cgroup "$INSIDE" --out 100000 --warn 50
	start watch in_ns a bash -c "netfil watch --json plan |
		jq --unbuffered -r 'select(.event == \"warned\") | .percent' |
		while read -r percent; do echo \"\$percent % of the plan is used\"; done"
	wait_until eval 'in_ns a ss -xH state established | grep -qF "$NETFIL_RUNTIME_DIR/bus"'
	push 60000
	wait_until grep -q '^50 % of the plan is used$' "$TMP/watch.out"
}
