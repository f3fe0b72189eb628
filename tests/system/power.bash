# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Power cuts and failing disks.

# From here on netfild writes to a disk that keeps what is synced alone, and early what it
# happens to (see lose-unsynced.c).
use_lossy_disk() { # [SEED]
	export LOSE_UNSYNCED_SHADOW=$TMP/shadow LOSE_UNSYNCED_FAULT=$TMP/fault \
		LOSE_UNSYNCED_EARLY=30 LOSE_UNSYNCED_SEED=${1-1}
	cat /proc/sys/kernel/random/uuid >"$TMP/boot-id"
	# Its mounts are its own; copies of those of other tests would outlive these.
	# shellcheck disable=SC2016 # expanded there
	UNDER=(unshare --mount --propagation private bash -c '
		awk -v own="nf-$0" "/^nf-/ && \$1 != own { print \$2 }" /proc/mounts |
			xargs --no-run-if-empty umount --lazy
		mount --bind "$1" /proc/sys/kernel/random/boot_id && exec env LD_PRELOAD="$2" "${@:3}"'
		"$ID" "$TMP/boot-id" "$BUILD/tests/system/liblose-unsynced.so")
}

# All counters and programs are gone with their pins, and the machine is another boot. Of
# the state folder there is what was on the disk. netfild and the traffic are dead by now.
new_boot() {
	umount "$TMP/bpf"
	mount -t bpf "nf-$ID" "$TMP/bpf"
	wait_until no_programs # the kernel takes them away in its own time
	rm -rf "$TMP/run"
	cat /proc/sys/kernel/random/uuid >"$TMP/boot-id"
	[[ ! -e $TMP/shadow ]] || take_image "$TMP/shadow"
}

no_programs() {
	[[ -z $(bpftool cgroup show "$CGROUP/inside") ]]
}

take_image() { # FOLDER
	rm -rf "$TMP/state"
	mkdir "$TMP/state"
	cp "$1"/* "$TMP/state" # not .data
	rm -rf "$TMP/shadow"
}

# Of netfild and of what else was started.
power_cut() { # [NAME...]
	local name
	# shellcheck disable=SC2046 # a word a process
	kill -KILL "${PIDS[daemon]}" $(for name in "$@"; do echo "${PIDS[$name]}"; done)
	for name in daemon "$@"; do
		finish "$name" || true
	done
	new_boot
}

# These calls fail with this error from here on, for this file or (*) all.
break_disk() { # ENOSPC|EIO|EROFS FILE KIND...
	rm -f "$TMP/fault.hits"
	echo "$*" >"$TMP/fault.new"
	mv "$TMP/fault.new" "$TMP/fault"
}

mend_disk() {
	rm "$TMP/fault"
}

# Each of these calls has failed at least once.
disk_failed() { # KIND...
	local kind
	for kind in "$@"; do
		grep -qx "$kind" "$TMP/fault.hits" || return 1
	done
}
