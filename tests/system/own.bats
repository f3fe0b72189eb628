# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Ordinary users cap what is theirs, and nothing else; what is capped does not lift its cap.

load lib

USER_ID=64100  # nobody's of this machine
OTHER_ID=64101

setup() {
	make_world
	chmod 755 "$TMP" "${TMP%/*}" "${TMP%/*/*}"
	offload software
	start_daemon
}

as() { # UID COMMAND...: in the capped namespace
	in_cgroup setpriv --reuid="$1" --regid="$1" --clear-groups "${@:2}"
}

# A traffic tool of the user's that waits at its gate, as NAME.
start_as() { # UID NAME ARGUMENTS...
	start "$2" in_cgroup setpriv --reuid="$1" --regid="$1" --clear-groups \
		"$TRAFFIC" --gate "$(make_gate "$2")" "${@:3}"
	wait_until is_of "$1" "${PIDS[$2]}"
}

is_of() { # UID PID
	[[ $(awk '$1 == "Uid:" { print $2 }' "/proc/$2/status" 2>/dev/null) == "$1" ]]
}

# It fails with one line that names the action.
denied() { # COMMAND...
	local status=0
	"$@" >"$TMP/denied.out" 2>"$TMP/denied.err" || status=$?
	assert_equal "status of $*" "$status" 1
	assert_equal "lines of $*" "$(wc -l <"$TMP/denied.err")" 1
	grep -q 'org\.netfil\.manage' "$TMP/denied.err" || fail "$*: $(cat "$TMP/denied.err")"
}

# It fails, and says that the caller is capped itself.
held() { # COMMAND...
	local status=0
	"$@" >"$TMP/held.out" 2>"$TMP/held.err" || status=$?
	assert_equal "status of $*" "$status" 1
	grep -q 'itself under filter' "$TMP/held.err" || fail "$*: $(cat "$TMP/held.err")"
}

everything() {
	netfil list --json | jq -cS 'map({name, state, owner, selector, cap, on_limit})'
}

@test "a process of their own: counted to the byte, and capped" {
	start_as $USER_ID small tcp-send "$B4" "$PORT" 30000
	as $USER_ID netfil add small --pid "${PIDS[small]}" --total 25M
	serve
	open_gate small
	finish small
	assert_exact small out in
	start_as $USER_ID large tcp-send "$B4" "$PORT" 3000000
	as $USER_ID netfil add large --pid "${PIDS[large]}" --out 100000
	make_witness
	serve
	open_gate large
	fails finish large
	wait_closed
	wait_until_equal large out
	assert_between used "$(used large out)" 98501 100000
	assert_equal owner "$(show large .owner)" $USER_ID
	netfil show large | grep -qx "Owner      $USER_ID"
}

@test "whatever is not a process of theirs takes org.netfil.manage" {
	netfil add admins --ip 192.0.2.1 --total 1M
	start_as $USER_ID mine tcp-send "$B4" "$PORT" 10
	start_as $OTHER_ID other tcp-send "$B4" "$PORT" 10
	start roots capped --gate "$(make_gate roots)" tcp-send "$B4" "$PORT" 10
	as $OTHER_ID netfil add others --pid "${PIDS[other]}" --total 1M
	before=$(everything)
	echo 192.0.2.1 >"$TMP/list"
	printf '[x]\nip = 192.0.2.1\n' >"$TMP/filters"
	mine="--pid ${PIDS[mine]}"
	for words in "add x --pid ${PIDS[roots]}" "add x --pid ${PIDS[other]}" "add x --pid 1" \
		"add x $mine --pid ${PIDS[other]}" "add x --user $USER_ID" "add x --exe /bin/true" \
		"add x --cgroup $INSIDE" "add x --unit x.service" "add x --ip 192.0.2.1" \
		"add x --interface lo" "add x --port 80" "add x --proto tcp" \
		"add x $mine --user root" "add x $mine --exe $TRAFFIC" "add x $mine --cgroup $INSIDE" \
		"add x $mine --ip-file $TMP/list" "add x $mine --total 1M --durability strict" \
		"set admins --total 2M" "off admins" "on admins" "reset admins" "rm admins" \
		"set others --total 2M" "off others" "reset others" "rm others" "rm others admins" \
		"apply $TMP/filters" "apply --dry-run $TMP/filters" "reload" \
		"sysctl net.netfil.ip.addr=192.0.2.1"; do
		# shellcheck disable=SC2086 # words
		denied as $USER_ID netfil $words
	done
	as $USER_ID netfil add mine $mine --total 1M
	netfil rm mine
	assert_equal filters "$(everything)" "$before"
}

@test "what they made they change, switch, reset and remove; others do not" {
	start_as $USER_ID mine tcp-send "$B4" "$PORT" 10
	start_as $OTHER_ID other tcp-send "$B4" "$PORT" 10
	as $USER_ID netfil add mine --pid "${PIDS[mine]}" --total 1M --warn 50 --every day
	for words in "set mine --total 2M" "off mine" "reset mine" "rm mine"; do
		# shellcheck disable=SC2086 # words
		denied as $OTHER_ID netfil $words
	done
	as $USER_ID netfil set mine --total 2M --ip "$B4"
	assert_equal cap "$(show mine .cap.total)" 2000000
	as $USER_ID netfil set mine --total +1M
	assert_equal limit "$(show mine .limit.total)" 3000000
	for words in "set mine --pid ${PIDS[other]}" "set mine --user root" "set mine --pid=" \
		"set mine --exe $TRAFFIC"; do
		# shellcheck disable=SC2086 # words
		denied as $USER_ID netfil $words
	done
	as $USER_ID netfil off mine
	assert_equal state "$(state mine)" off
	as $USER_ID netfil on mine
	as $USER_ID netfil reset mine
	assert_equal user "$(show mine '.selector.user[0]')" $USER_ID
	as $USER_ID netfil rm mine
	assert_equal filters "$(netfil list --json | jq length)" 0
}

@test "a set-user-ID program of another's is not theirs" {
	install -o $OTHER_ID -m 4755 "$TRAFFIC" "$TMP/set-user-id"
	start program in_cgroup setpriv --reuid=$USER_ID --regid=$USER_ID --clear-groups \
		"$TMP/set-user-id" --gate "$(make_gate program)" tcp-send "$B4" "$PORT" 10
	wait_until eval "awk '\$1 == \"Uid:\" { print \$3 }' /proc/${PIDS[program]}/status | grep -qx $OTHER_ID"
	denied as $USER_ID netfil add x --pid "${PIDS[program]}" --total 1M
	kill "${PIDS[program]}"
}

# Below a process of the user's one that becomes another's and goes on, and then a last one that
# takes no SIGTERM.
make_tree() {
	install -o 0 -m 4755 "$(type -P setpriv)" "$TMP/become"
	mkfifo "$TMP/survivor" "$TMP/last"
	cat >"$TMP/tree" <<-END
		trap '' TERM
		read -r <'$(make_gate tree)'
		become=('$TMP/become' --reuid=$OTHER_ID --clear-groups)
		"\${become[@]}" '$TRAFFIC' tcp-send '$B4' '$PORT' 5000
		"\${become[@]}" bash -c 'echo \$\$ >"$TMP/survivor"; exec sleep 1000' &
		read -r <'$TMP/last'
		sleep 1000 &
		echo \$! >'$TMP/last'
		exec '$TRAFFIC' tcp-send '$B4' '$PORT' 3000000
	END
	chmod 666 "$TMP/survivor" "$TMP/last"
}

@test "what becomes another's below their process is not counted, nor killed" {
	serve 0 2
	make_tree
	start tree in_cgroup setpriv --reuid=$USER_ID --regid=$USER_ID --clear-groups bash "$TMP/tree"
	wait_until is_of $USER_ID "${PIDS[tree]}"
	as $USER_ID netfil add tree --pid "${PIDS[tree]}" --out 100000 --on-limit kill
	echo >"$TMP/tree.gate"
	read -r -t "$PATIENCE" survivor <"$TMP/survivor"
	wait_until is_of $OTHER_ID "$survivor"
	echo >"$TMP/last"
	read -r -t "$PATIENCE" last <"$TMP/last"
	fails finish tree
	wait_until eval '! kill -0 "$last" 2>/dev/null' # by SIGKILL, after all those before it
	kill -0 "$survivor"
	assert_between "what the user sent" "$(used tree out)" 1 100000
	# The other's bytes passed beside the cap. (What is left in buffers goes nowhere any more.)
	assert_between "what the other sent" $(($(witness out) - $(used tree out))) 5000 6000
	kill "$survivor"
}

@test "so many filters a user, and no more" {
	start_as $USER_ID mine tcp-send "$B4" "$PORT" 10
	start_as $OTHER_ID other tcp-send "$B4" "$PORT" 10
	for i in {1..16}; do
		as $USER_ID netfil add "mine-$i" --pid "${PIDS[mine]}" --total 1M
	done
	denied as $USER_ID netfil add mine-17 --pid "${PIDS[mine]}" --total 1M
	as $OTHER_ID netfil add other --pid "${PIDS[other]}" --total 1M
	as $USER_ID netfil rm mine-3
	as $USER_ID netfil add mine-17 --pid "${PIDS[mine]}" --total 1M
}

@test "a filter that an administrator changes is the administrators'" {
	start_as $USER_ID mine tcp-send "$B4" "$PORT" 10
	as $USER_ID netfil add set --pid "${PIDS[mine]}" --total 1M
	as $USER_ID netfil add applied --pid "${PIDS[mine]}" --total 1M
	as $USER_ID netfil add same --pid "${PIDS[mine]}" --total 1M
	netfil set set --total 2M
	assert_equal "exported" "$(netfil export | grep '^\[')" "[set]"
	printf '[%s]\npid = '"${PIDS[mine]}"'\nuser = '"$USER_ID"'\ntotal = %s\n' applied 3M same 1M \
		>"$TMP/filters"
	netfil apply "$TMP/filters"
	assert_equal cap "$(show applied .cap.total)" 3000000
	for name in set applied same; do
		assert_equal "owner of $name" "$(show $name .owner)" root
		denied as $USER_ID netfil rm $name
	done
	assert_equal "applied again" "$(netfil apply --dry-run "$TMP/filters")" ""
}

@test "apply --prune leaves what users made" {
	start_as $USER_ID mine tcp-send "$B4" "$PORT" 10
	as $USER_ID netfil add mine --pid "${PIDS[mine]}" --total 1M
	netfil add admins --ip 192.0.2.1 --total 1M
	netfil apply --prune /dev/null
	assert_equal "left" "$(netfil list --json | jq -r 'map(.name) | join(" ")')" mine
}

@test "owners survive a restart, a crash and a reboot" {
	start_as $USER_ID mine tcp-send "$B4" "$PORT" 10
	as $USER_ID netfil add mine --pid "${PIDS[mine]}" --total 1M
	stop_daemon
	start_daemon
	kill_daemon
	start_daemon
	assert_equal owner "$(show mine .owner)" $USER_ID
	denied as $OTHER_ID netfil rm mine
	as $USER_ID netfil rm mine
}

@test "a capped process in a namespace of its own does not lift its cap, though it is root" {
	mkfifo "$TMP/go" "$TMP/done"
	start capped in_cgroup unshare --net bash -c "while read -r line <'$TMP/go'; do
		bash -c \"\$line\" >'$TMP/said' 2>&1; echo \$? >'$TMP/done'; done"
	ask() { # COMMAND: by the capped process
		timeout "$PATIENCE" bash -c 'echo "$1" >"$2"' ask "$1" "$TMP/go"
		read -r -t "$PATIENCE" status <"$TMP/done"
		assert_equal "status of $1" "$status" 1
		grep -q 'itself under filter held' "$TMP/said" || fail "$1: $(cat "$TMP/said")"
	}
	netfil add held --pid "${PIDS[capped]}" --total 1M
	netfil add other --ip 192.0.2.1 --total 1M
	before=$(everything)
	printf '[held]\nip = 192.0.2.1\n' >"$TMP/filters"
	: >"$TMP/none"
	for words in "set held --total 2M" "set held --total +1M" "set held --used 0" \
		"set held --pid 1" "set held --unlimited-until +1h" "set held --except 0.0.0.0/0" \
		"off held" "reset held" "rm held" "rm other held" "apply $TMP/filters" \
		"apply --prune $TMP/none"; do
		ask "netfil $words"
		ask "(setsid netfil $words)"
	done
	assert_equal filters "$(everything)" "$before"
	netfil rm held
}

@test "a capped process does not lift its user's cap" {
	start tree in_cgroup setpriv --reuid=$USER_ID --regid=$USER_ID --clear-groups bash -c "
		netfil add mine --pid \$\$ --total 1M
		netfil rm mine; (setsid netfil off mine); netfil set mine --total 2M
		bash -c 'netfil reset mine'"
	fails finish tree
	assert_equal "refused" "$(grep -c 'itself under filter mine' "$TMP/tree.err")" 4
	assert_equal cap "$(show mine .cap.total)" 1000000
	as $USER_ID netfil rm mine
}

@test "a capped process does not lift its cap over a child's connection, when the child is gone" {
	by_child() { # COMMAND...: what turns into the capped one
		start tree in_cgroup "$@" bash -c "read -r <'$(make_gate tree)'
			exec /usr/bin/python3 '$REPOSITORY/tests/system/by-child.py' held"
		netfil add held --pid "${PIDS[tree]}" --total 1M
		echo >"$TMP/tree.gate"
		finish tree || fail "$(cat "$TMP/tree.err")"
		[[ $(cat "$TMP/tree.out") == org.netfil.Error.Denied*'has ended'* ]] || fail "$(cat "$TMP/tree.out" "$TMP/tree.err")"
		netfil rm held
		rm "$TMP/tree.gate"
	}
	by_child unshare --net
	by_child setpriv --reuid=$USER_ID --regid=$USER_ID --clear-groups
}

@test "root of a user namespace, or without capabilities, is nobody special" {
	netfil add admins --ip 192.0.2.1 --total 1M
	before=$(everything)
	for how in "unshare --user --map-root-user" "$NEW_PIDS --user --map-root-user" \
		"$NEW_PIDS" "setpriv --bounding-set=-all --inh-caps=-all"; do
		for words in "rm admins" "off admins" "set admins --total 2M" "reload" \
			"add x --pid $$ --total 1M"; do
			# shellcheck disable=SC2086 # words
			denied in_ns a $how netfil $words
		done
	done
	# There, netfil says that it is root, and the kernel tells netfild that it is not.
	for words in "rm admins" "off admins"; do
		# shellcheck disable=SC2086 # words
		denied as $USER_ID unshare --user --map-root-user netfil $words
	done
	as $USER_ID unshare --user --map-root-user netfil list | grep -q admins
	assert_equal filters "$(everything)" "$before"
}

@test "until-exit: removed when the last process has ended and what it left is sent" {
	start_as $USER_ID tree --abandon --rate 500000 tcp-send "$B4" "$PORT" 300000
	as $USER_ID netfil add tree --pid "${PIDS[tree]}" --total 1M --until-exit
	start watch in_ns a netfil watch --json
	wait_until grep -q '"name"' "$TMP/watch.out"
	serve
	open_gate tree
	finish tree
	finish server
	wait_until eval '[[ $(netfil list --json) == "[ ]" || $(netfil list --json | jq length) == 0 ]]'
	kill "${PIDS[watch]}"
	# Its last numbers were told; the last acknowledgement may have no socket any more.
	last=$(jq -s 'map(select(.event == "changed")) | last | .filter.used.out' "$TMP/watch.out")
	((last == $(witness out) - 52)) || assert_equal last "$last" "$(witness out)"
	as $USER_ID netfil list
}

@test "until-exit asks for a process" {
	fails netfil add x --ip 192.0.2.1 --until-exit 2>"$TMP/err"
	assert_equal lines "$(wc -l <"$TMP/err")" 1
	grep -q 'until-exit' "$TMP/err"
}

run_as_user() { # ARGUMENTS...
	as $USER_ID netfil run "$@"
}

status_of() { # COMMAND...
	local status=0
	"$@" >"$TMP/status.out" 2>"$TMP/status.err" || status=$?
	echo $status
}

report() { # a file that the user may write
	: >"$TMP/$1"
	chmod 666 "$TMP/$1"
	echo "$TMP/$1"
}

nothing_remains() {
	wait_until eval '[[ $(netfil list --json | jq length) == 0 ]]'
}

@test "run: counts to the byte, and ends with the command's status" {
	serve
	run_as_user --total 25M --report "$(report report)" -- "$TRAFFIC" tcp-send "$B4" "$PORT" 300000
	finish server
	wait_closed
	assert_equal out "$(jq .used.out "$TMP/report")" "$(witness out)"
	assert_equal in "$(jq .used.in "$TMP/report")" "$(witness in)"
	for status in 0 1 42; do
		assert_equal status "$(status_of run_as_user --total 1M -- bash -c "exit $status")" $status
	done
	assert_equal 127 "$(PATH=$BUILD/src/cli:/usr/bin:/bin status_of \
		as $USER_ID netfil run --total 1M -- no-such-command)" 127
	nothing_remains
}

@test "run: the cap holds for all that the command starts" {
	serve
	assert_equal status "$(status_of run_as_user --out 100000 --on-limit kill \
		--report "$(report report)" -- bash -c '
		trap "" TERM
		setsid sleep 1000 &
		"$@"
		sleep 1000' tree "$TRAFFIC" tcp-send "$B4" "$PORT" 3000000)" 124
	assert_between seen "$(witness out)" 1 100000
	assert_equal used "$(jq .used.out "$TMP/report")" "$(witness out)"
	assert_equal state "$(jq -r .state "$TMP/report")" exhausted
	nothing_remains
	assert_equal "processes left" "$(pgrep -u $USER_ID | wc -l)" 0
}

@test "run: what the command leaves running is killed, or waited for" {
	run_as_user --total 1M -- bash -c 'setsid sleep 1000 & (setsid sleep 1000 &)'
	assert_equal "processes left" "$(pgrep -u $USER_ID | wc -l)" 0
	serve
	run_as_user --wait --total 25M --report "$(report report)" -- bash -c \
		'(setsid "$@" >/dev/null 2>&1 &)' left "$TRAFFIC" tcp-send "$B4" "$PORT" 30000
	wait_closed
	assert_equal used "$(jq .used.out "$TMP/report")" "$(witness out)"
	nothing_remains
}

@test "run: killed by SIGKILL, what goes on stays under its cap" {
	start run in_cgroup setpriv --reuid=$USER_ID --regid=$USER_ID --clear-groups \
		netfil run --out 100000 -- bash -c '"$@" & wait' left \
		"$TRAFFIC" --gate "$(make_gate left)" tcp-send "$B4" "$PORT" 3000000
	wait_until eval '[[ $(netfil list --json | jq length) == 1 ]]'
	wait_until pgrep -u $USER_ID -x traffic
	kill -KILL "${PIDS[run]}"
	finish run || true
	serve
	open_gate left
	wait_closed
	nothing_remains
	assert_between seen "$(witness out)" 98501 100000
}

@test "run: netfild comes and goes" {
	offload software
	start run in_cgroup setpriv --reuid=$USER_ID --regid=$USER_ID --clear-groups \
		netfil run --out 25M --report "$(report report)" -- \
		"$TRAFFIC" --gate "$(make_gate left)" tcp-send "$B4" "$PORT" 300000
	wait_until eval '[[ $(netfil list --json | jq length) == 1 ]]'
	kill_daemon
	serve
	open_gate left
	finish server
	start_daemon
	finish run
	wait_closed
	assert_between "what was told" "$(jq .used.out "$TMP/report")" 0 "$(witness out)"
	nothing_remains
}

@test "run: no netfild, and what it is not let" {
	assert_equal "ip-file" "$(status_of run_as_user --total 1M --ip-file /etc/passwd -- true)" 125
	grep -q org.netfil.manage "$TMP/status.err"
	stop_daemon
	assert_equal "no netfild" "$(status_of run_as_user --total 1M -- true)" 125
	assert_equal lines "$(wc -l <"$TMP/status.err")" 1
	grep -q 'netfild is not running' "$TMP/status.err"
}
