# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# netfil run: a command with a cap of its own, and no daemon.

load lib

setup() {
	make_world
	offload software
}

# In the capped namespace; its own words in $TMP/NAME.out and .err.
run_capped() { # ARGUMENTS...
	in_cgroup netfil run "$@"
}

status_of() { # COMMAND...
	local status=0
	"$@" >"$TMP/status.out" 2>"$TMP/status.err" || status=$?
	echo $status
}

nothing_remains() {
	assert_equal "cgroups left" "$(find "$CGROUP/inside" -mindepth 1 -type d)" ""
	assert_equal "pins left" "$(find "$TMP/bpf" -mindepth 1 -not -name '*.debug')" ""
	[[ ! -e $NETFIL_RUNTIME_DIR/bus ]] || fail "a netfild was started"
	assert_equal "programs left" "$(attached)" ""
}

# What is attached to the cgroup.
attached() {
	bpftool cgroup show "$CGROUP/inside" 2>/dev/null | tail -n +2
}

# bats test_tags=kernels,ci
@test "counts to the byte, and ends with the command's status" {
	serve
	run_capped --total 25M --report "$TMP/report" -- "$TRAFFIC" tcp-send "$B4" "$PORT" 300000
	finish server
	wait_closed
	assert_equal out "$(jq .used.out "$TMP/report")" "$(witness out)"
	assert_equal in "$(jq .used.in "$TMP/report")" "$(witness in)"
	assert_equal cap "$(jq .limit.total "$TMP/report")" 25000000
	nothing_remains
}

@test "exit statuses of the command" {
	for status in 0 1 42 125 255; do
		assert_equal status "$(status_of run_capped --total 1M -- bash -c "exit $status")" $status
	done
	nothing_remains
}

@test "a command that is ended by a signal: 128 and its number" {
	assert_equal SIGKILL "$(status_of run_capped --total 1M -- bash -c 'kill -KILL $$')" 137
	assert_equal SIGSEGV "$(status_of run_capped --total 1M -- bash -c 'kill -SEGV $$')" 139
	nothing_remains
}

@test "126 and 127: a command that cannot be run, and one that is not there" {
	touch "$TMP/not-executable"
	assert_equal 126 "$(status_of run_capped --total 1M -- "$TMP/not-executable")" 126
	assert_equal "lines" "$(wc -l <"$TMP/status.err")" 1
	assert_equal 127 "$(status_of run_capped --total 1M -- no-such-command-anywhere)" 127
	assert_equal "lines" "$(wc -l <"$TMP/status.err")" 1
	nothing_remains
}

@test "125: netfil itself fails" {
	export NETFIL_CGROUP=$TMP/no-cgroup
	assert_equal status "$(status_of run_capped --total 1M -- true)" 125
	assert_equal "lines" "$(wc -l <"$TMP/status.err")" 1
}

@test "kill: 124, and the cap held" {
	serve
	assert_equal status "$(status_of run_capped --out 100000 --on-limit kill --report "$TMP/report" -- \
		"$TRAFFIC" tcp-send "$B4" "$PORT" 3000000)" 124
	assert_between seen "$(witness out)" 1 100000
	assert_equal used "$(jq .used.out "$TMP/report")" "$(witness out)"
	assert_equal state "$(jq -r .state "$TMP/report")" exhausted
	nothing_remains
}

@test "kill: all that the command started" {
	serve
	assert_equal status "$(status_of run_capped --out 100000 --on-limit kill -- bash -c '
		trap "" TERM
		setsid sleep 1000 &
		"$@"
		sleep 1000' tree "$TRAFFIC" tcp-send "$B4" "$PORT" 3000000)" 124
	nothing_remains
}

@test "reject: the command hears of it, and has the last word" {
	serve
	assert_equal status "$(status_of run_capped --out 100000 --report "$TMP/report" -- \
		"$TRAFFIC" tcp-send "$B4" "$PORT" 3000000)" 1
	[[ $(cat "$TMP/status.out") =~ error=E(CONNABORTED|CONNRESET|PIPE) ]] || fail "$(cat "$TMP/status.out")"
	assert_between used "$(jq .used.out "$TMP/report")" 98501 100000
	nothing_remains
}

@test "a command that copes with the cap keeps its status" {
	serve
	assert_equal status "$(status_of run_capped --out 100000 -- bash -c '"$@"; exit 0' cope \
		"$TRAFFIC" tcp-send "$B4" "$PORT" 3000000)" 0
}

@test "not a terminal: nothing but the summary" {
	serve
	run_capped --total 25M -- "$TRAFFIC" tcp-send "$B4" "$PORT" 300000 >"$TMP/out" 2>"$TMP/err"
	assert_equal "lines of the command" "$(wc -l <"$TMP/out")" 1
	(($(wc -l <"$TMP/err") <= 3)) || fail "$(cat "$TMP/err")"
	[[ $(cat "$TMP/err") != *[$'\r\e']* ]] || fail "it draws: $(cat -v "$TMP/err")"
	grep -q '25' "$TMP/err"
}

@test "a terminal: a bar that moves" {
	serve
	in_cgroup env COLUMNS=80 TERM=xterm script -qec \
		"netfil run --total 25M -- $TRAFFIC tcp-send $B4 $PORT 20000000" "$TMP/typescript" >/dev/null
	finish server
	grep -q $'\r\|\e' "$TMP/typescript" || fail "no bar: $(cat -v "$TMP/typescript")"
	nothing_remains
}

@test "the command has the terminal" {
	in_cgroup script -qec "netfil run --total 1M -- bash -c 'test -t 0 && test -t 1 && stty size && \
		[ \$(ps -o stat= \$\$ | tr -d -c +) = + ] && echo foreground'" "$TMP/typescript" >/dev/null
	grep -q foreground "$TMP/typescript" || fail "$(cat -v "$TMP/typescript")"
}

@test "standard input, output and error pass through" {
	[[ $(echo hello | run_capped --total 1M -- cat 2>/dev/null) == hello ]]
	[[ $(run_capped --total 1M -- bash -c 'echo word >&2' 2>&1 >/dev/null) == *word* ]]
}

@test "signals are passed on" {
	for signal in TERM INT HUP USR1; do
		rm -f "$TMP/here"
		start run in_cgroup netfil run --total 1M -- bash -c '
			trap "exit 9" TERM INT HUP USR1
			: >"$0"
			while :; do read -r -t 0.05 <> <(:) || :; done' "$TMP/here"
		wait_until test -e "$TMP/here"
		kill -$signal "${PIDS[run]}"
		status=0
		finish run || status=$?
		assert_equal "after SIG$signal" $status 9
	done
	nothing_remains
}

@test "killed by SIGKILL it leaves no cap and no program behind" {
	start run in_cgroup netfil run --total 1M -- "$TRAFFIC" --gate "$(make_gate run)" \
		tcp-send "$B4" "$PORT" 10
	wait_until eval '[[ -n $(attached) ]]'
	kill -KILL "${PIDS[run]}"
	finish run || true
	wait_until eval '[[ -z $(attached) ]]'
}

@test "what the command leaves running is counted until it ends, or is said" {
	serve
	run_capped --total 25M --report "$TMP/report" -- bash -c '"$@" >/dev/null 2>&1 &' left \
		"$TRAFFIC" tcp-send "$B4" "$PORT" 3000000
	[[ -s $TMP/report ]]
}

@test "what the command leaves in its sockets' buffers is held as well" {
	serve
	status_of run_capped --out 200000 -- \
		"$TRAFFIC" --abandon --rate 500000 tcp-send "$B4" "$PORT" 300000
	wait_closed
	assert_between seen "$(witness out)" 1 200000
}

@test "what the command leaves in its sockets' buffers is counted" {
	serve
	run_capped --total 25M --report "$TMP/report" -- \
		"$TRAFFIC" --abandon --rate 500000 tcp-send "$B4" "$PORT" 300000
	finish server
	wait_closed
	# The last one, that acknowledges the peer's FIN, may come from TIME_WAIT, which
	# nobody sees, as documented: 52 bytes, or none.
	used=$(jq .used.out "$TMP/report")
	((used == $(witness out) - 52)) || assert_equal used "$used" "$(witness out)"
}

@test "only the command is counted" {
	serve 0 2
	run_capped --total 25M --report "$TMP/report" -- bash -c '
		"$0" tcp-send "$1" "$2" 10000' "$TRAFFIC" "$B4" "$PORT"
	mine=$(jq .used.out "$TMP/report")
	seen=$(witness out)
	assert_equal used "$mine" "$seen"
	capped tcp-send "$B4" "$PORT" 10000
	assert_equal "the report" "$(jq .used.out "$TMP/report")" "$mine"
}

@test "an address narrows it" {
	serve
	run_capped --total 25M --ip 192.0.2.0/24 --report "$TMP/report" -- \
		"$TRAFFIC" tcp-send "$B4" "$PORT" 10000
	assert_equal used "$(jq .used.total "$TMP/report")" 0
	serve
	run_capped --total 25M --ip "$B4" --report "$TMP/report" -- \
		"$TRAFFIC" tcp-send "$B4" "$PORT" 10000
	assert_between used "$(jq .used.out "$TMP/report")" 10000 12000
}

@test "beside a daemon: both count" {
	start_daemon
	netfil add all --cgroup "$INSIDE"
	serve
	run_capped --total 25M --report "$TMP/report" -- "$TRAFFIC" tcp-send "$B4" "$PORT" 300000
	finish server
	assert_exact all out in
	assert_equal used "$(jq .used.out "$TMP/report")" "$(witness out)"
}

@test "two at once do not know of each other" {
	serve 0 2
	start one in_cgroup netfil run --total 25M --report "$TMP/one.json" -- \
		"$TRAFFIC" tcp-send "$B4" "$PORT" 100000
	start two in_cgroup netfil run --total 25M --report "$TMP/two.json" -- \
		"$TRAFFIC" tcp-send "$B4" "$PORT" 200000
	finish one
	finish two
	wait_closed
	assert_equal "together" $(($(jq .used.out "$TMP/one.json") + $(jq .used.out "$TMP/two.json"))) \
		"$(witness out)"
	assert_between one "$(jq .used.out "$TMP/one.json")" 100000 120000
	nothing_remains
}

@test "run within run: both caps hold" {
	serve
	assert_equal status "$(status_of run_capped --out 1M -- netfil run --out 100000 -- \
		"$TRAFFIC" tcp-send "$B4" "$PORT" 3000000)" 1
	# Two instances: the outer one is charged for what the inner one refuses, and may
	# be spent first.
	assert_between seen "$(witness out)" 1 100000
	serve
	status_of run_capped --out 100000 -- netfil run --out 1M -- \
		"$TRAFFIC" tcp-send "$B4" "$PORT" 3000000
	# The inner one counts what the outer one refuses: it is another instance.
	assert_between seen "$(witness out)" 98502 200000
	nothing_remains
}

@test "no command, or none after options" {
	assert_equal "nothing" "$(status_of run_capped)" 125
	assert_equal "lines" "$(wc -l <"$TMP/status.err")" 1
	assert_equal "no command" "$(status_of run_capped --total 1M --)" 125
	assert_equal "wrong option" "$(status_of run_capped --nonsense -- true)" 125
}
