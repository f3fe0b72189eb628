# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Bad input: one line that says what to do, exit status 1 or 2, nothing changed.

load lib

setup() {
	make_world
	start_daemon
	netfil add good --ip 192.0.2.1 --total 1M
	netfil list --json >"$TMP/before"
}

# STATUS COMMAND...: fails so, and leaves everything as it was.
refused() {
	local expected=$1 status=0
	shift
	"$@" >"$TMP/refused.out" 2>"$TMP/refused.err" || status=$?
	assert_equal "status of $*" "$status" "$expected"
	assert_one_line "$*"
	netfil list --json >"$TMP/after"
	diff "$TMP/before" "$TMP/after"
}

# "netfil: what went wrong: what to do", and nothing else.
assert_one_line() { # WHAT
	local text
	text=$(cat "$TMP/refused.err")
	assert_equal "lines of: $text" "$(wc -l <"$TMP/refused.err")" 1
	[[ $text =~ ^netfild?:\ [^:].*:\ .+ ]] || fail "$1 does not say what to do: $text"
	((${#text} < 400)) || fail "$1 says too much: $text"
	[[ ! $text =~ [[:cntrl:]] ]] || fail "$1 passes control characters on"
	assert_equal "words of $1" "$(cat "$TMP/refused.out")" ""
}

@test "sizes" {
	for size in -1 1e99 12XB '' ' ' 18446744073709551616 99999999999G 0.5 1.0000001k + 0x10 \
		1,000 '1 M' NaN inf M .5M 5.M ١٢ "$(printf '9%.0s' {1..10000})"; do
		for option in in out total; do
			refused 2 netfil add bad --ip 192.0.2.2 "--$option=$size"
		done
		refused 125 netfil run "--total=$size" -- true
	done
}

@test "sizes that change a filter" {
	for size in 1e99 12XB 18446744073709551616 + - ++1 +-1 -1e99 +12XB '+ 1' -1.5 \
		+9223372036854775808 -18446744073709551616; do
		refused 2 netfil set good "--total=$size"
	done
	for size in '' +1 -1 12XB 18446744073709551616; do
		refused 2 netfil set good "--used=$size"
	done
	refused 2 netfil set good --in +1M # has no such cap
}

@test "the largest size there is" {
	netfil add large --ip 192.0.2.2 --total 18446744073709551615
	[[ $(netfil show large --json) == *'"total"'* ]]
	netfil rm large
}

@test "processes" {
	for pid in 0 -1 4194305 99999999999999999999 1x '' self ' 1' 01; do
		refused 2 netfil add bad "--pid=$pid"
	done
	refused 1 netfil add bad --pid "$(unused_pid)"
}

unused_pid() {
	local pid=4194303
	while [[ -e /proc/$pid ]]; do
		((pid--))
	done
	echo $pid
}

@test "executables, users, cgroups and units" {
	refused 1 netfil add bad --exe /nonexistent/program
	refused 1 netfil add bad --exe no-such-command-anywhere
	refused 1 netfil add bad --user no-such-user
	refused 2 netfil add bad --user 4294967295
	refused 2 netfil add bad --user 'a:b'
	refused 2 netfil add bad --unit 'a/b'
	refused 2 netfil add bad --unit cron.timer
	refused 2 netfil add bad "--unit=$(printf 'u%.0s' {1..300})"
	refused 2 netfil add bad "--cgroup=/$(printf 'c%.0s' {1..300})"
}

@test "prefixes" {
	for prefix in 192.0.2.1/24 2001:db8::1/32 192.0.2.0/33 2001:db8::/129 192.0.2.0/-1 \
		192.0.2.256 192.0.2 1.2.3.4.5 2001:db8:::1 '' 'example.org' 192.0.2.0/ 192.0.2.0/24x \
		' 192.0.2.1' 0x7f.1 fe80::1%net0 /24; do
		refused 2 netfil add bad "--ip=$prefix"
	done
	refused 2 netfil add bad --ip 192.0.2.1/24
	[[ $(cat "$TMP/refused.err") == *192.0.2.0/24* ]] || fail "it does not say what was meant"
}

@test "prefixes that are left out" {
	for prefix in 192.0.2.1/24 192.0.2.256 '' example.org /24; do
		refused 2 netfil add bad --ip 192.0.2.0/24 "--except=$prefix"
	done
	refused 2 netfil add bad --except 192.0.2.0/24 --total 1M
}

@test "policies" {
	for policy in explode '' Reject throttle throttle= throttle=0 throttle=999 throttle=-1k \
		throttle=12XB throttle=unlimited throttle=1e6 reject=1k 'throttle 1k' pause=1; do
		refused 2 netfil add bad --ip 192.0.2.2 --total 1M "--on-limit=$policy"
		refused 2 netfil set good "--on-limit=${policy:-x}"
		refused 125 netfil run --total 1M "--on-limit=$policy" -- true
	done
	refused 2 netfil add bad --ip 192.0.2.2 --total 1M --on-limit pause
	refused 2 netfil add bad --ip 192.0.2.2 --total 1M --on-limit down
	refused 2 netfil add bad --interface net0 --ip 192.0.2.2 --total 1M --on-limit down
	refused 125 netfil run --interface net0 --total 1M --on-limit down -- true
}

@test "cycles" {
	for cycle in '' year month@0 month@32 month@ month@x week@8 week@foo day@3 0d -1d 3651d 30 d \
		never@1 ' day' 99999999999999999999d 1.5d; do
		refused 2 netfil add bad --ip 192.0.2.2 --total 1M "--every=$cycle"
		refused 2 netfil set good "--every=${cycle:-x}"
		refused 125 netfil run --total 1M "--every=$cycle" -- true
	done
	refused 2 netfil add bad --ip 192.0.2.2 --total 1M --rollover
	refused 2 netfil set good --rollover
}

@test "free hours" {
	for hours in '' 01:00 01:00- -07:00 1-7 25:00-03:00 01:60-02:00 24:00-01:00 00:00-24:00 \
		01:00-25:00 01:00-07:00-08:00 '01:00 - 07:00'; do
		refused 2 netfil add bad --ip 192.0.2.2 --total 1M "--free=$hours"
		refused 2 netfil set good "--free=${hours:-x}"
		refused 125 netfil run --total 1M "--free=$hours" -- true
	done
}

@test "warnings" {
	for percent in '' 0 101 -5 1.5 80% x '80 90' '80,' ',80' '80,,90' 256 4294967376; do
		refused 2 netfil add bad --ip 192.0.2.2 --total 1M "--warn=$percent"
		refused 2 netfil set good "--warn=${percent:-x}"
		refused 125 netfil run --total 1M "--warn=$percent" -- true
	done
}

@test "durability" {
	for mode in '' fast Strict; do
		refused 2 netfil add bad --ip 192.0.2.2 "--durability=$mode"
		refused 2 netfil set good "--durability=${mode:-x}"
		refused 2 netfild "--durability=$mode"
	done
	refused 125 netfil run --durability strict --total 1M -- true
}

@test "times" {
	for time in x ' ' 25:00 2026-02-30 2026-13-01 '2026-11-23 24:01' +1 +1y +-1h @ @x \
		99999999999999999999 "$(printf '9%.0s' {1..5000})"; do
		refused 2 netfil set good "--unlimited-until=$time"
		refused 2 netfil history good "--from=$time"
		refused 2 netfil history good "--to=$time"
	done
	for time in yesterday -1h 2001-01-01 @1; do
		refused 2 netfil set good "--unlimited-until=$time"
	done
}

@test "history" {
	for period in year '' hours days 1; do
		refused 2 netfil history "--by=$period"
		refused 2 netfil history --apps "--by=$period"
	done
	refused 2 netfil history --from 2026-02-01 --to 2026-01-01
	refused 2 netfil history --from +1h
	refused 2 netfil history --apps good
	refused 2 netfil history --apps --by cycle
	refused 2 netfil history --json --csv
	refused 2 netfil history good good
	refused 2 netfil history a/b
	refused 2 netfil history --nonsense
	refused 1 netfil history nobody
}

@test "ports and protocols" {
	for port in 0 65536 -1 80- -80 90-80 80-65536 http '' 080 8e1; do
		refused 2 netfil add bad "--port=$port"
	done
	for proto in 256 -1 nonsense '' 6x; do
		refused 2 netfil add bad "--proto=$proto"
	done
	refused 2 netfil add bad --port 80 --proto icmp
}

@test "interfaces" {
	for interface in '' a/b sixteen-letters-- . .. 'a b' "$(printf '*%.0s' {1..100})"; do
		refused 2 netfil add bad "--interface=$interface"
	done
}

@test "names" {
	for name in a/b ../etc '' ' ' -x '$(id)' 'a b' $'new\nline' $'\e[31mred' ünïcode .hidden \
		"$(printf 'n%.0s' {1..65})" "$(printf 'n%.0s' {1..10000})"; do
		refused 2 netfil add --ip 192.0.2.2 -- "$name"
	done
}

@test "a name that is taken" {
	refused 1 netfil add good --ip 192.0.2.2
}

@test "names that are not there: all or none" {
	for command in on off reset rm; do
		refused 1 netfil $command nobody
		refused 1 netfil $command good nobody
	done
	refused 1 netfil show nobody
	refused 1 netfil set nobody --total 1M
	refused 1 netfil watch nobody
}

@test "missing words and wrong ones" {
	refused 2 netfil add
	refused 2 netfil add bad
	refused 2 netfil add bad --total 1M
	refused 2 netfil add bad --ip
	refused 2 netfil add bad --ip 192.0.2.2 --nonsense
	refused 2 netfil add bad --ip 192.0.2.2 stray
	refused 2 netfil add bad --ip 192.0.2.2 --on-limit explode
	refused 2 netfil add bad --ip 192.0.2.2 --on-limit ''
	refused 2 netfil add bad --ip 192.0.2.2 --on-limit kill
	refused 2 netfil set good
	refused 2 netfil set good --ip=
	refused 2 netfil add bad --ip 192.0.2.2 --used 1M
	refused 2 netfil add bad --ip 192.0.2.2 --total +1M
	refused 2 netfil add bad --ip 192.0.2.2 --unlimited-until tomorrow
	refused 2 netfil show
	refused 2 netfil show good good
	refused 2 netfil list stray
	refused 2 netfil rm
	refused 2 netfil nonsense
	refused 2 netfil
	refused 2 netfil --nonsense
	refused 2 netfil watch --interval 0
}

# NAME LINE...: a list file.
list_file() {
	printf '%b\n' "${@:2}" >"$TMP/$1"
	printf '%s' "$TMP/$1"
}

@test "list files" {
	refused 1 netfil add bad --ip-file /nonexistent/list
	refused 1 netfil add bad --ip-file "$TMP"
	refused 2 netfil add bad --ip-file "$(list_file empty '# nothing')"
	for line in nonsense 192.0.2.1/24 'name:192.0.2.9-192.0.2.1' 'name:192.0.2.1-' '192.0.2.1-2001:db8::1' \
		'name:1.2.3.4-1.2.3.400' '192.0.2.1 192.0.2.2' 'a\0b' "$(printf '1%.0s' {1..5000})"; do
		refused 2 netfil add bad --ip-file "$(list_file list '192.0.2.1' '# comment' "$line")"
		[[ $(cat "$TMP/refused.err") == *list:3:* ]] ||
			fail "it does not name the line: $(cat "$TMP/refused.err")"
	done
}

# LINE...: a file of filters.
filter_file() {
	printf '%b\n' "$@" >"$TMP/filters.conf"
	printf '%s' "$TMP/filters.conf"
}

@test "files of filters" {
	refused 1 netfil apply /nonexistent/filters.conf
	refused 1 netfil apply "$TMP"
	refused 2 netfil apply
	refused 2 netfil apply a b
	refused 2 netfil apply --nonsense a
	refused 2 netfil export a b
	refused 2 netfil export --nonsense
	refused 1 netfil export "$TMP"
	refused 1 netfil export /dev/null
	refused 1 netfil export ''
	for line in nonsense '; comment' ip=192.0.2.1/24 ip= 'ip=;' 'ip=192.0.2.1;' 'port=80;;90' \
		total=12XB 'total=1;2' total=+1G used=1G pid=0 'colour=red' '=' 'exe=ls' 'ip-file=list' \
		'on=yes' on-limit=throttle on-limit=kill every=year rollover=true warn=101 'ip\\=1' \
		'exe=/a\\x' 'a\0b' 'user=\xff' "user=$(printf 'u%.0s' {1..5000})" '[bad]' '[a b]' '[' \
		"$(printf '\xff%.0s' {1..500})"; do
		refused 2 netfil apply "$(filter_file '[good]' 'ip=192.0.2.3' '[bad]' 'ip=192.0.2.2' "$line")"
		[[ $(cat "$TMP/refused.err") == *filters.conf:[35]:* ]] ||
			fail "it does not name the line: $(cat "$TMP/refused.err")"
	done
	refused 2 netfil apply "$(filter_file total=1 '[good]' ip=192.0.2.3)"
	refused 2 netfil apply "$(filter_file '[empty]')"
	refused 1 netfil apply "$(filter_file '[bad]' user=no-such-user)"
	refused 1 netfil apply "$(filter_file '[bad]' "pid=$(unused_pid)")"
	refused 1 netfil apply "$(filter_file '[bad]' "ip-file=/nonexistent/list")"
	refused 1 netfil apply "$(filter_file '[good]' interface=net0)"
}

@test "not root: reading is open, changing is not" {
	chmod 755 "$TMP" "${TMP%/*}" "${TMP%/*/*}"
	for command in 'add bad --ip 192.0.2.2' 'set good --total 1' 'set good --total +1' \
		'set good --used 1' 'set good --unlimited-until tomorrow' 'on good' 'off good' \
		'reset good' 'rm good' reload "apply $(filter_file '[bad]' ip=192.0.2.2)" \
		"apply --dry-run $TMP/filters.conf" "apply --prune $TMP/filters.conf"; do
		# shellcheck disable=SC2086 # words
		refused 1 unprivileged netfil $command
	done
	unprivileged netfil list | grep -q good
	unprivileged netfil export | grep -q '\[good\]'
	unprivileged netfil show good --json | jq -e '.limit.total == 1000000'
	unprivileged netfil history good --json | jq -e 'type == "array"'
	unprivileged netfil history --apps --json | jq -e 'type == "array"'
	refused 125 unprivileged netfil run --total 1M --ip-file /etc/hosts -- true
	refused 1 unprivileged netfild
}

unprivileged() {
	in_ns a setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

# No daemon, so that the command at hand looks for itself; nothing is left of it.
alone() {
	stop_daemon
	refused_alone "$@"
	[[ ! -e $NETFIL_RUNTIME_DIR/bus ]] || fail "a netfild was left behind"
	assert_equal "cgroups" "$(find "$CGROUP/inside" -mindepth 1 -type d)" ""
}

refused_alone() { # COMMAND...
	local status=0
	"$@" >"$TMP/refused.out" 2>"$TMP/refused.err" || status=$?
	((status == 1 || status == 2 || status == 125)) || fail "status of $*: $status"
	assert_one_line "$*"
}

@test "metrics" {
	for address in '' 0 65536 x -1 localhost:80 :80 ::1:80 '[::1]' '[::1:80' 192.0.2.256:80; do
		refused 2 netfil metrics "--listen=$address"
	done
	refused 1 netfil metrics --listen 192.0.2.77:80 # is not here
	start taken peer tcp-serve "$B4" 81
	ready taken
	refused 1 in_ns b netfil metrics --listen "$B4:81"
	refused 2 netfil metrics --listen 80 --user no-such-user
	refused 2 netfil metrics --listen 80 --user root
	refused 1 unprivileged netfil metrics --listen 8080 --user nobody
	refused 2 netfil metrics --listen 80 --textfile "$TMP/x"
	refused 2 netfil metrics --listen 80 --openmetrics
	refused 2 netfil metrics --textfile "$TMP/x" --openmetrics
	refused 2 netfil metrics --user nobody
	refused 2 netfil metrics good
	refused 1 netfil metrics --textfile "$TMP"
	refused 1 netfil metrics --textfile /dev/null
	refused 1 netfil metrics --textfile "$TMP/no/such/folder.prom"
	refused 1 netfil metrics --textfile ''
}

without_cgroup2() {
	in_ns a unshare --mount bash -c 'umount --lazy "$0"; exec "$@"' "$(cgroup2_mount)" "$@"
}

@test "no cgroup v2" {
	alone without_cgroup2 netfil run --total 1M -- true
	refused_alone without_cgroup2 netfil add bad --ip 192.0.2.2
	refused_alone without_cgroup2 netfild
}

@test "a cgroup that is none" {
	stop_daemon
	NETFIL_CGROUP=$TMP refused_alone netfil add bad --ip 192.0.2.2
	NETFIL_CGROUP=$CGROUP/nonexistent refused_alone netfil add bad --ip 192.0.2.2
}

@test "no BPF in the kernel" {
	alone in_ns a "$TRAFFIC" without-bpf netfil run --total 1M -- true
	refused_alone in_ns a "$TRAFFIC" without-bpf netfil add bad --ip 192.0.2.2
	refused_alone in_ns a "$TRAFFIC" without-bpf netfild
}

@test "root without the capabilities" {
	bounded=(in_ns a setpriv '--bounding-set=-sys_admin,-bpf,-net_admin,-perfmon')
	alone "${bounded[@]}" netfil run --total 1M -- true
	refused_alone "${bounded[@]}" netfil add bad --ip 192.0.2.2
}

@test "doctor says what is missing without BPF, and fails" {
	stop_daemon
	run in_ns a "$TRAFFIC" without-bpf netfil doctor
	assert_equal status "$status" 1
	[[ $output == *MISSING* ]] || fail "$output"
}

@test "doctor finds this machine well" {
	netfil doctor --json | jq -e '.healthy and .running and (.features | length > 5)'
	stop_daemon
	netfil doctor --json | jq -e '.healthy and (.running | not)'
}

@test "no daemon: reading says so and starts none" {
	stop_daemon
	for command in list 'show good' 'rm good' 'on good' reload watch history 'history --apps'; do
		# shellcheck disable=SC2086 # words
		refused_alone netfil $command
	done
	[[ ! -e $NETFIL_RUNTIME_DIR/bus ]] || fail "a netfild was started"
}

@test "state and runtime folders that cannot be" {
	stop_daemon
	touch "$TMP/file"
	NETFIL_STATE_DIR=$TMP/file/state refused_alone netfild_here
	NETFIL_RUNTIME_DIR=$TMP/file/run refused_alone netfild_here
	NETFIL_BPFFS_DIR=$TMP/file/bpf refused_alone netfild_here
	NETFIL_RUNTIME_DIR=/tmp/$(printf 'r%.0s' {1..120}) refused_alone netfild_here
	[[ ! -e /tmp/$(printf 'r%.0s' {1..120}) ]] || fail "it made a folder"
}

netfild_here() {
	in_ns a timeout 10 netfild
}

@test "a ledger that is none" {
	stop_daemon
	echo nonsense | tee "$TMP"/state/* >/dev/null
	refused_alone netfild_here
}
