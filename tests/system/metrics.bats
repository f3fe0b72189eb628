# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# netfil metrics: what Prometheus, a real one, sees of a real netfild.

load lib

SITE=http://127.0.0.1:10477
MONITORING=$REPOSITORY/data/monitoring

setup() {
	make_world
	chmod 755 "$TMP" "${TMP%/*}" "${TMP%/*/*}" # others reach netfild, too
	offload off
	start_daemon
	netfil add web --ip "$B4" --total 1M --every month --warn 50
}

get() { # [CURL-OPTION...] URL
	in_ns a curl --silent --show-error --max-time 15 "$@"
}

listen() { # [OPTION...]
	start http in_ns a netfil metrics --listen 10477 "$@"
	wait_until serves
}

serves() {
	get --output /dev/null $SITE/ 2>"$TMP/curl.err"
}

# The one value of a sample, as it stands in the exposition.
sample() { # NAME-AND-LABELS
	get $SITE/metrics | awk -v name="$1" '$1 == name { print $2 }'
}

is_sample() { # NAME-AND-LABELS VALUE
	[[ $(sample "$1") == "$2" ]]
}

ORDINARY=(setpriv --reuid=65534 --regid=65534 --clear-groups)

# Prometheus, in the same namespace, with its own storage; ready when this returns.
start_prometheus() {
	cat >"$TMP/prometheus.yml" <<-END
		global: {scrape_interval: 250ms, evaluation_interval: 250ms}
		rule_files: ["$MONITORING/netfil-alerts.yml"]
		scrape_configs:
		  - job_name: netfil
		    static_configs: [{targets: ["127.0.0.1:10477"]}]
	END
	promtool check config "$TMP/prometheus.yml"
	start prometheus in_ns a prometheus --config.file="$TMP/prometheus.yml" \
		--storage.tsdb.path="$TMP/prometheus" --web.listen-address=127.0.0.1:9090 --log.level=warn
	wait_until prometheus_is_ready
}

prometheus_is_ready() {
	get --fail --output /dev/null http://127.0.0.1:9090/-/ready 2>"$TMP/curl.err"
}

api() { # PATH [QUERY]
	get --get ${2+--data-urlencode "$2"} "http://127.0.0.1:9090/api/v1/$1"
}

# The one value of this expression now.
value() { # EXPRESSION
	api query "query=$1" | jq -r '.data.result | if length == 1 then .[0].value[1] else "\(length) of them" end'
}

is_value() { # EXPRESSION VALUE
	[[ $(value "$1") == "$2" ]]
}

alerts() {
	api alerts | jq -r '.data.alerts[] | select(.state == "firing") | .labels | "\(.alertname) \(.filter)"'
}

is_alerted() { # "NAME FILTER"
	alerts | grep -qxF "$1"
}

@test "the text is as the formats want it, and the same while nothing changes" {
	move 600000
	wait_until eval '[[ $(show web ".warn.given[]") == 50 ]]'
	netfil metrics >"$TMP/text"
	promtool check metrics <"$TMP/text"
	netfil metrics | diff "$TMP/text" -
	grep -qxF 'netfil_filter_used_bytes{filter="web",direction="out"} 600000' "$TMP/text"
	grep -qxF 'netfil_filter_warning_given{filter="web",percent="50"} 1' "$TMP/text"
	netfil metrics --openmetrics >"$TMP/openmetrics"
	assert_equal "last line" "$(tail -n 1 "$TMP/openmetrics")" "# EOF"
	diff <(grep -v '^#' "$TMP/text") <(grep -v '^#' "$TMP/openmetrics")
	in_ns a "${ORDINARY[@]}" netfil metrics | diff "$TMP/text" -
}

@test "the alerts are as promtool wants them, and each does what it says" {
	promtool check rules --lint-fatal "$MONITORING/netfil-alerts.yml"
	promtool test rules "$MONITORING/netfil-alerts.test.yml"
}

@test "Prometheus has netfil's numbers and the witness's, to the byte, and alerts" {
	listen
	start_prometheus
	serve
	capped tcp-send "$B4" "$PORT" 300000
	finish server
	assert_exact web out in
	wait_until is_value 'netfil_filter_used_bytes{direction="out"}' "$(witness out)"
	wait_until is_value 'netfil_filter_used_bytes{direction="in"}' "$(witness in)"
	assert_equal total "$(value 'netfil_filter_used_bytes{direction="total"}')" "$(used web total)"
	assert_equal cap "$(value netfil_filter_cap_bytes)" 1000000
	assert_equal alerts "$(alerts)" ""
	datagrams 500 1428 || true # some of them do not fit
	wait_until is_alerted 'NetfilCapReached web'
	wait_until is_value 'netfil_filter_refused_packets_total' "$(show web .refused.packets)"
	wait_until is_value 'sum(netfil_filter_bytes_total)' "$(witness total)"
	netfil reset web
	wait_until is_value 'netfil_filter_used_bytes{direction="total"}' 0
	wait_until is_value 'count(ALERTS{alertname="NetfilCapReached"}) or vector(0)' 0
	assert_equal "total after a reset" "$(value 'sum(netfil_filter_bytes_total)')" "$(witness total)"
	assert_equal "trouble with the scrapes" "$(api targets | jq -r '.data.activeTargets[].lastError')" ""
}

@test "each query of the dashboard is one that Prometheus answers" {
	listen
	start_prometheus
	wait_until is_value 'sum(netfil_filter_bytes_total)' 0
	move 5000
	wait_until is_value 'count(rate(netfil_filter_bytes_total{direction="out"}[1m]) > 0)' 1
	jq -r '[.. | .expr? // empty] | unique[]' "$MONITORING/netfil.json" >"$TMP/queries"
	(($(wc -l <"$TMP/queries") >= 14)) || fail "queries are missing"
	sed -i 's/\$__rate_interval/1m/g; s/\$instance\|\$filter/.*/g' "$TMP/queries"
	fails grep -F '$' "$TMP/queries"
	while read -r query; do
		answer=$(api query "query=$query")
		assert_equal "status of $query: $answer" "$(jq -r .status <<<"$answer")" success
		# Only after a minute can there be a forecast.
		[[ $query == *forecast* || $(jq '.data.result | length' <<<"$answer") != 0 ]] ||
			fail "nothing is found by $query"
	done <"$TMP/queries"
	# What its variables ask for: label_values(SERIES, LABEL).
	assert_equal "filters" "$(api label/filter/values 'match[]=netfil_filter_info' | jq -c .data)" '["web"]'
}

@test "who asks is answered in the format that they take" {
	listen
	get --include $SITE/metrics >"$TMP/answer"
	grep -q '^HTTP/1.1 200 ' "$TMP/answer"
	grep -q '^Content-Type: text/plain; version=0.0.4; charset=utf-8' "$TMP/answer"
	get --include --header 'Accept: application/openmetrics-text;version=1.0.0,*/*;q=0.1' \
		'http://[::1]:10477/metrics?x=1' >"$TMP/answer"
	grep -q '^Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8' "$TMP/answer"
	assert_equal "last line" "$(tail -n 1 "$TMP/answer")" "# EOF"
	get --head $SITE/metrics >"$TMP/answer"
	grep -q '^HTTP/1.1 200 ' "$TMP/answer"
	[[ $(get $SITE/) == *'<a href="/metrics">'* ]] || fail "the landing page does not lead to the metrics"
	for path in metrics/ metrics/x Metrics favicon.ico ..%2fetc%2fpasswd; do
		assert_equal "status of $path" "$(status_of "$SITE/$path")" 404
	done
	for method in POST PUT DELETE OPTIONS PATCH TRACE BREW; do
		assert_equal "status of $method" "$(status_of --request $method --data x $SITE/metrics)" 405
	done
	get --include --request POST $SITE/ >"$TMP/answer"
	grep -q '^Allow: GET, HEAD' "$TMP/answer"
}

status_of() { # [CURL-OPTION...] URL
	get --output "$TMP/status.out" --write-out '%{http_code}' "$@"
}

@test "root becomes an ordinary user, without capabilities and for good" {
	listen
	awk '/^(Uid|Gid|Groups|Cap|NoNewPrivs)/' "/proc/${PIDS[http]}/status" | xargs >"$TMP/privileges"
	none=0000000000000000
	assert_equal privileges "$(cat "$TMP/privileges")" "Uid: 65534 65534 65534 65534 \
Gid: 65534 65534 65534 65534 Groups: CapInh: $none CapPrm: $none CapEff: $none CapBnd: $none \
CapAmb: $none NoNewPrivs: 1"
	is_sample netfil_up 1
	kill -TERM "${PIDS[http]}"
	finish http
	# A port that root alone may have.
	start http in_ns a netfil metrics --listen 127.0.0.1:79 --user daemon
	wait_until get --output "$TMP/page" http://127.0.0.1:79/metrics
	grep -qx 'netfil_up 1' "$TMP/page"
	assert_equal user "$(ps -o user= -p "${PIDS[http]}")" daemon
	kill -INT "${PIDS[http]}"
	finish http
}

@test "an ordinary user may serve, and a socket may be passed" {
	start http in_ns a "${ORDINARY[@]}" netfil metrics --listen 10477
	wait_until serves
	is_sample netfil_up 1
	kill -TERM "${PIDS[http]}"
	finish http
	start http in_ns a "$BUILD/tests/system/pass-socket" 10477 netfil metrics --listen 1
	wait_until serves
	is_sample netfil_up 1
	kill -TERM "${PIDS[http]}"
	finish http
	fails in_ns a "$BUILD/tests/system/pass-socket" 0 netfil metrics --listen 1
}

@test "netfild may go, come back, or hang: the scrape says so" {
	listen
	is_sample netfil_up 1
	kill_daemon
	is_sample netfil_up 0
	assert_equal samples "$(get $SITE/metrics | grep -vc '^#')" 2 # and netfil_build_info
	start_daemon
	is_sample netfil_up 1
	is_sample 'netfil_filter_used_bytes{filter="web",direction="total"}' 0
	kill -STOP "${PIDS[daemon]}"
	is_sample netfil_up 0
	kill -CONT "${PIDS[daemon]}"
	wait_until is_sample netfil_up 1
	kill -STOP "${PIDS[daemon]}"
	start waiting in_ns a curl --silent --output "$TMP/waiting" $SITE/metrics
	wait_until eval '(($(established) == 1))'
	kill -TERM "${PIDS[http]}" # ends it, whoever waits
	finish http
	kill -CONT "${PIDS[daemon]}"
}

@test "nothing is kept of scrapes that are over" {
	local before
	listen
	is_sample netfil_up 1
	wait_until eval '(($(established) == 0))'
	before=$(descriptors)
	for ((i = 0; i < 20; i++)); do
		is_sample netfil_up 1
	done
	wait_until eval "((\$(descriptors) <= $before))"
}

descriptors() {
	find "/proc/${PIDS[http]}/fd" -type l | wc -l
}

# Connections that this shell holds: each has said so much and says no more.
hold() { # COUNT TEXT
	local fd
	trap '' PIPE # some are dismissed at once
	for ((i = 0; i < $1; i++)); do
		exec {fd}<>/dev/tcp/127.0.0.1/10477
		printf '%s' "$2" >&"$fd" || true
	done 2>>"$TMP/held.err"
}

established() {
	in_ns a ss -Htn state established sport = :10477 | wc -l
}

@test "slow clients keep nobody out" {
	listen
	export -f hold
	for text in '' $'GET /metrics HTTP/1.1\r\nHost: x\r\n' $'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'; do
		start slow in_ns a env TMP="$TMP" TEXT="$text" bash -c '
			hold 300 "$TEXT"
			echo held >"$TRAFFIC_READY"
			exec sleep 60' # and holds them
		ready slow
		for ((i = 0; i < 8; i++)); do
			is_sample netfil_up 1
		done
		(($(established) <= 64)) || fail "$(established) connections are kept"
		kill -TERM "${PIDS[slow]}"
		finish slow || true
	done
}

@test "a client that says nothing, or one byte a second, is dismissed" {
	listen
	start slow in_ns a bash -c '
		exec 5<>/dev/tcp/127.0.0.1/10477 6<>/dev/tcp/127.0.0.1/10477
		echo held >"$TRAFFIC_READY"
		for ((i = 0; i < 30; i++)); do printf G >&6; sleep 1; done 2>/dev/null &
		cat <&5
		cat <&6'
	ready slow
	assert_equal connections "$(established)" 2
	wait_until eval '(($(established) == 0))'
	is_sample netfil_up 1
}

@test "noise hurts nobody" {
	listen
	start noise in_ns a bash -c '
		trap "" PIPE
		for ((i = 0; i < 400; i++)); do
			exec 5<>/dev/tcp/127.0.0.1/10477 || exit
			case $((i % 4)) in
			0) head -c 3000 /dev/urandom ;;
			1) printf "GET /metrics HTTP/1.1\r\nAccept: " && head -c 9000 /dev/urandom | base64 -w 0 && printf "\r\n\r\n" ;;
			2) printf "GET /%%00%%ff%%zz?%%=&&& HTTP/9.9\r\n: \r\n\r\n" ;;
			3) printf "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" ;;
			esac >&5
			exec 5>&-
		done 2>/dev/null
		echo done'
	while is_running noise; do
		is_sample netfil_up 1
	done
	finish noise
	grep -qx 'done' "$TMP/noise.out"
	is_sample netfil_up 1
	kill -TERM "${PIDS[http]}"
	finish http
	assert_equal "words" "$(cat "$TMP/http.err")" ""
}

@test "a file for node_exporter takes the old one's place as a whole" {
	local file=$TMP/netfil.prom
	echo old >"$file"
	(umask 077 && netfil metrics --textfile "$file")
	assert_equal mode "$(stat -c %a "$file")" 644
	netfil metrics | diff "$file" -
	promtool check metrics <"$file"
	assert_equal "files" "$(cd "$TMP" && echo netfil.prom*)" netfil.prom
	stop_daemon
	fails netfil metrics --textfile "$file" 2>"$TMP/textfile.err"
	assert_equal lines "$(wc -l <"$TMP/textfile.err")" 1
	grep -qx 'netfil_up 0' "$file"
	fails netfil metrics 2>"$TMP/metrics.err" >"$TMP/metrics.out"
	assert_equal words "$(cat "$TMP/metrics.out")" ""
}
