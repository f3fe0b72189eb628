# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# events.d: executables that are run for events, as nobody, and for so long.

load lib

# What hooks write is in $TMP/out, a folder of anybody's; they are run as another user, who has
# to be let through to them.
setup() {
	make_world
	EVENTS=$NETFIL_CONFIG_DIR/events.d OUT=$TMP/out
	mkdir -p "$EVENTS" "$OUT"
	chmod 777 "$OUT"
	chmod 755 "$BATS_RUN_TMPDIR"
}

hook() { # NAME ; the script on standard input
	{
		printf '#!/bin/bash\nOUT=%q\n' "$OUT"
		cat
	} >"$EVENTS/$1.new"
	chmod 755 "$EVENTS/$1.new"
	mv "$EVENTS/$1.new" "$EVENTS/$1"
}

conf() { # LINE...
	printf '%s\n' '[netfild]' "$@" >"$NETFIL_CONFIG_DIR/netfil.conf"
}

# Its environment, one file an event, which is there when it is whole.
recorder() {
	hook 50-record <<-'END'
		file=$(mktemp "$OUT/.XXXXXX")
		env | sort >"$file"
		mv "$file" "$OUT/$NETFIL_EVENT-${NETFIL_FILTER-}-$(date +%s%N)"
	END
}

recorded() { # EVENT-FILTER
	compgen -G "$OUT/$1-*" >/dev/null
}

# The value of a variable that the hook got.
got() { # EVENT-FILTER VARIABLE
	wait_until recorded "$1"
	sed -n "s/^$2=//p" "$OUT/$1"-*
}

push() { # BYTES
	serve
	capped tcp-send "$B4" "$PORT" "$1" >/dev/null 2>&1 || true
	finish server || true
}

@test "each event is told, with its filter's numbers" {
	recorder
	start_daemon
	netfil add plan --cgroup "$INSIDE" --out 100000 --total 1M --warn 50 --every hour
	assert_equal state "$(got added-plan NETFIL_STATE)" on
	push 300000
	assert_equal direction "$(got cap-reached-plan NETFIL_DIRECTION)" out
	assert_equal limit "$(got cap-reached-plan NETFIL_LIMIT_OUT)" 100000
	assert_equal "limit in total" "$(got cap-reached-plan NETFIL_LIMIT_TOTAL)" 1000000
	assert_equal "limit in" "$(got cap-reached-plan NETFIL_LIMIT_IN)" 0
	assert_between used "$(got cap-reached-plan NETFIL_USED_OUT)" 98500 100000
	assert_equal sum "$(got cap-reached-plan NETFIL_USED_TOTAL)" \
		$(($(got cap-reached-plan NETFIL_USED_IN) + $(got cap-reached-plan NETFIL_USED_OUT)))
	assert_between percent "$(got cap-reached-plan NETFIL_PERCENT)" 98 100
	assert_equal percent "$(got warned-plan NETFIL_PERCENT)" 50
	assert_equal direction "$(got warned-plan NETFIL_DIRECTION)" out
	move_clock 3600
	assert_equal started "$(got cycle-started-plan NETFIL_CYCLE_STARTED)" "$(show plan .cycle.started)"
	assert_equal ends "$(got cycle-started-plan NETFIL_CYCLE_ENDS)" "$(show plan .cycle.ends)"
	netfil rm plan
	assert_equal "of one that is gone" "$(got removed-plan NETFIL_FILTER)" plan
	mkdir "$NETFIL_CONFIG_DIR/filters.d"
	echo nonsense >"$NETFIL_CONFIG_DIR/filters.d/a.conf"
	fails netfil reload
	[[ $(got trouble- NETFIL_TROUBLE) == *"a.conf:1: "* ]]
	rm "$OUT"/trouble-* "$NETFIL_CONFIG_DIR/filters.d/a.conf"
	netfil reload
	assert_equal "trouble that is over" "$(got trouble- NETFIL_TROUBLE)" ""
}

@test "it is nobody, and has nothing of netfild's" {
	hook 50-has <<-'END'
		echo "arguments: $#"
		echo "folder: $PWD"
		echo "umask: $(umask)"
		echo "input: $(readlink /proc/$$/fd/0)"
		ls /proc/$$/fd | xargs echo descriptors: # 255: the shell's
		echo "session: $(($(cut -d ' ' -f 6 /proc/$$/stat) == $$))"
		echo "open files: $(ulimit -Sn)"
	END
	hook 60-is <<-'END' # not the shell, which ignores signals of its own accord
		exec grep -E '^(Uid|Gid|Groups|NoNewPrivs|Cap(Inh|Prm|Eff|Amb)|SigIgn):' /proc/self/status
	END
	UNDER=(setpriv --groups '4,27') # which netfild would hand on
	start_daemon
	netfil add plan --ip 192.0.2.1
	wait_until grep -q 'events.d/60-is: SigIgn:' "$TMP/daemon.err"
	wait_until grep -q 'events.d/60-is: NoNewPrivs:' "$TMP/daemon.err"
	sed -n 's/.*events.d\/\(50-has\|60-is\): //p' "$TMP/daemon.err" | sed 's/\\x09/ /g; s/ *$//' >"$TMP/said"
	diff "$TMP/said" - <<-END
		arguments: 0
		folder: /
		umask: 0022
		input: /dev/null
		descriptors: 0 1 2 255
		session: 1
		open files: 1024
		Uid: 65534 65534 65534 65534
		Gid: 65534 65534 65534 65534
		Groups:
		SigIgn: 0000000000000000
		CapInh: 0000000000000000
		CapPrm: 0000000000000000
		CapEff: 0000000000000000
		CapAmb: 0000000000000000
		NoNewPrivs: 1
	END
}

@test "the environment is the event, and little else" {
	recorder
	SECRET=1 start_daemon
	netfil add plan --ip 192.0.2.1 --total 1M
	wait_until recorded added-plan
	assert_equal variables "$(cut -d= -f1 "$OUT"/added-plan-* | grep -v '^_$' | xargs)" \
		"HOME LOGNAME NETFIL_CYCLE_ENDS NETFIL_CYCLE_STARTED NETFIL_EVENT NETFIL_FILTER NETFIL_LIMIT_IN NETFIL_LIMIT_OUT NETFIL_LIMIT_TOTAL NETFIL_PERCENT NETFIL_REFUSED_BYTES NETFIL_REFUSED_PACKETS NETFIL_RUNTIME_DIR NETFIL_STATE NETFIL_TIME NETFIL_USED_IN NETFIL_USED_OUT NETFIL_USED_TOTAL PATH PWD SHLVL USER"
	assert_equal "may not" "$(hook_asks netfil list --json)" '["plan"]'
}

# A hook can ask netfild, as every user can.
hook_asks() {
	hook 90-ask <<-END
		PATH=$BUILD/src/cli:\$PATH
		netfil list --json | jq -c 'map(.name)' >"\$OUT/asked.new"
		mv "\$OUT/asked.new" "\$OUT/asked"
	END
	netfil set plan --total 2M
	netfil add other --ip 192.0.2.2
	netfil rm other
	wait_until test -e "$OUT/asked"
	jq -c 'map(select(. != "other"))' "$OUT/asked"
}

@test "in the order of their names; what is not to be run is told" {
	for name in 20-b 10-a Z_1 readme 30.sh .hidden; do
		hook "$name" <<-'END'
			echo "${0##*/}" >>"$OUT/order"
		END
	done
	chmod 644 "$EVENTS/readme"
	hook 15-others <<<'echo never >>"$OUT/order"'
	chmod 775 "$EVENTS/15-others"
	hook 16-somebodys <<<'echo never >>"$OUT/order"'
	chown nobody "$EVENTS/16-somebodys"
	mkdir "$EVENTS/17-folder" "$TMP/open"
	install -m 755 "$EVENTS/10-a" "$TMP/open/elsewhere"
	chmod 777 "$TMP/open"
	ln -s "$TMP/open/elsewhere" "$EVENTS/18-elsewhere"
	start_daemon
	netfil add plan --ip 192.0.2.1
	wait_until grep -sq Z_1 "$OUT/order"
	assert_equal order "$(xargs <"$OUT/order")" "10-a 20-b Z_1"
	grep -q "error: $EVENTS/30.sh is not run: " "$TMP/daemon.err"
	grep -q "error: $EVENTS/15-others can be written by others" "$TMP/daemon.err"
	grep -q "error: $TMP/open can be written by others" "$TMP/daemon.err"
	grep -q "error: $EVENTS/16-somebodys is not root's" "$TMP/daemon.err"
	fails grep -E 'readme|hidden|17-folder' "$TMP/daemon.err"
	fails netfild --check 2>"$TMP/err"
	assert_equal mistakes "$(wc -l <"$TMP/err")" 4
}

@test "nothing is run of a folder that others can write" {
	recorder
	chmod 777 "$EVENTS"
	start_daemon
	netfil add plan --ip 192.0.2.1
	grep -q "error: $EVENTS can be written by others" "$TMP/daemon.err"
	chmod 755 "$EVENTS"
	netfil rm plan
	wait_until recorded removed-plan
	fails recorded added-plan
}

@test "one that takes too long is ended with all that it started, and the next one runs" {
	conf events-timeout=1
	hook 10-slow <<-'END'
		trap '' TERM
		bash -c 'trap "" TERM; echo $$ >"$0/child"; sleep 1000' "$OUT" &
		echo $$ >"$OUT/slow"
		wait
		sleep 1000
	END
	hook 20-next <<<'touch "$OUT/next"'
	start_daemon
	netfil add plan --ip 192.0.2.1
	wait_until test -e "$OUT/next"
	grep -q 'warning: events.d/10-slow: is ended, as it took more than 1 s' "$TMP/daemon.err"
	fails kill -0 "$(cat "$OUT/slow")"
	wait_until eval '! kill -0 "$(cat "$OUT/child")"'
}

@test "what it leaves in the background ends with it" {
	hook 10-leaves <<-'END'
		sleep 1000 &
		echo $! >"$OUT/left"
	END
	hook 20-next <<<'touch "$OUT/next"'
	start_daemon
	netfil add plan --ip 192.0.2.1
	wait_until test -e "$OUT/next"
	wait_until eval '! kill -0 "$(cat "$OUT/left")"'
}

@test "while one hangs netfild goes on; what waits is bounded, and what is left out is told" {
	conf events-timeout=60 # as long as this test takes
	hook 10-hangs <<-'END'
		[[ ! -p $OUT/gate ]] || read -r <"$OUT/gate"
		echo "$NETFIL_EVENT" >>"$OUT/events"
	END
	mkfifo "$OUT/gate"
	chmod 666 "$OUT/gate"
	start_daemon
	for ((i = 0; i < 300; i++)); do
		printf '[f%d]\nip=192.0.2.1\n' "$i"
	done >"$TMP/filters.conf"
	netfil apply "$TMP/filters.conf" >/dev/null # 300 events at once
	netfil add plan --cgroup "$INSIDE" --out 20000
	push 100000 # still has room
	wait_until is_state plan exhausted
	exec {gate}<>"$OUT/gate"
	rm "$OUT/gate" # first: the next one begins as soon as this one ends, and is not to wait
	echo >&"$gate"
	wait_until grep -sq cap-reached "$OUT/events"
	exec {gate}>&-
	wait_until grep -sq 'events.d: 172 events were left out' "$TMP/daemon.err"
	assert_equal added "$(grep -c added "$OUT/events")" 129
}

@test "what it writes goes to the log, and no more of it than is of use" {
	hook talks <<-'END'
		echo "two words"
		echo "on standard error" >&2
		printf 'a\033[31mb\n'
		printf 'x%.0s' {1..5000}
		echo
		for ((i = 0; i < 1000; i++)); do echo "line $i"; done
		head -c 5000000 /dev/zero
		exit 3
	END
	start_daemon
	netfil add plan --ip 192.0.2.1
	wait_until grep -sq 'warning: events.d/talks: ended with status 3' "$TMP/daemon.err"
	grep 'events.d/talks: ' "$TMP/daemon.err" | sed 's/^[^ ]* netfild: //' >"$TMP/said"
	sed -n 1,3p "$TMP/said" | diff - <(
		echo 'events.d/talks: two words'
		echo 'events.d/talks: on standard error'
		echo 'events.d/talks: a\x1b[31mb'
	)
	assert_equal lines "$(wc -l <"$TMP/said")" 22
	assert_equal rest "$(sed -n 21p "$TMP/said")" "events.d/talks: 985 more lines"
	(($(wc -L <"$TMP/said") < 400)) || fail "a line is too long"
}

@test "one that cannot be run is told, and is no hindrance" {
	printf 'no interpreter\n' >"$EVENTS/10-bad"
	printf '#!/nonexistent/shell\n' >"$EVENTS/11-bad"
	chmod 755 "$EVENTS"/*
	hook 20-next <<<'touch "$OUT/next"'
	start_daemon
	netfil add plan --ip 192.0.2.1
	wait_until test -e "$OUT/next"
	grep -q 'events.d/10-bad: cannot be run: Exec format error' "$TMP/daemon.err"
	grep -q 'events.d/11-bad: cannot be run: No such file or directory' "$TMP/daemon.err"
}

@test "events-user: another user, root if it is said, and one that is not there is a mistake" {
	hook who <<-'END'
		id -u >"$OUT/who.new"
		mv "$OUT/who.new" "$OUT/who"
	END
	conf events-user=daemon
	start_daemon
	netfil add plan --ip 192.0.2.1
	wait_until test -e "$OUT/who"
	assert_equal user "$(cat "$OUT/who")" "$(id -u daemon)"
	stop_daemon
	rm "$OUT/who"
	conf events-user=0
	start_daemon
	netfil rm plan
	wait_until test -e "$OUT/who"
	assert_equal user "$(cat "$OUT/who")" 0
	conf events-user=no-such-user
	fails netfild --check 2>"$TMP/err"
	[[ $(cat "$TMP/err") == "netfild: $NETFIL_CONFIG_DIR/netfil.conf:2: there is no user 'no-such-user'"* ]] ||
		fail "$(cat "$TMP/err")"
}

# In the capabilities that its unit gives.
start_events() {
	local capabilities
	capabilities=$(sed -n 's/^CapabilityBoundingSet=//p' "$BUILD/data/systemd/netfil-events.service" |
		tr ' ' '\n' | sed 's/^CAP_\(.*\)/+\L\1/' | paste -sd,)
	start events in_ns a setpriv --bounding-set="-all,$capabilities" --inh-caps=-all --no-new-privs \
		netfild --run-events
}

@test "as services: hooks are run beside a netfild that cannot become another user" {
	conf events-timeout=1
	recorder
	hook 60-hangs <<-'END'
		id >"$OUT/id"
		[[ $NETFIL_EVENT != cap-reached ]] || sleep 1000
		touch "$OUT/$NETFIL_EVENT.end"
	END
	start_events # before there is a netfild
	start_daemon --no-events
	wait_until grep -q 'running the hooks' "$TMP/events.err"
	netfil add plan --cgroup "$INSIDE" --out 100000 --warn 50 --every hour
	push 300000
	assert_equal state "$(got cap-reached-plan NETFIL_STATE)" exhausted
	assert_equal direction "$(got cap-reached-plan NETFIL_DIRECTION)" out
	assert_equal percent "$(got warned-plan NETFIL_PERCENT)" 50
	assert_equal user "$(cat "$OUT/id")" "uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)"
	wait_until grep -q 'events.d/60-hangs: is ended' "$TMP/events.err"
	kill_daemon
	wait_until grep -q 'netfild went away' "$TMP/events.err"
	start_daemon --no-events
	wait_until eval '(($(grep -c "running the hooks" "$TMP/events.err") == 2))'
	move_clock 3600
	assert_equal started "$(got cycle-started-plan NETFIL_CYCLE_STARTED)" "$(show plan .cycle.started)"
	netfil rm plan
	wait_until recorded removed-plan
	assert_equal "once each" "$(compgen -G "$OUT/removed-plan-*" | wc -l)" 1
	fails grep events.d "$TMP/daemon.err"
	kill "${PIDS[events]}"
	finish events
}

@test "as services: trouble that was there before is told" {
	recorder
	mkdir "$NETFIL_CONFIG_DIR/filters.d"
	echo nonsense >"$NETFIL_CONFIG_DIR/filters.d/a.conf"
	start_daemon --no-events
	start_events
	[[ $(got trouble- NETFIL_TROUBLE) == *"a.conf:1: "* ]]
}

@test "netfild's end is its end, however it comes" {
	hook hangs <<-'END'
		echo $$ >"$OUT/pid.new"
		mv "$OUT/pid.new" "$OUT/pid"
		exec sleep 1000
	END
	start_daemon
	netfil add plan --ip 192.0.2.1
	wait_until test -e "$OUT/pid"
	stop_daemon
	fails kill -0 "$(cat "$OUT/pid")"
	rm "$OUT/pid"
	start_daemon
	netfil rm plan
	wait_until test -e "$OUT/pid"
	kill_daemon
	wait_until eval '! kill -0 "$(cat "$OUT/pid")"'
}

@test "the example is a hook" {
	install -m 755 "$REPOSITORY/data/etc/events.d/notify" "$EVENTS/notify"
	start_daemon
	netfil add plan --cgroup "$INSIDE" --out 50000
	netfild --check | grep -q 'hooks: 1'
	push 200000
	wait_until grep -sq 'events.d/notify: filter plan: its cap of 50000 bytes out is reached' "$TMP/daemon.err"
}
