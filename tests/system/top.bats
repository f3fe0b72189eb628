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
	(($#)) && shift || set -- --interval 0.2
	in_ns a env -u NO_COLOR "${environment[@]}" TERM=screen-256color \
		tmux -L "nf-$ID" -f /dev/null new-session -d -x "$columns" -y "$lines" \
		"exec netfil top $* 2>$TMP/top.err"
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

# Connects, sends at the gate, and stays.
start_sender() {
	serve
	start sender in_cgroup bash -c 'exec 3<>"/dev/tcp/$1/$2" 4<>"$3"
		read -r -u 4 && printf %300000s >&3 && read -r -u 4' sender "$B4" "$PORT" "$(make_gate sender)"
}

# bats test_tags=kernels
@test "each group's numbers are the witness' to the byte" {
	open_top 100 24 # so that it is watched all the time
	start_sender
	wait_until eval '[[ $(top remote ".[0].remote") == "$B4" ]]'
	echo >"$TMP/sender.gate"
	wait_until sent_all
	for group in process exe user remote; do
		assert_equal "$group" "$(top $group 'map([.in, .out] | @tsv) | join(" ")')" \
			"$(printf '%s\t%s' "$(witness in)" "$(witness out)")"
	done
	assert_equal pid "$(top process '.[0].value')" "${PIDS[sender]}"
	assert_equal exe "$(top exe '.[0].exe')" "$(readlink -f "$(type -P bash)")"
	assert_equal user "$(top user '.[0].user')" root
	assert_equal sockets "$(top remote '.[0].sockets')" 1
	kill "${PIDS[sender]}"
}

# The peer has acknowledged all.
sent_all() {
	(($(top remote '.[0].out // 0') >= 300000)) &&
		[[ $(in_ns a ss -Htn state established | awk '{ print $2 }') == 0 ]]
}

@test "a connection that was there before anybody looked is counted from then on" {
	netfil add open --cgroup "$INSIDE"
	start_sender
	wait_until eval '(($(witness out packets) == 2))' # SYN and ACK
	reset_witness
	open_top 100 24
	wait_until eval '[[ $(top remote ".[0].remote // \"none\"") == none ]]'
	echo >"$TMP/sender.gate"
	wait_until sent_all
	assert_equal numbers "$(top process 'map([.in, .out] | @tsv) | join(" ")')" \
		"$(printf '%s\t%s' "$(witness in)" "$(witness out)")"
	kill "${PIDS[sender]}"
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

@test "a cap put on a process by a key holds" {
	open_top 100 24
	serve
	start sender capped --connected-gate "$(make_gate connected)" tcp-send "$B4" "$PORT" 3000000
	wait_until shows "${PIDS[sender]}"
	keys c
	wait_until shows 'cap for traffic'
	keys 'out 100k' Enter
	wait_until shows "filter pid-${PIDS[sender]}: cap out 100k"
	handshake=$(witness out)
	open_gate connected
	fails finish sender
	assert_between "what passed" $(($(witness out) - handshake)) 98501 100000
	keys f
	wait_until shows "FILTER"
	keys q
}

@test "a cap on an executable, a user, an address, and a filter's own" {
	netfil add own --ip "$B4" --total 1M
	open_top 100 24
	serve 0 1
	start sender capped --rate 50000 tcp-send "$B4" "$PORT" 2000000
	for group in e u r; do
		keys $group
		wait_until shows "$([[ $group == u ]] && echo root || ([[ $group == e ]] && echo traffic || echo "$B4"))"
		keys c
		wait_until shows 'cap for'
		keys 25M Enter
		wait_until shows 'cap total 25M'
	done
	keys f Home c
	wait_until shows 'cap for'
	keys 2M Enter
	wait_until shows 'filter own: cap total 2M'
	assert_equal selectors "$(netfil list --json | jq -c '[.[].selector.text] | sort')" \
		"$(jq -nc --arg exe "exe $TRAFFIC" --arg ip "ip $B4" '[$exe, $ip, $ip, "user 0"] | sort')"
	keys c
	wait_until shows 'cap for'
	keys nonsense Enter
	wait_until shows 'is not a size'
	keys q
}

@test "a new size of the terminal, and 40 columns" {
	start_long_sender
	open_top 100 24
	wait_until shows 'OUT/S'
	tmux -L "nf-$ID" resize-window -x 40 -y 10
	wait_until shows 'RATE'
	wait_until shows traffic
	assert_equal "lines too long" "$(screen | awk 'length > 40' | wc -l)" 0
	tmux -L "nf-$ID" resize-window -x 120 -y 30
	wait_until shows 'SOCK'
	keys q
}

start_long_sender() {
	serve 0 1
	start sender capped --rate 50000 tcp-send "$B4" "$PORT" 2000000
}

@test "without colour, and without UTF-8" {
	start_long_sender
	open_top 100 24
	wait_until eval 'screen -e | grep -q "\[32m.*traffic"'
	keys q
	wait_until eval '! tmux -L "nf-$ID" has-session 2>/dev/null'
	open_top 44 12 NO_COLOR=1 LC_ALL=C
	wait_until shows traffic
	assert_equal "colours" "$(screen -e | grep -c "$(printf '\033')\[3[0-7]m")" 0
	keys e
	wait_until shows '...'
	assert_equal "beyond ASCII" "$(screen | LC_ALL=C grep -c '[^ -~]')" 0
	keys q
}

# Bytes that come to the terminal in so many seconds.
written() { # SECONDS
	: >"$TMP/written"
	tmux -L "nf-$ID" pipe-pane -O "cat >>'$TMP/written'"
	read -r -t "$1" <> <(:) || true
	tmux -L "nf-$ID" pipe-pane
	stat -c %s "$TMP/written"
}

@test "a slow line: what stands still is not written again" {
	open_top 100 24 -- --interval 0.1
	assert_equal "bytes while nothing moves" "$(written 2)" 0
	start_long_sender
	wait_until shows traffic
	bytes=$(written 2)
	assert_between "bytes of twenty looks at one line that moves" "$bytes" 20 4000
	keys q
}

@test "a line of 240 bytes a second: keys, a cap, the end" {
	start_long_sender
	wait_until eval '[[ $(top process ".[0].value") == "${PIDS[sender]}" ]]'
	in_ns a env TERM=vt100 LC_ALL=C /usr/bin/python3 "$REPOSITORY/tests/system/slow-line.py" 240 "traffic=?" \
		"this help, or back=?c" "cap for traffic=out 100M$(printf '\r')" "cap out 100M=q" -- \
		netfil top --interval 0.5
	assert_equal cap "$(netfil list --json | jq '.[0].cap.out')" 100000000
}

@test "a filter of members: how many, and its cap is each one's" {
	for i in 1 2; do
		ip -n "nf-$ID-a" route add "198.18.0.$i/32" via "$B4"
		ip -n "nf-$ID-b" address add "198.18.0.$i/32" dev lo
	done
	netfil add customers --ip 198.18.0.0/24 --each --out 100k --on-limit drop
	start there peer udp-receive 0.0.0.0 "$PORT" 1000000
	ready there
	capped udp-send 198.18.0.1 "$PORT" 10 1000
	open_top 100 24
	keys f
	wait_until shows '1 member '
	capped udp-send 198.18.0.2 "$PORT" 200 1000 || true
	wait_until shows '1 of 2 at cap'
	keys c
	wait_until shows 'cap for each member of customers'
	keys 'out 1M' Enter
	wait_until shows 'filter customers: cap out 1M for each member'
	wait_until shows '2 members'
	keys q
	wait_until eval '! tmux -L "nf-$ID" has-session 2>/dev/null'
	open_watch 130 10
	wait_until eval 'screen | grep -qE "^customers +on .* in 0 B/s, out 0 B/s, 2 members$"'
	keys C-c
}

# A process that sends as many bytes as are written to its gate.
start_talker() { # NAME
	start "$1" in_cgroup bash -c 'exec 3<>"/dev/udp/$1/$2" 4<>"$3"
		while read -r -u 4 bytes; do printf "%${bytes}s" >&3; done' "$1" "$B4" "$PORT" "$(make_gate "$1")"
}

total_of() { # NAME
	top process ".[] | select(.value == \"${PIDS[$1]}\") | .out"
}

@test "a cap is for the line that was chosen, whatever passes it meanwhile" {
	start there peer udp-receive 0.0.0.0 "$PORT" 1000000
	ready there
	open_top 100 24 -- --interval 0.2 --sort total
	start_talker first
	start_talker second
	echo 2000 >"$TMP/first.gate"
	echo 1000 >"$TMP/second.gate"
	wait_until eval '(($(total_of first) >= 2000 && $(total_of second) >= 1000))'
	wait_until shows "${PIDS[second]} root"
	keys c
	wait_until shows 'cap for bash'
	echo 9000 >"$TMP/second.gate"
	wait_until eval '[[ $(screen | sed -n 3p) == *" ${PIDS[second]} root"* ]]'
	keys 7M Enter
	wait_until shows "filter pid-${PIDS[first]}: cap total 7M"
	keys q
}

@test "netfild goes away and comes back" {
	open_top 100 24
	kill_daemon
	wait_until shows 'netfild is away'
	start_daemon
	wait_until shows 'netfild is back'
	start_long_sender
	wait_until shows traffic
	keys q
}

@test "what is wrong with its words" {
	for words in "--by colour" "--sort size" "--interval 0" "--interval 1e9" nonsense "" ; do
		status=0
		# shellcheck disable=SC2086 # words
		netfil top $words >"$TMP/out" 2>"$TMP/err" || status=$?
		assert_equal "status of $words" $status 2
		assert_equal "lines of $words" "$(wc -l <"$TMP/err")" 1
	done
}

# Ticks of 10 ms that a process has computed.
ticks() { # PID
	awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"
}

@test "a thousand sockets cost two per cent of a processor, at most" {
	open_top 100 24 -- --interval 1
	start sender in_cgroup bash -c '
		ulimit -n 2048
		for i in {1..1000}; do
			exec {fd}<>"/dev/udp/$1/$2"
			printf x >&"$fd"
			fds+=("$fd")
		done
		for i in {1..60}; do
			read -r -t 0.5 <> <(:)
			for fd in "${fds[@]}"; do printf x >&"$fd"; done 2>"$3"
		done' sender "$B4" "$PORT" "$TMP/refused"
	wait_until eval '(($(top process ".[0].sockets // 0") == 1000))'
	pid=$(tmux -L "nf-$ID" list-panes -F '#{pane_pid}')
	before=$(ticks "$pid") daemon_before=$(ticks "$(daemon_pid)")
	end=$((SECONDS + 6)) # a rate of a second's work, over some
	while ((SECONDS < end)); do
		read -r -t 0.5 <> <(:) || true
	done
	used=$(($(ticks "$pid") - before))
	echo "ticks of 10 ms in 6 s: top $used, netfild $(($(ticks "$(daemon_pid)") - daemon_before))"
	((used <= 12))
	kill "${PIDS[sender]}"
	keys q
}

daemon_pid() {
	cat "$NETFIL_RUNTIME_DIR/netfild.pid"
}

open_watch() { # COLUMNS LINES
	in_ns a env TERM=screen-256color LC_ALL=C.UTF-8 tmux -L "nf-$ID" -f /dev/null new-session -d \
		-x "$1" -y "$2" "exec netfil watch --interval 0.3"
}

# Without the terminal's empty lines.
lines() {
	screen | grep -c .
}

@test "watch: rates, and the time that is left at this rate" {
	netfil add plan --ip "$B4" --out 10M
	open_watch 130 10
	wait_until shows plan
	fails shows ' left'
	serve
	start sender capped --rate 50000 tcp-send "$B4" "$PORT" 2000000
	wait_until eval 'screen | grep -qE "plan .* out [0-9.]+ kB/s, ([1-9] |under a )minutes? left"'
	tmux -L "nf-$ID" resize-window -x 60 -y 10
	wait_until eval '[[ $(screen | grep -c left) == 0 ]]'
	wait_until shows plan
	keys C-c
	wait_until eval '! tmux -L "nf-$ID" has-session 2>/dev/null'
}

@test "watch: a new size of the terminal leaves nothing of the old one" {
	for i in {1..5}; do
		netfil add "filter-with-a-name-$i" --ip "192.0.2.$i" --ip "198.51.100.$i" --total 10M
	done
	open_watch 130 12
	wait_until eval '(($(lines) == 5))'
	wait_until eval 'screen | grep -q "^filter-with-a-name-5 .*out 0 B/s$"'
	tmux -L "nf-$ID" resize-window -x 50 -y 12
	wait_until eval '! screen | grep -q "out 0"'
	wait_until eval '(($(lines) == 5))'
	tmux -L "nf-$ID" resize-window -x 130 -y 4
	wait_until shows '... and 3 more: name those to watch'
	wait_until eval '(($(lines) == 3))'
	netfil off filter-with-a-name-1
	netfil rm filter-with-a-name-5
	wait_until shows 'filter-with-a-name-5: removed'
	wait_until shows '... and 3 more'
	tmux -L "nf-$ID" resize-window -x 130 -y 12
	wait_until eval '(($(lines) == 5))' # four, and the news
	keys C-c
	wait_until eval '! tmux -L "nf-$ID" has-session 2>/dev/null'
}
