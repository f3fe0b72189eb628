# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# netfild is killed at 200 random moments under traffic: while it starts, runs, writes,
# turns cycles and is told to change filters. No byte is lost or counted twice.
# Takes long.

load lib

TIMES=25 # in each test

setup() {
	make_world
	offload software
	export NETFIL_WITHOUT=netfilter_link,sock_destroy # starts faster, and that is often
}

# It lives for up to 0.7 seconds, and takes more than half of it to start.
live_and_die() {
	launch_daemon
	sleep "0.$(printf '%03d' $((RANDOM % 700)))"
	kill_daemon
}

frames() {
	echo $(($(witness frames_out) + 14 * $(witness frames_out packets)))
}

kill_at_random() { # SEED
	local i before
	echo "seed $1"
	RANDOM=$1
	set_clock_to '2026-11-23 12:34:56'
	start_daemon
	netfil add open --cgroup "$INSIDE"
	netfil add hourly --ip "$B4" --every hour --warn 1 --total 1P
	before=$(frames)
	netfil add wire --interface net0
	start_load
	kill_daemon
	for ((i = 0; i < TIMES; i++)); do
		live_and_die
		((i % 2)) || move_clock 3600
	done
	start_daemon
	under_load
	end_load
	assert_exact open out in total
	assert_equal frames "$(used wire out)" $(($(frames) - before))
	assert_equal "cycles out" "$(sum_of hourly cycle out)" "$(witness out)"
	assert_equal "cycles in" "$(sum_of hourly cycle in)" "$(witness in)"
	assert_equal "hours out" "$(sum_of open hour out)" "$(witness out)"
	assert_between cycles "$(periods hourly cycle length)" 2 $((TIMES + 1))
}

@test "SIGKILL at random moments: 1" {
	kill_at_random "${NETFIL_TEST_SEED:-$((EPOCHSECONDS + 1))}"
}

@test "SIGKILL at random moments: 2" {
	kill_at_random "${NETFIL_TEST_SEED:-$((EPOCHSECONDS + 2))}"
}

@test "SIGKILL at random moments: 3" {
	kill_at_random "${NETFIL_TEST_SEED:-$((EPOCHSECONDS + 3))}"
}

@test "SIGKILL at random moments: 4" {
	kill_at_random "${NETFIL_TEST_SEED:-$((EPOCHSECONDS + 4))}"
}

@test "SIGKILL at random moments: 5" {
	kill_at_random "${NETFIL_TEST_SEED:-$((EPOCHSECONDS + 5))}"
}

@test "SIGKILL at random moments: 6" {
	kill_at_random "${NETFIL_TEST_SEED:-$((EPOCHSECONDS + 6))}"
}

@test "SIGKILL at random moments: 7" {
	kill_at_random "${NETFIL_TEST_SEED:-$((EPOCHSECONDS + 7))}"
}

@test "SIGKILL at random moments: 8" {
	kill_at_random "${NETFIL_TEST_SEED:-$((EPOCHSECONDS + 8))}"
}
