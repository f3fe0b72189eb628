# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The Debian packages on a machine: installed, upgraded with a cap in force, removed, purged; and
# the service under systemd, within all of its walls. script/package builds what is tried here.

load ../system/lib
load machine

setup_file() {
	make_base
}

setup() {
	make_world
	offload software
	boot
	apt install $(machine ls /packages | sed 's,^,/packages/,')
}

is_active() {
	machine systemctl is-active --quiet netfild.service
}

main_pid() {
	machine systemctl show --property MainPID --value netfild.service
}

@test "install: the service runs, and the units' words are kept" {
	is_active
	assert_equal enabled "$(machine systemctl is-enabled netfild.service)" enabled
	netfil doctor --json | jq -e '.healthy and .running'
	[[ -z $(machine find / -xdev -perm /6000 -newer /packages -type f) ]] || fail 'setuid files'
}
