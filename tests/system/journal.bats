# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The log: to the journal with fields, or to standard error.

load lib

# netfild with a journal of its own at the journal's place, in mounts of its own.
with_journal() { # COMMAND...
	# shellcheck disable=SC2016 # for the shell that is started
	exec unshare --mount bash -c '
		mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal &&
		{ "$0" /run/systemd/journal/socket "$1" & } &&
		until [[ -S /run/systemd/journal/socket ]]; do read -r -t 0.01 <> <(:); done
		exec "${@:2}"' "$BUILD/tests/system/journal" "$TMP/journal" "$@"
}

start_with_journal() { # NETFILD-ARGUMENTS
	export -f with_journal
	export BUILD TMP
	UNDER=(bash -c 'with_journal "$@"' with_journal)
	start_daemon "$@"
	UNDER=()
}

entries() { # JQ-EXPRESSION of an entry
	jq -r "$1" "$TMP/journal"
}

# FIELDS of the entries of an event, once there is one.
event() { # EVENT JQ-EXPRESSION
	wait_until grep -q "\"NETFIL_EVENT\":\"$1\"" "$TMP/journal"
	entries "select(.NETFIL_EVENT == \"$1\") | $2"
}

push() { # BYTES
	serve
	capped tcp-send "$B4" "$PORT" "$1" >/dev/null 2>&1 || true
	finish server || true
}

@test "events have fields, and ids that stay" {
	start_with_journal --log journal
	netfil add plan --cgroup "$INSIDE" --out 100000 --warn 50 --every hour
	push 300000
	assert_equal cap "$(event cap-reached '[.MESSAGE, .PRIORITY, .SYSLOG_IDENTIFIER, .MESSAGE_ID,
		.NETFIL_FILTER, .NETFIL_DIRECTION] | join("|")')" \
		'filter plan: cap reached (out)|5|netfild|8b234fa0ab96448b802456ec0aa4d5b7|plan|out'
	assert_equal warning "$(event warned '[.MESSAGE, .PRIORITY, .MESSAGE_ID, .NETFIL_FILTER,
		.NETFIL_DIRECTION, .NETFIL_PERCENT] | join("|")')" \
		'filter plan: 50 % of its out cap is used|5|d8102be2a0df48e696fa6f6228eb0fd7|plan|out|50'
	move_clock 3600
	assert_equal cycle "$(event cycle-started '[.MESSAGE, .MESSAGE_ID, .NETFIL_FILTER] | join("|")')" \
		'filter plan: a new cycle began|d0475b6be672466e896fe0adb3ab7aee|plan'
	assert_equal "one entry an event" "$(entries 'select(.NETFIL_EVENT == "cap-reached") | 1')" 1
	assert_equal "standard error" "$(cat "$TMP/daemon.err")" ""
}

@test "what is no event has its line, who it is from and how grave it is" {
	mkdir "$NETFIL_CONFIG_DIR" "$NETFIL_CONFIG_DIR/filters.d"
	printf '[a]\nip=x\n' >"$NETFIL_CONFIG_DIR/filters.d/a.conf"
	start_with_journal --log journal
	assert_equal ready "$(entries 'select(.MESSAGE | test("ready")) | [.PRIORITY, .SYSLOG_IDENTIFIER] | join("|")')" \
		'5|netfild'
	assert_equal mistake "$(event mistake '[.PRIORITY, .MESSAGE_ID] | join("|")')" \
		'3|4cca652db9c5479b81bf5586cd80e067'
	assert_equal trouble "$(event trouble '[.PRIORITY, .MESSAGE_ID] | join("|")')" \
		'4|56142ef6c16241a7a4cffe770f154c2f'
	rm "$NETFIL_CONFIG_DIR/filters.d/a.conf"
	netfil reload
	assert_equal over "$(event trouble-over '[.MESSAGE, .MESSAGE_ID] | join("|")')" \
		'the trouble is over|a8e54c52be30440f8aa5b9b0399b0724'
}

@test "who called, and who was not allowed to" {
	start_with_journal --log journal
	netfil add plan --ip 192.0.2.1
	assert_equal called "$(event called '[.NETFIL_UID, .PRIORITY, .MESSAGE_ID] | join("|")')" \
		'0|5|5613bded7e954b998b1c367b266f047a'
	[[ $(event called '"uid 0 (pid \(.NETFIL_PID)): add plan" == .MESSAGE') == true ]] || fail "$(cat "$TMP/journal")"
	chmod 755 "$BATS_RUN_TMPDIR"
	fails in_ns a setpriv --reuid=65534 --regid=65534 --clear-groups netfil rm plan
	assert_equal denied "$(event denied '[.NETFIL_UID, .PRIORITY, .MESSAGE_ID] | join("|")')" \
		'65534|5|907f12708140405fa5fc81d67d228bd6'
}

@test "packets make no lines" {
	start_with_journal --log journal
	netfil add plan --cgroup "$INSIDE" --out 10000 --on-limit drop
	before=$(wc -l <"$TMP/journal")
	start there peer udp-receive "$B4" "$PORT" 9
	ready there
	capped udp-send "$B4" "$PORT" 200 1000
	event cap-reached 1
	assert_equal lines "$(($(wc -l <"$TMP/journal") - before))" 1
}

@test "the ids are those of the manual" {
	sed -n '/^events\[\]/,/^};/p; /^} events/,/^};/p' "$REPOSITORY/src/daemon/log.c" |
		sed -n 's/.*= {"\([a-z-]*\)", "\([0-9a-f]*\)", .*/\1 \2/p' | sort >"$TMP/source"
	sed -n 's/^\.It Li \([a-z-]*\) , \([0-9a-f]\{32\}\)$/\1 \2/p' "$REPOSITORY/man/netfild.8" |
		sort >"$TMP/manual"
	(($(wc -l <"$TMP/source") > 5)) || fail "none found"
	diff "$TMP/source" "$TMP/manual"
}

# As systemd does: standard error is what JOURNAL_STREAM names.
as_a_service() { # COMMAND...
	exec 2>"$TMP/stream"
	JOURNAL_STREAM=$(stat -L -c %d:%i /dev/stderr) exec "$@"
}

@test "auto: to the journal if standard error leads there, else not" {
	export -f as_a_service
	start_with_journal
	netfil add one --ip 192.0.2.1
	assert_equal "without a journal's stream" "$(cat "$TMP/journal")" ""
	grep -Eq '^[0-9]{4}-[0-9-]*T[0-9:]*Z netfild: .*: add one$' "$TMP/daemon.err"
	stop_daemon
	export BUILD TMP
	UNDER=(bash -c 'as_a_service bash -c "with_journal \"\$@\"" with_journal "$@"' as_a_service)
	start_daemon
	wait_until grep -q ready "$TMP/journal"
	netfil rm one
	wait_until grep -q 'rm one' "$TMP/journal"
	assert_equal "the stream" "$(cat "$TMP/stream")" ""
	stop_daemon
	start_daemon --log stderr
	grep -Eq '^netfild: .*ready' "$TMP/stream" || fail "with a time: $(cat "$TMP/stream")"
}

@test "without a journal, standard error serves" {
	UNDER=(unshare --mount bash -c 'mount -t tmpfs tmpfs /run && exec "$@"' none)
	start_daemon --log journal
	grep -q ready "$TMP/daemon.err"
}
