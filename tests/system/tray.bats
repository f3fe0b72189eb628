# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# netfil-tray on a desktop, driven by keys and clicks; what it says is read as a panel and a
# screen reader read it.
# Takes long.

load lib
load desktop

USER_ID=65534 # nobody: a session bus asks for a user that has a name

setup() {
	make_world
	chmod 755 "$TMP" "${TMP%/*}" "${TMP%/*/*}"
	offload software
	start_daemon
}

# A transfer of so many bytes from the capped side; what becomes of it is the cap's affair.
send() { # BYTES
	capped tcp-send "$B4" "$PORT" "$1" >"$TMP/send.out" 2>&1 || true
}

netfil_tray() {
	ask_desktop netfil-tray "$@"
}

is_told() { # PATTERN
	(($(told_times "$1") > 0))
}

@test "the icon says how the filters stand, and whether netfild is there" {
	start_desktop
	start_tray --background
	wait_until is_icon netfil-tray-off
	netfil add cap --ip "$B4" --out 2M --warn 50
	wait_until is_icon netfil-tray-on
	serve 0 3
	send 1200000
	wait_until is_icon netfil-tray-warned
	send 1200000
	wait_until is_icon netfil-tray-reached
	netfil off cap
	wait_until is_icon netfil-tray-off
	netfil on cap
	wait_until is_icon netfil-tray-reached
	kill_daemon
	wait_until is_icon netfil-tray-away
	start_daemon
	wait_until is_icon netfil-tray-reached
	netfil set cap --out +1M
	wait_until is_icon netfil-tray-warned
	netfil rm cap
	wait_until is_icon netfil-tray-off
}

@test "the menu has all filters with what is used, as others change them, and switches them" {
	netfil add hotspot --interface net0 --total 50M
	netfil add backup --ip "$B4" --out 2M
	netfil add nightly --user nobody --total 5G --off
	start_desktop
	start_tray --background
	wait_until menu_has "[x] hotspot  ░░░░░░░░░░  0%  0 B of 50.0 MB"
	assert_equal menu "$(menu | sed 's/  .*//' | tr '\n' ' ')" \
		"Interface [x] hotspot Socket [ ] nightly IP [x] backup Switch all _on Switch all o_ff _Settings … _Quit "
	netfil set backup --out 4M # elsewhere
	wait_until menu_has "[x] backup  ░░░░░░░░░░  0%  0 B of 4.00 MB out"
	serve 0 1
	send 2000000
	finish server
	wait_until menu_has "[x] backup  █████░░░░░  51%  2.07 MB of 4.00 MB out"
	open_menu
	keys Down Down Return # nightly
	wait_until eval '[[ $(show nightly .state) == on ]]'
	wait_until menu_has "[x] nightly  ░░░░░░░░░░  0%  0 B of 5.00 GB"
	open_menu
	keys Up Up Up Return # Switch all off
	wait_until eval '[[ $(netfil list --json | jq -r "map(.state) | unique | join(\" \")") == off ]]'
	wait_until is_icon netfil-tray-off
	open_menu
	keys Up Up Up Up Return # Switch all on
	wait_until eval '[[ $(netfil list --json | jq -r "map(.state) | unique | join(\" \")") == on ]]'
	wait_until is_icon netfil-tray-on
	open_menu
	keys Up Up Return # Settings
	netfil_tray wait 'page tab' Usage
	open_menu
	keys Up Return # Quit
	finish tray
}

@test "the menu tells when the next cycle begins, and what comes before that" {
	set_clock_to "2026-05-20 12:00:00"
	netfil add hotspot --interface net0 --total 50M --every month@25
	netfil add backup --ip "$B4" --out 100M --every week
	netfil add off --ip 192.0.2.1 --out 5G --every day --off
	start_desktop
	start_tray --background
	wait_until menu_has "[x] hotspot  ░░░░░░░░░░  0%  0 B of 50.0 MB  new cycle in 4 days"
	wait_until menu_has "[ ] off  ░░░░░░░░░░  0%  0 B of 5.00 GB out"
	netfil set hotspot --unlimited-until 18:00
	wait_until menu_has "[x] hotspot  ░░░░░░░░░░  0%  0 B of 50.0 MB  unlimited until 18:00  new cycle in 4 days"
	netfil set backup --used 60M
	set_clock_to "2026-05-22 12:00:00"
	wait_until eval '[[ $(menu) == *"backup "*"60.0 MB of 100 MB out  cap in "*" hours  new cycle in 2 days"* ]]'
}

@test "a filter made by keys alone caps to the byte; the notification and the chart tell it" {
	start_desktop
	start_tray
	netfil_tray wait 'page tab' IP
	keys alt+3 alt+w
	netfil_tray focused text Name
	typed web
	keys alt+a
	typed "$B4 2001:db8::/32"
	keys alt+o
	typed 2
	keys Tab Home Down Down # the unit: B, kB, MB
	keys alt+f
	wait_until eval '[[ $(netfil list --json | jq length) == 1 ]]'
	netfil_tray wait 'list item' 'web, on, 0 B of 2.00 MB out*'
	assert_equal cap "$(show web .cap.out)" 2000000
	assert_equal selector "$(show web .selector.text)" "ip $B4 or 2001:db8::/32"
	serve 0 1
	send 3000000
	wait_until is_told 'web: the cap is reached'
	wait_closed
	assert_between "what passed" "$(witness out)" 1998501 2000000
	wait_until_equal web out
	netfil_tray wait 'list item' 'web, at its cap, *'
	keys alt+4
	netfil_tray wait label 'This cycle: * of 2.00 MB out. The cap is reached.'
	wait_until eval '[[ $(netfil_tray description chart Usage) == *" out" ]]'
	size=$(witness out | awk '{ printf "%d.%02d MB", $1 / 1000000, $1 % 1000000 / 10000 }')
	wait_until eval '[[ $(netfil_tray description chart Usage) == *", $size out" ]]'
	netfil_tray wait 'table cell' traffic
}

@test "a mistake is shown beside its field, in netfil's own words, and changes nothing" {
	start_desktop
	start_tray
	netfil_tray wait 'page tab' IP
	keys alt+3 alt+f
	netfil_tray wait label 'Give the filter a name.'
	typed 'a b'
	keys alt+a
	typed 192.0.2.1/24
	netfil_tray wait label '"192.0.2.1/24" has bits set behind its length: use 192.0.2.0/24 or 192.0.2.1'
	keys BackSpace BackSpace BackSpace
	netfil_tray gone label '*behind its length*'
	keys alt+o
	typed 1x
	netfil_tray wait label '"1x*" is not a size*'
	keys BackSpace
	typed k
	netfil_tray gone label '*is not a size*'
	keys alt+f # the name has a blank
	netfil_tray wait label "*is not a filter's name*"
	netfil_tray focused text Name
	typed ac # in the place of what is selected
	keys alt+f
	wait_until eval '[[ $(netfil list --json | jq length) == 1 ]]'
	assert_equal cap "$(show ac .cap.out)" 1000
}

@test "a running process is picked, and capped" {
	start client capped --gate "$(make_gate client)" tcp-send "$B4" "$PORT" 3000000
	start_desktop
	start_tray
	netfil_tray wait 'page tab' Socket
	keys alt+2 alt+w
	netfil_tray focused text Name
	typed picked
	keys alt+p
	netfil_tray wait dialog 'Pick running processes'
	typed "${PIDS[client]}"
	netfil_tray wait 'table cell' traffic
	wait_until eval '[[ $(netfil_tray count "table cell" "[0-9]*") == 1 ]]'
	keys alt+p
	netfil_tray gone dialog 'Pick running processes'
	assert_equal processes "$(netfil_tray text text 'Processes, by number')" "${PIDS[client]}"
	keys alt+o
	typed 100000B
	keys alt+f
	wait_until eval '[[ $(netfil list --json | jq length) == 1 ]]'
	assert_equal pid "$(show picked '.selector.pid[0]')" "${PIDS[client]}"
	serve
	open_gate client
	finish client || true
	wait_closed
	wait_until_equal picked out
	assert_between passed "$(witness out)" 98501 100000
}

@test "an interface that is there is picked; Stop and Filter switch; others' changes show" {
	start_desktop
	start_tray
	netfil_tray wait 'page tab' Interface
	keys alt+w
	netfil_tray focused text Name
	typed link
	netfil_tray click 'check box' net0
	keys alt+b
	typed 50
	keys alt+f
	netfil_tray wait 'list item' 'link, on, *'
	assert_equal interface "$(show link '.selector.interface[0]')" net0
	assert_equal cap "$(show link .cap.total)" 50000000000
	keys alt+s
	netfil_tray wait 'list item' 'link, off, *'
	netfil set link --total 3M --every month@14 # elsewhere
	netfil_tray wait 'list item' 'link, off, 0 B of 3.00 MB*'
	assert_equal entry "$(netfil_tray text text 'Cap on both')" 3
	netfil_tray wait 'spin button' 'Day of the month'
	keys alt+b
	typed 4 # 4 is not put in force yet when it is changed elsewhere
	netfil set link --total 5M
	netfil_tray wait label 'It was changed elsewhere meanwhile.*'
	assert_equal entry "$(netfil_tray text text 'Cap on both')" 4
	keys alt+f
	netfil_tray wait 'list item' 'link, on, 0 B of 4.00 MB*'
	assert_equal cycle "$(show link .cycle.every)" month@14
	netfil rm link
	netfil_tray gone 'list item' 'link*'
	netfil_tray wait label 'A new filter*'
}

@test "warnings, caps and cycles are told once, over restarts; the buttons do what they say" {
	set_clock_to "2026-05-20 12:00:00"
	netfil add cap --ip "$B4" --out 2M --warn 50 --every day
	start_desktop
	start_tray --background
	wait_until is_icon netfil-tray-on
	serve 0 6
	send 1200000
	wait_until is_told 'cap: 50 % of the cap is used'
	send 1200000
	wait_until is_told 'cap: the cap is reached'
	on_desktop dunstctl close-all
	stop_tray
	start_tray --background
	wait_until is_icon netfil-tray-reached
	netfil off cap # nor is what stands as it stood
	netfil on cap
	wait_until is_icon netfil-tray-reached
	netfil set cap --out +100k
	send 300000
	wait_until eval '(($(told_times "cap: the cap") == 2))'
	press_button 'Add 1 GB'
	wait_until eval '[[ $(show cap .limit.out) == 1002100000 ]]'
	wait_until is_icon netfil-tray-warned
	netfil set cap --out -1G
	on_desktop dunstctl close-all
	send 300000
	wait_until eval '(($(told_times "cap: the cap") == 3))'
	press_button 'Switch off'
	wait_until eval '[[ $(show cap .state) == off ]]'
	stop_tray
	on_desktop dunstctl close-all
	netfil on cap
	set_clock_to "2026-05-21 00:00:01"
	wait_until eval '[[ $(show cap .used.out) == 0 ]]'
	start_tray --background # what happened while nobody looked
	wait_until is_told 'cap: a new cycle began'
	press_button Open
	netfil_tray wait 'page tab' Interface
	assert_equal warnings "$(told_times 'is used')" 1
	assert_equal reached "$(told_times 'cap: the cap')" 3
	assert_equal cycles "$(told_times 'a new cycle')" 1
}

@test "netfild goes and comes: what was known stays in sight, and what differs is shown" {
	netfil add cap --ip "$B4" --out 2M
	start_desktop
	start_tray
	netfil_tray wait 'page tab' IP
	keys alt+3
	netfil_tray wait 'list item' 'cap, on, 0 B of 2.00 MB out*'
	kill_daemon
	netfil_tray wait label 'netfild is not there*'
	netfil_tray wait 'list item' 'cap, on, *'
	wait_until menu_has 'netfild is not there'
	start_daemon
	netfil_tray gone label 'netfild is not there*'
	netfil set cap --out 3M
	netfil_tray wait 'list item' 'cap, on, 0 B of 3.00 MB out*'
	stop_daemon
	netfil_tray wait label 'netfild is not there*'
	rm -rf "$NETFIL_STATE_DIR" # another one comes
	start_daemon
	netfil_tray gone 'list item' 'cap*'
	wait_until is_icon netfil-tray-off
}

# Further addresses of the peer.
give_peer() { # ADDRESS...
	local address
	for address; do
		ip -n "nf-$ID-a" route add "$address/32" via "$B4"
		ip -n "nf-$ID-b" address add "$address/32" dev lo
	done
}

send_datagrams() { # ADDRESS COUNT: each of 1,028 bytes
	capped udp-send "$1" "$PORT" "$2" 1000 >"$TMP/send.out" 2>&1 || true
}

@test "members at their cap: in the list, the menu, the icon, and told by name, once" {
	give_peer 198.18.0.1 198.18.0.2
	netfil add customers --ip 198.18.0.0/24 --each --out 100k --on-limit drop --warn 50
	start_desktop
	start_tray
	netfil_tray wait 'page tab' IP
	keys alt+3
	netfil_tray wait 'list item' 'customers, on, 0 B, 100 kB out each, 0 members'
	wait_until is_icon netfil-tray-on
	start there peer udp-receive 0.0.0.0 "$PORT" 1000000
	ready there
	send_datagrams 198.18.0.2 10
	netfil_tray wait 'list item' 'customers, on, 10.2 kB, 100 kB out each, 1 member'
	send_datagrams 198.18.0.1 200 # 97 of them fit
	wait_until is_told 'customers: 50 % of the cap of 198.18.0.1 is used'
	wait_until is_told 'customers: the cap of 198.18.0.1 is reached'
	netfil_tray wait 'list item' 'customers, on, 109 kB, 100 kB out each, 2 members, 1 at its cap'
	wait_until menu_has '[x] customers  109 kB, 100 kB out each  2 members, 1 at its cap'
	wait_until is_icon netfil-tray-reached
	on_desktop dunstctl close-all
	kill_daemon
	wait_until is_icon netfil-tray-away
	start_daemon
	wait_until is_icon netfil-tray-reached
	stop_tray
	send_datagrams 198.18.0.2 100 # while nobody looks
	wait_until eval '(($(show customers .members_at_cap) == 2))'
	start_tray --background
	wait_until is_told 'customers: members are at their cap: 2 members, 2 at their cap'
	press_button 'Switch off'
	wait_until eval '[[ $(show customers .state) == off ]]'
	stop_tray
	netfil on customers
	start_tray --background
	wait_until is_icon netfil-tray-reached
	assert_equal told "$(told_times customers)" 3
	assert_equal top-ups "$(grep -c 'Add 1 GB' "$TMP/offered" || true)" 0
}

@test "the form keeps what it does not show, and tells it" {
	printf '192.0.2.%d\n' {1..50} >"$TMP/list"
	mkdir "$TMP/My Apps, old"
	cp "$TRAFFIC" "$TMP/My Apps, old/a b"
	netfil add lists --ip-file "$TMP/list" --each --max-members 20 --out 5M
	netfil add apps --exe "$TMP/My Apps, old/a b" --exe "$TRAFFIC" --port 443 --out 5M --durability strict
	before=$(show lists '.selector, .each, .max_members' | md5sum)
	start_desktop
	start_tray
	netfil_tray wait 'page tab' IP
	keys alt+3
	netfil_tray focus 'list item' 'lists,*'
	keys space
	netfil_tray wait label "Also set, and kept as it is: --ip-file $TMP/list --each ip --max-members 20"
	netfil_tray wait label "$TMP/list: 50 prefixes in force"
	echo nonsense >>"$TMP/list"
	netfil reload || true
	netfil_tray wait label "$TMP/list: 50 prefixes in force. *list:51: *"
	sed -i '$s/.*/192.0.2.51/' "$TMP/list"
	netfil reload
	netfil_tray wait label "$TMP/list: 51 prefixes in force"
	keys alt+o
	typed 7
	keys alt+f
	wait_until eval '[[ $(show lists .cap.out) == 7000000 ]]'
	assert_equal "what the form does not show" \
		"$(show lists '.selector, .each, .max_members' | md5sum)" "$before"
	before=$(show apps .selector | md5sum)
	keys alt+2
	netfil_tray focus 'list item' 'apps,*'
	keys space
	netfil_tray wait label 'Also set, and kept as it is: --port 443 --durability strict'
	assert_equal executables "$(netfil_tray text text Executables)" \
		"\"$TMP/My Apps, old/a b\" $TRAFFIC"
	keys alt+o
	typed 8
	keys alt+f
	wait_until eval '[[ $(show apps .cap.out) == 8000000 ]]'
	assert_equal "its selectors" "$(show apps .selector | md5sum)" "$before"
}

# Where it finds no socket, as if netfild were a service that is asked for by its name.
start_tray_on_bus() {
	[[ ! -e /run/netfil/bus ]] || skip "a netfild of this machine would be asked"
	printf '#!/bin/sh\nexec env -u NETFIL_RUNTIME_DIR "%s" "$@"\n' \
		"$BUILD/src/tray/netfil-tray" >"$TMP/tray-on-bus"
	chmod 755 "$TMP/tray-on-bus"
	NETFIL_TRAY=$TMP/tray-on-bus start_tray "$@"
}

@test "the system bus is started anew, and netfild on it" {
	load systembus
	make_bus
	start_bus
	start_polkit
	stop_daemon
	start_daemon_on_bus
	netfil add cap --ip "$B4" --out 2M
	start_desktop
	start_tray_on_bus
	netfil_tray wait 'page tab' IP
	keys alt+3
	netfil_tray wait 'list item' 'cap, on, 0 B of 2.00 MB out*'
	stop_bus
	wait_until is_icon netfil-tray-away
	netfil set cap --out 3M # by its own socket
	start_bus
	start_polkit
	netfil_tray wait 'list item' 'cap, on, 0 B of 3.00 MB out*'
	wait_until is_icon netfil-tray-on
	stop_daemon
	wait_until is_icon netfil-tray-away
	start_daemon_on_bus
	wait_until is_icon netfil-tray-on
	netfil off cap
	wait_until is_icon netfil-tray-off
	is_running tray
}

@test "the session bus is started anew: icon, notifications and window are there again" {
	netfil add cap --ip "$B4" --out 2M
	start_desktop
	start_tray
	netfil_tray wait 'page tab' IP
	wait_until is_icon netfil-tray-on
	stop_session
	start_session
	wait_until has_name org.netfil.Tray
	wait_until is_icon netfil-tray-on
	netfil_tray wait 'page tab' IP
	serve
	send 3000000
	wait_until is_told 'cap: the cap is reached'
	wait_until is_icon netfil-tray-reached
	is_running tray
}

@test "without rights it is a viewer, and says so" {
	netfil add cap --ip "$B4" --out 2M
	DESKTOP_USER=$USER_ID
	start_desktop
	start_tray
	netfil_tray wait 'page tab' IP
	keys alt+3
	netfil_tray wait 'list item' 'cap, on, 0 B of 2.00 MB out*'
	netfil_tray focus 'list item' 'cap*'
	keys Down Up space
	netfil_tray click 'push button' Stop
	netfil_tray wait label 'You may look, but not change this. *'
	assert_equal state "$(show cap .state)" on
	keys alt+4
	netfil_tray wait label 'This cycle: 0 B of 2.00 MB out.*'
	keys ctrl+w
	netfil_tray gone frame netfil
	open_menu
	keys Down Return # a switch that springs back
	wait_until is_told 'You may look, but not change'
	wait_until menu_has "[x] cap  ░░░░░░░░░░  0%  0 B of 2.00 MB out"
	assert_equal state "$(show cap .state)" on
}

@test "a screen reader has a name for all that can be focused" {
	netfil add cap --ip "$B4" --out 2M --on-limit throttle=8k --every week@sun
	start_desktop
	start_tray
	for tab in 1:Interface 2:Socket 3:IP 4:Usage; do
		keys "alt+${tab%:*}"
		netfil_tray wait 'page tab' "${tab#*:}"
		assert_equal "without a name in ${tab#*:}" "$(netfil_tray unnamed)" ""
	done
}

@test "German: words, and sizes as they are written there" {
	make_locale de_DE
	netfil add hotspot --interface net0 --total 1.5M
	start_desktop
	start_tray
	netfil_tray wait 'page tab' Schnittstelle
	netfil_tray wait 'list item' 'hotspot, an, 0 B von 1,50 MB*'
	keys alt+3 alt+u
	netfil_tray focused text Name
	typed netz
	keys alt+a
	typed 192.0.2.0/24
	keys alt+z
	typed 2,5
	keys alt+f
	wait_until eval '[[ $(show netz .cap.total 2>/dev/null) == 2500000000 ]]'
	netfil_tray wait 'list item' 'netz, an, 0 B von 2,50 GB*'
}

@test "from right to left, the window is mirrored" {
	make_locale he_IL
	# GTK takes a language's direction for programs that speak it.
	mkdir -p "$TMP/po/he/LC_MESSAGES"
	printf 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n' |
		msgfmt - -o "$TMP/po/he/LC_MESSAGES/netfil.mo"
	export NETFIL_LOCALEDIR=$TMP/po
	start_desktop
	start_tray
	netfil_tray wait 'push button' Filter
	(($(netfil_tray left 'push button' Filter) < $(netfil_tray left 'push button' Stop)))
	(($(netfil_tray left 'push button' 'New filter') > $(netfil_tray left 'push button' Filter)))
}

# Nanoseconds that it ran: its own clock, of all its threads, also those that ended.
ran() {
	/usr/bin/python3 -c 'import sys, time; print(time.clock_gettime_ns(~int(sys.argv[1]) << 3 | 2))' \
		"${PIDS[tray]}"
}

@test "nothing is done while nothing changes, in little memory" {
	[[ -z ${NETFIL_SANITIZE-} ]] || skip "sanitizers take three times the memory"
	for i in {1..20}; do
		netfil add "cap-$i" --ip "192.0.2.$i" --total 1G --every month@14
	done
	start_desktop
	start_tray
	netfil_tray wait frame netfil
	keys ctrl+w
	netfil_tray gone frame netfil
	wait_until is_icon netfil-tray-on
	best=1000000000
	for i in 1 2 3; do # the least of three: a busy machine makes all else slower
		before=$(ran)
		((before > 0))
		sleep 3
		used=$(($(ran) - before))
		((used >= best)) || best=$used
	done
	assert_between "microseconds in 3 s" $((best / 1000)) 0 3000 # 0.1 %
	resident=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/${PIDS[tray]}/status")
	assert_between "kB resident" "$resident" 1 60000
}
