# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The system bus, with the real dbus-daemon and polkitd: who may do what.

load lib
load systembus

setup() {
	make_world
	make_bus
}

start_all() {
	start_polkit
	start_daemon_on_bus
	netfil add good --ip 192.0.2.1 --total 1M
}

@test "a user may read, and whom polkit lets may change" {
	rule org.netfil.manage yes
	start_all
	as_user bash -c 'call List su "" 0' | grep -q '"good"'
	as_user bash -c 'call Remove as 1 good'
	[[ $(netfil list --json) == '[]' ]] || fail "nothing was removed"
}
