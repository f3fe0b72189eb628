# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The Debian packages on a machine: installed, upgraded with caps in force, removed, purged; and
# the service under systemd, within all of its walls. script/package builds what is tried.

load ../system/lib
load machine

setup_file() {
	make_base
}

setup() {
	make_world
	offload software
	[[ $BATS_TEST_DESCRIPTION != *upgrade* ]] || make_next_versions
	boot
	install netfil
}

is_active() {
	machine systemctl is-active --quiet netfild.service
}

main_pid() {
	machine systemctl show --property MainPID --value netfild.service
}

# Of the service's own making, but for what apt and systemd keep of everybody.
files_left() {
	machine find / -xdev -name '*netfil*' -not -name '*netfilter*' -not -path '/packages*' -not -path '/var/log/*' \
		-not -path '/var/cache/*' -not -path '/tmp/*' -not -path '/root/*'
	machine find /run /sys/fs/bpf -name '*netfil*' -not -path '/run/systemd/*'
}

programs() {
	bpftool cgroup show "$CGROUP" | grep -c ' socket_' || true
}

# Datagrams go out, each of them.
assert_free() {
	local before
	before=$(witness out packets)
	capped --method sendto udp-send "$B4" 9 100 1000
	wait_until eval "((\$(witness out packets) == $before + 100))"
}

# None does, whether or not their sender hears of it.
assert_spent() { # NAME
	local before
	before=$(used "$1" out)
	capped --method sendto udp-send "$B4" 9 10 1400 || true
	assert_equal used "$(used "$1" out)" "$before"
}

@test "install: the service runs and is there from boot" {
	is_active
	assert_equal enabled "$(machine systemctl is-enabled netfild.service)" enabled
	netfil doctor --json | jq -e '.healthy and .running'
	assert_equal setuid "$(machine dpkg --listfiles netfil | while read -r file; do
		machine find "$file" -maxdepth 0 -type f -perm /6000
	done)" ''
}

@test "install: the library, and what programs are built with" {
	install libnetfil0 libnetfil-dev
	machine ldconfig -p | grep -q 'libnetfil.so.0 '
	machine test -e /usr/include/netfil/netfil.h
	assert_equal version "$(machine bash -c 'sed -n "s/^Version: //p" /usr/lib/*/pkgconfig/netfil.pc')" \
		"$(machine netfil --version | sed 's/.* //')"
	apt purge libnetfil0 libnetfil-dev
	is_active
}

@test "upgrade with caps in force: no byte passes, none is lost" {
	netfil add open --cgroup /inside
	netfil add tight --cgroup /inside --proto udp --out 50000 --on-limit drop
	start_load
	start_datagrams knocks
	wait_until is_state tight exhausted
	before=$(main_pid)
	install_next netfil
	assert_equal version "$(machine dpkg-query --show --showformat '${Version}' netfil)" \
		"$(machine dpkg-deb --field /next/netfil.deb Version)"
	is_active
	(($(main_pid) != before)) || fail 'the old netfild still runs'
	under_load
	kill -KILL "${PIDS[knocks]}"
	finish knocks || true
	end_load
	assert_exact open out in
	assert_between tight "$(used tight out)" 48573 50000
}

@test "stopped, caps hold; started, counts go on" {
	netfil add tight --cgroup /inside --out 100000
	move 50000
	machine systemctl stop netfild.service
	move 50000
	fails capped --method sendto udp-send "$B4" 9 1 1000
	machine systemctl start netfild.service
	assert_equal used "$(used tight out)" 100000
	assert_spent tight
}

@test "remove lifts all caps and keeps the ledger; purge leaves nothing" {
	netfil add tight --cgroup /inside --out 50000
	netfil add wire --interface net0 --out 60000 --on-limit drop
	move 50000
	fails capped --method sendto udp-send "$B4" 9 1 1000
	(($(programs) > 0)) || fail 'nothing is attached to begin with'
	apt remove netfil
	wait_until eval '(($(programs) == 0))'
	machine test ! -e /sys/fs/bpf/netfil
	assert_free
	install netfil
	assert_equal used "$(used tight out)" 50000
	apt purge netfil
	assert_equal left "$(files_left)" ''
	assert_free
}

@test "remove ends a netfild that was started by hand, and lifts its caps" {
	machine systemctl stop netfild.service
	machine systemd-run --quiet --unit by-hand /usr/sbin/netfild
	wait_until eval 'machine journalctl --unit by-hand.service --output cat | grep -q "ready at"'
	netfil add tight --cgroup /inside --out 50000
	move 50000
	apt remove netfil
	wait_until eval '(($(programs) == 0))'
	assert_free
	fails machine systemctl is-active --quiet by-hand.service
}

@test "netfil add starts the service where there is one" {
	machine systemctl stop netfild.service
	netfil add open --cgroup /inside
	is_active
	machine systemctl mask --now netfild.service
	run machine netfil add other --cgroup /inside
	assert_equal status "$status" 1
	grep -q 'netfil: netfild.service does not start (.*masked.*): see' "$TMP/machine.err"
}

@test "systemctl reload swaps programs" {
	netfil add open --cgroup /inside
	move 10000
	machine systemctl reload netfild.service
	move 10000
	assert_equal used "$(used open out)" 20000
	machine journalctl --unit netfild.service --output cat | grep -q reload
}

@test "a netfild that stands still is started anew, and caps hold" {
	machine mkdir -p /run/systemd/system/netfild.service.d
	machine bash -c 'printf "[Service]\nWatchdogSec=500ms\n" >/run/systemd/system/netfild.service.d/soon.conf'
	machine systemctl daemon-reload
	machine systemctl restart netfild.service
	netfil add tight --cgroup /inside --out 50000
	move 50000
	before=$(main_pid)
	machine bash -c "kill -STOP $before"
	fails capped --method sendto udp-send "$B4" 9 1 1000
	wait_until eval '(($(main_pid) != before)) && is_active'
	assert_equal used "$(used tight out)" 50000
	assert_spent tight
}

@test "within its walls: an interface is taken down, and comes up with its addresses" {
	netfil add tight --interface net0 --out 5000 --on-limit down
	capped --method sendto udp-send "$B4" 9 10 1000 || true
	wait_until eval '! is_up'
	netfil reset tight
	wait_until is_up
	[[ -n $(ip -n "nf-$ID-a" address show dev net0 to "$A6") ]] || fail 'the IPv6 address is gone'
}

is_up() {
	ip -n "nf-$ID-a" link show up | grep -q net0
}

@test "within wider walls: other network namespaces are entered" {
	netfil doctor --json | jq -e '.features[] | select(.name == "namespaces") | .present | not'
	machine mkdir -p /etc/systemd/system/netfild.service.d
	machine cp /usr/share/doc/netfil/examples/wide.conf /etc/systemd/system/netfild.service.d/
	machine systemctl daemon-reload
	machine systemctl restart netfild.service
	netfil doctor --json | jq -e '.features[] | select(.name == "namespaces") | .present'
}

@test "within its walls: lists and executables in /tmp and in homes" {
	machine bash -c 'umask 077; mkdir /home/somebody && echo 192.0.2.1 | tee /tmp/list >/home/somebody/list
		cp /bin/true /tmp/exe && cp /bin/true /home/somebody/exe && chown -R 65534 /home/somebody'
	for folder in /tmp /home/somebody; do
		netfil add "list${folder////-}" --ip-file $folder/list
		# In a PID namespace an executable is opened, and then not known to the kernel.
		fails netfil add "exe${folder////-}" --exe $folder/exe
		grep -q "which file $folder/exe is" "$TMP/machine.err"
	done
}

@test "the numbers for Prometheus, from a service without any rights" {
	machine systemctl start netfil-metrics.socket
	netfil add open --cgroup /inside
	move 10000
	in_ns a curl --silent --fail --max-time 10 http://127.0.0.1:10477/metrics >"$TMP/metrics"
	grep -qx 'netfil_up 1' "$TMP/metrics"
	grep -q 'filter="open"' "$TMP/metrics"
	pid=$(machine systemctl show --property MainPID --value netfil-metrics.service)
	machine bash -c "cat /proc/$pid/status" >"$TMP/status"
	fails grep -q '^Uid:.0' "$TMP/status"
	grep -qx 'CapBnd:.0*' "$TMP/status"
}

@test "hooks run in a service of their own, as an ordinary user" {
	machine bash -c 'printf "#!/bin/sh\necho \$NETFIL_EVENT \$NETFIL_FILTER by \$(id -u)\n" >/etc/netfil/events.d/tell
		chmod 755 /etc/netfil/events.d/tell'
	machine systemctl restart netfil-events.service
	wait_until eval 'machine journalctl --unit netfil-events.service --output cat | grep -q "running the hooks"'
	netfil add open --cgroup /inside
	wait_until eval 'machine journalctl --unit netfil-events.service --output cat | grep -q "added open by 65534"'
}
