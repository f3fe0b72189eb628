# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# netfil.conf and filters.d: what netfild reads when it starts.

load lib

setup() {
	make_world
	mkdir "$NETFIL_CONFIG_DIR" "$NETFIL_CONFIG_DIR/filters.d"
	CONF=$NETFIL_CONFIG_DIR/netfil.conf FILTERS=$NETFIL_CONFIG_DIR/filters.d
}

# A file of filters.d, on standard input.
filters() { # NAME
	cat >"$FILTERS/$1"
}

conf() { # LINE...
	printf '%s\n' '[netfild]' "$@" >"$CONF"
}

# STATUS PART...: netfild does not start; the beginnings of its lines, all there are.
refuses_to_start() {
	local expected=$1 status=0
	shift
	in_ns a timeout 10 netfild 2>"$TMP/err" || status=$?
	assert_equal "status: $(cat "$TMP/err")" "$status" "$expected"
	told_mistakes "$@"
	[[ ! -e $NETFIL_RUNTIME_DIR ]] || fail "it left its runtime folder"
	assert_equal pins "$(find "$TMP/bpf" -mindepth 1 -not -name '*.debug')" ""
}

# PART...: each line of $TMP/err begins so, behind the time and the name.
told_mistakes() {
	local i lines
	mapfile -t lines < <(sed -n 's/^\(.*Z \)\?netfild: \(error: \)\?//p' "$TMP/err")
	assert_equal "mistakes: $(cat "$TMP/err")" "${#lines[@]}" $#
	for ((i = 0; i < $#; i++)); do
		[[ ${lines[i]} == "$NETFIL_CONFIG_DIR${*:i+1:1}"* ]] || fail "${lines[i]}"
	done
}

check() { # PART...: what `netfild --check` tells, all there is
	local status=0
	netfild --check >"$TMP/out" 2>"$TMP/err" || status=$?
	assert_equal status "$status" $(($# ? 2 : 0))
	told_mistakes "$@"
}

send() {
	serve
	capped tcp-send "$B4" "$PORT" 5000
	finish server
}

granted() { # NAME
	sqlite3 "$TMP/state/ledger.db" "SELECT granted FROM filter WHERE name = '$1'"
}

trouble() {
	netfil doctor --json | jq -r '.trouble // ""'
}

@test "netfil.conf says how netfild runs; the command line comes first" {
	conf durability=strict apps=no
	start_daemon
	netfil add plan --cgroup "$INSIDE" --out 1M
	(($(granted plan) > 0)) || fail "not strict"
	send
	assert_equal applications "$(netfil history --apps --json)" "[]"
	stop_daemon
	start_daemon --apps --durability checkpoint
	send
	netfil history --apps --json | jq -e 'length > 0'
	netfil add other --cgroup "$INSIDE" --out 1M
	assert_equal granted "$(granted other)" 0
}

@test "cgroup: the file, then the environment, then the command line" {
	conf "cgroup=$CGROUP/nonexistent"
	start_daemon # $NETFIL_CGROUP
	stop_daemon
	NETFIL_CGROUP='' fails in_ns a timeout 10 netfild 2>"$TMP/err"
	grep -q "$CGROUP/nonexistent" "$TMP/err"
	fails in_ns a timeout 10 netfild --cgroup "$CGROUP/neither" 2>"$TMP/err"
	grep -q "$CGROUP/neither" "$TMP/err"
}

@test "netfil.conf: all mistakes at once, with their lines, and no start" {
	cat >"$CONF" <<-END
		durability=strict
		[netfild]
		durability=sometimes
		apps=perhaps;yes
		colour=red
		log=
		cgroup=relative
		events-timeout=0
		events-user=no-such-user
		nonsense
		system-bus=yes
		system-bus=maybe
		[other]
		apps=maybe
	END
	refuses_to_start 2 /netfil.conf:{1,3,4,5,6,7,8,9,10,12,13}:
	check /netfil.conf:{1,3,4,5,6,7,8,9,10,12,13}:
	status=0
	netfil add some --ip 192.0.2.1 2>"$TMP/add.err" || status=$? # which would start it
	assert_equal status "$status" 1
	assert_equal lines "$(wc -l <"$TMP/add.err")" 1
	grep -q "^netfil: $CONF:1: .*(and 10 more: see \"netfild --check\")$" "$TMP/add.err"
}

@test "files that others than root can write are not read" {
	conf apps=no
	chmod 664 "$CONF"
	refuses_to_start 2 "/netfil.conf can be written by others than root: "
	chmod 644 "$CONF"
	chown nobody "$CONF"
	refuses_to_start 2 "/netfil.conf is not root's: "
	rm "$CONF"
	mkfifo "$CONF"
	refuses_to_start 2 "/netfil.conf is no file: "
	rm "$CONF"
	chmod 777 "$NETFIL_CONFIG_DIR"
	touch "$CONF"
	refuses_to_start 2 " can be written by others than root: "
	chmod 755 "$NETFIL_CONFIG_DIR"
	filters a.conf <<<$'[a]\nip=192.0.2.1'
	filters b.conf <<<$'[b]\nip=192.0.2.1'
	chmod 646 "$FILTERS/a.conf"
	check "/filters.d/a.conf can be written by others than root: "
	chmod 644 "$FILTERS/a.conf"
	chmod 775 "$FILTERS"
	check "/filters.d can be written by others than root: "
	start_daemon
	assert_equal filters "$(netfil list --json)" "[]"
}

@test "filters.d is in force at the start, and usage is kept" {
	offload software
	filters 10-plan.conf <<-END
		[plan]
		cgroup=$INSIDE
		out=1G
		[other]
		ip=$B4
	END
	filters 20-more.conf <<<$'[more]\nip=192.0.2.1\non=false'
	filters ignored.conf.old <<<nonsense
	filters .hidden.conf <<<nonsense
	start_daemon
	assert_equal names "$(netfil list --json | jq -r 'map(.name) | join(" ")')" "more other plan"
	assert_equal off "$(state more)" off
	assert_equal told "$(sed -n 's/.*netfild: filters.d: //p' "$TMP/daemon.err" | xargs)" "+ plan + other + more"
	start_load
	under_load
	stop_daemon
	sed -i 's/1G/2G/' "$FILTERS/10-plan.conf"
	start_daemon
	under_load
	assert_equal cap "$(show plan .limit.out)" 2000000000
	assert_equal told "$(sed -n 's/.*netfild: filters.d: //p' "$TMP/daemon.err")" "~ plan: out"
	end_load
	assert_exact plan out in total
	assert_exact other out in total
	before=$(show plan .cycle.started)
	stop_daemon
	start_daemon
	fails grep 'filters.d:' "$TMP/daemon.err"
	assert_equal "when it began" "$(show plan .cycle.started)" "$before"
}

@test "what a file says comes back; what no file says stays" {
	filters a.conf <<<$'[plan]\nip=192.0.2.1\ntotal=1M\n[gone]\nip=192.0.2.2'
	start_daemon
	netfil set plan --total 2M
	netfil set plan --total +5M
	netfil off plan
	netfil rm gone
	netfil add mine --ip 192.0.2.3
	filters a.conf <<<$'[plan]\nip=192.0.2.1\ntotal=1M\n[back]\nip=192.0.2.2'
	netfil reload
	assert_equal cap "$(show plan .cap.total)" 1000000
	assert_equal "this cycle's" "$(show plan .limit.total)" 6000000
	assert_equal state "$(state plan)" on
	assert_equal names "$(netfil list --json | jq -r 'map(.name) | join(" ")')" "back mine plan"
	rm "$FILTERS/a.conf"
	kill -HUP "${PIDS[daemon]}"
	wait_until grep -q 'SIGHUP: reload' "$TMP/daemon.err"
	assert_equal names "$(netfil list --json | jq -r 'map(.name) | join(" ")')" "back mine plan"
}

@test "a mistake in one file: nothing is applied, caps in force stay, and it is told until it is mended" {
	filters a.conf <<<$'[plan]\nip=192.0.2.1\ntotal=1M'
	start_daemon
	stop_daemon
	filters a.conf <<<$'[plan]\nip=192.0.2.1\ntotal=2M\n[new]\nip=192.0.2.2'
	filters b.conf <<-'END'
		[b]
		ip=192.0.2.300
		totl=1M
		[c
		[plan]
		ip=192.0.2.9
		[d]
		pid=1
	END
	filters c.conf <<<$'[d]\nexe=/bin/sh'
	mistakes=("/filters.d/b.conf:2: " "/filters.d/b.conf:3: " "/filters.d/b.conf:4: "
		"/filters.d/b.conf:5: 'plan' is in $FILTERS/a.conf:1 too: " "/filters.d/b.conf:8: a pid "
		"/filters.d/c.conf:1: 'd' is in $FILTERS/b.conf:7 too: ")
	check "${mistakes[@]}"
	start_daemon
	grep 'netfild: error: ' "$TMP/daemon.err" >"$TMP/err"
	told_mistakes "${mistakes[@]}"
	assert_equal names "$(netfil list --json 2>/dev/null | jq -r 'map(.name) | join(" ")')" plan
	assert_equal cap "$(show plan .limit.total)" 1000000
	[[ $(trouble) == "nothing of filters.d is applied: $FILTERS/b.conf:2: "*"(and 5 more: see \"netfild --check\")" ]] ||
		fail "$(trouble)"
	netfil list | grep -q '^Trouble since .*b.conf:2: '
	fails netfil reload 2>"$TMP/reload"
	assert_equal lines "$(wc -l <"$TMP/reload")" 1
	grep -q 'nothing of filters.d is applied: .*b.conf:2: ' "$TMP/reload"
	rm "$FILTERS/b.conf"
	netfil reload
	assert_equal trouble "$(trouble)" ""
	assert_equal names "$(netfil list --json | jq -r 'map(.name) | join(" ")')" "d new plan"
	assert_equal cap "$(show plan .limit.total)" 2000000
	grep -q 'the trouble is over' "$TMP/daemon.err"
}

@test "what is not there, and only netfild finds out, has its line too" {
	filters a.conf <<<$'[a]\nip=192.0.2.1\n[b]\nexe=/nonexistent\nuser=root;no-such-user'
	filters b.conf <<<$'[c]\nip-file=/nonexistent'
	check # nobody to ask
	start_daemon
	grep 'netfild: error: ' "$TMP/daemon.err" >"$TMP/err"
	told_mistakes /filters.d/a.conf:4: /filters.d/a.conf:5: /filters.d/b.conf:2:
	check /filters.d/a.conf:4: /filters.d/a.conf:5: /filters.d/b.conf:2:
	assert_equal filters "$(netfil list --json 2>/dev/null)" "[]"
}

@test "a file that is a pipe, a folder, empty or enormous" {
	filters empty.conf </dev/null
	mkfifo "$FILTERS/pipe.conf"
	mkdir "$FILTERS/folder.conf"
	ln -s /nonexistent "$FILTERS/link.conf"
	truncate -s 17M "$FILTERS/large.conf"
	check "/filters.d/folder.conf is no file: " "/filters.d/large.conf has more than " \
		"/filters.d/link.conf cannot be read " "/filters.d/pipe.conf is no file: "
}

@test "reload tells what of netfil.conf waits for a restart, and a mistake there" {
	conf apps=no
	start_daemon
	conf events-timeout=3 apps=yes
	netfil reload
	grep -q 'warning: netfil.conf: apps, events-timeout changed: restart netfild' "$TMP/daemon.err"
	conf apps=maybe
	fails netfil reload 2>"$TMP/err"
	grep -q "^netfil: $CONF:2: \"maybe\"" "$TMP/err"
}

@test "trouble of a file is an event of watch" {
	start_daemon
	start watch in_ns a netfil watch --json
	filters a.conf <<<nonsense
	netfil add sign --ip 192.0.2.1
	wait_until grep -q sign "$TMP/watch.out"
	fails netfil reload
	wait_until grep -q '"trouble"' "$TMP/watch.out"
	rm "$FILTERS/a.conf"
	netfil reload
	wait_until eval '[[ $(jq -r "select(.event == \"trouble\") | .what" "$TMP/watch.out" | tail -n 1) == "" ]]'
	assert_equal events "$(grep -c '"trouble"' "$TMP/watch.out")" 2
}

@test "the example is right, also with each of its lines in force" {
	cp "$REPOSITORY/data/etc/netfil.conf" "$CONF"
	check
	sed -i 's/^#\([a-z-]*=\)/\1/' "$CONF"
	(($(grep -c '^[a-z-]*=' "$CONF") == 7)) || fail "not all lines"
	check
	# What is commented out is what there is without it.
	conf 'durability=default'
	cp "$REPOSITORY/data/etc/netfil.conf" "$TMP/commented"
	rm "$CONF"
	start_daemon
	sed 's/^#\([a-z-]*=\)/\1/; /^cgroup/d; /^durability/d' "$TMP/commented" >"$CONF"
	netfil reload
	fails grep 'changed' "$TMP/daemon.err"
}
