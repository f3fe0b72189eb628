# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# netfil top: whose the traffic is, by the kernel's own numbers; driven in a terminal.

load lib

setup() {
	make_world
	chmod 755 "$TMP" "${TMP%/*}" "${TMP%/*/*}"
	offload software
	start_daemon
}

teardown() {
	local status=$?
	tmux -L "nf-$ID" kill-server 2>/dev/null || true
	((status == 0)) || [[ -n ${BATS_TEST_COMPLETED-} ]] || show_logs
	unmake_world
}

# A terminal of so many columns and lines, in which netfil top runs.
open_top() { # COLUMNS LINES [ENVIRONMENT]... [-- ARGUMENTS]
	local columns=$1 lines=$2 environment=()
	shift 2
	while (($#)) && [[ $1 != -- ]]; do
		environment+=("$1")
		shift
	done
	in_ns a env -u NO_COLOR "${environment[@]}" TERM=screen-256color \
		tmux -L "nf-$ID" -f /dev/null new-session -d -x "$columns" -y "$lines" \
		"exec netfil top --interval 0.2 ${*:2} 2>$TMP/top.err"
	wait_until shows ' out '
}

screen() { # [tmux capture-pane's options]
	tmux -L "nf-$ID" capture-pane -p "$@"
}

shows() { # TEXT
	screen | grep -qF -- "$1"
}

keys() { # KEY...
	tmux -L "nf-$ID" send-keys "$@"
}

top() { # GROUP JQ-EXPRESSION
	netfil top --json --interval 0.1 --by "$1" | jq -r "$2"
}

# Somebody watches from now on, so that what comes is counted.
watched() {
	[[ $(top process length) ]]
}

@test "each group's numbers are the witness' to the byte" {
	watched
	serve
	start sender capped --connected-gate "$(make_gate connected)" tcp-send "$B4" "$PORT" 300000
	wait_until eval '[[ $(top process length) == 1 ]]'
	open_gate connected
	finish server
	wait_until eval '(($(top process ".[0].out // 0") >= 300000))' || true
	finish sender
	for group in process exe user remote; do
		top $group '.[0] | [.in, .out] | @tsv' >>"$TMP/told" || true
	done
	wait_closed
	cat "$TMP/told"
}

@test "what is not watched costs and counts nothing" {
	serve
	capped tcp-send "$B4" "$PORT" 30000
	assert_equal rows "$(top process length)" 0
}

@test "keys: groups, sorting, search, help, end" {
	open_top 100 24
	wait_until shows 'nothing has moved yet'
	serve 0 1
	start sender capped --rate 200000 tcp-send "$B4" "$PORT" 2000000
	wait_until shows traffic
	keys e
	wait_until shows "$TRAFFIC"
	keys u
	wait_until shows root
	keys r
	wait_until shows "$B4"
	keys f
	wait_until shows FILTER
	keys s
	wait_until shows 'sorted by in'
	keys r /
	keys nosuch Enter
	wait_until shows 'nothing is called so'
	keys Escape
	wait_until shows "$B4"
	keys '?'
	wait_until shows 'put a cap on'
	keys '?' q
	wait_until eval '! tmux -L "nf-$ID" has-session 2>/dev/null'
	assert_equal "errors" "$(cat "$TMP/top.err")" ""
}
