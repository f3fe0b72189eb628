# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# libnetfil as others use it: installed, found by pkg-config, from C and C++; and the examples.

load lib

# An install tree, as a system root: what is not netfil's is the machine's.
setup_file() {
	ROOT=$BATS_FILE_TMPDIR/root
	meson install -C "$BUILD" --no-rebuild --destdir "$ROOT" >"$BATS_FILE_TMPDIR/install.log"
	LIBRARY=$(find "$ROOT" -name netfil.pc -printf '%h')
	export ROOT LIBRARY PKG_CONFIG_PATH=$LIBRARY PKG_CONFIG_SYSROOT_DIR=$ROOT
	mkdir -p "$ROOT/usr/lib"
	ln -s /usr/include "$ROOT/usr"
	ln -s "/usr/lib/$(gcc -print-multiarch)" "$ROOT/usr/lib"
	LIBRARY=${LIBRARY%/pkgconfig}
}

header() {
	cat "${LIBRARY%/lib/*}"/include/netfil/*.h
}

flags() { # --cflags|--libs
	pkg-config "$@" netfil
}

@test "exports what the headers declare, and nothing else" {
	nm -D --defined-only "$LIBRARY/libnetfil.so.0" | awk '$2 == "T" { print $3 }' | sort >"$TMP/exported"
	header | tr '\n' ' ' | grep -o 'NETFIL_API [^;#]*' | grep -o 'netfil_[a-z_]*(\|G_DECLARE_[^)]*' |
		sed 's/G_DECLARE.*, \(netfil_[a-z]*\), .*/\1_get_type(/; s/($/@@LIBNETFIL_0/' |
		sort -u >"$TMP/declared"
	diff "$TMP/declared" "$TMP/exported"
	(($(wc -l <"$TMP/declared") > 20)) || fail "too few are found in the headers"
	assert_equal others "$(nm -D --defined-only "$LIBRARY/libnetfil.so.0" | awk '$2 != "T"')" \
		"0000000000000000 A LIBNETFIL_0"
}

# A library with a sanitizer in it needs its runtime, and has its users have it first.
plain_only() {
	[[ $(nm -D "$LIBRARY/libnetfil.so.0") != *__asan_init* ]] || skip "this build has a sanitizer"
}

@test "needs GLib and the C library alone" {
	plain_only
	assert_equal needs "$(readelf -d "$LIBRARY/libnetfil.so.0" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
		sort | xargs)" "libc.so.6 libgio-2.0.so.0 libglib-2.0.so.0 libgobject-2.0.so.0"
	assert_equal name "$(readelf -d "$LIBRARY/libnetfil.so.0" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')" \
		libnetfil.so.0
	assert_equal version "$(pkg-config --modversion netfil)" "$(netfil --version | cut -d ' ' -f 2)"
}

# Every declaration is used: what cannot be called so does not compile.
@test "the header is C99, C11 and C++, by itself and without warnings" {
	plain_only
	cat >"$TMP/use.c" <<-'END'
		#include <netfil/netfil.h>
		#include <netfil/netfil.h>
		int main(void)
		{
			g_autoptr(GError) error = NULL;
			g_autoptr(NetfilClient) client = netfil_client_connect_to("unix:path=/none/bus", &error);
			g_autoptr(NetfilStatus) status = NULL;

			if (NETFIL_IS_CLIENT(client))
				status = netfil_client_get(client, "a", NULL);
			return client || !g_error_matches(error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND);
		}
	END
	cp "$TMP/use.c" "$TMP/use.cc"
	for standard in c99 c11 gnu17; do
		# shellcheck disable=SC2046 # words
		gcc -std=$standard -Wall -Wextra -Wpedantic -Werror -o "$TMP/use" "$TMP/use.c" $(flags --cflags --libs)
		LD_LIBRARY_PATH=$LIBRARY "$TMP/use"
	done
	for standard in c++11 c++17 c++20; do
		# shellcheck disable=SC2046 # words
		g++ -std=$standard -Wall -Wextra -Wpedantic -Werror -o "$TMP/use" "$TMP/use.cc" $(flags --cflags --libs)
		LD_LIBRARY_PATH=$LIBRARY "$TMP/use"
	done
}

@test "each call, and what it says when it fails" {
	start_daemon
	in_ns a "$BUILD/tests/system/library-calls" "${PIDS[daemon]}" >"$TMP/calls.out" 2>"$TMP/calls.err" ||
		fail "$(grep -h -e '^not ok' -e '^Bail' "$TMP/calls.out" "$TMP/calls.err")"
	finish daemon
}

build_example() { # NAME
	# shellcheck disable=SC2046 # words
	gcc -std=gnu11 -Wall -Wextra -Werror -o "$TMP/$1" "$REPOSITORY/docs/examples/$1.c" \
		$(flags --cflags --libs)
}

# COMMAND caps a process at 100 kB, which sends 80 datagrams of 1,428 bytes: 70 fit.
caps_a_process() { # COMMAND...
	start sender capped --gate "$(make_gate sender)" --method sendto udp-send "$B4" 9 80 1400
	start example in_ns a env LD_LIBRARY_PATH="$LIBRARY" "$@" "${PIDS[sender]}" 100k
	wait_until grep -q ': capped$' "$TMP/example.out"
	netfil list --json | jq -r '.[] | "\(.name) \(.limit.total)"' >"$TMP/capped"
	open_gate sender
	finish example
	finish sender || true
	name=cap-${PIDS[sender]}
	assert_equal capped "$(cat "$TMP/capped")" "$name 100000"
	assert_equal out "$(sed -n 's/.*, out \([0-9]*\) of 100.*/\1/p' "$TMP/example.out")" 99960
	assert_equal witness "$(witness out)" 99960
	assert_equal said "$(grep -o 'the cap .*' "$TMP/example.out")" "the cap on bytes total is reached"
	((refused=$(sed -n 's/.* refused \([0-9]*\)$/\1/p' "$TMP/example.out")))
	((refused >= 1428 && refused % 1428 == 0)) || fail "refused $refused"
	assert_equal filters "$(netfil list --json)" '[]'
}

@test "the example in C, to the byte" {
	plain_only
	build_example cap
	start_daemon
	caps_a_process "$TMP/cap"
}

@test "the example in Python, to the byte" {
	start_daemon
	caps_a_process "$REPOSITORY/docs/examples/cap.py"
}

on_system_bus() {
	load systembus
	make_bus
	start_bus
	start_polkit
	start_daemon_on_bus
}

@test "the example in Python, over the system bus" {
	on_system_bus
	caps_a_process "$REPOSITORY/docs/examples/cap.py" --system
}

@test "each call over the system bus" {
	on_system_bus
	in_ns a "$BUILD/tests/system/library-calls" "${PIDS[daemon]}" system >"$TMP/calls.out" 2>"$TMP/calls.err" ||
		fail "$(grep -h -e '^not ok' -e '^Bail' "$TMP/calls.out" "$TMP/calls.err")"
	finish daemon
}
