# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What `meson install` puts where, and that uninstalling takes all of it away.

load lib

# Without a world: nothing runs here. meson keeps one log of what was installed, and other tests
# install, too: ours is taken while it is ours.
setup() {
	TMP=$BATS_TEST_TMPDIR ROOT=$BATS_TEST_TMPDIR/root
	mkdir "$TMP/meson-logs"
	wait_until install_alone
}

install_alone() {
	rm -rf "$ROOT"
	meson install -C "$BUILD" --no-rebuild --destdir "$ROOT" >"$TMP/install.log"
	cp "$BUILD/meson-logs/install-log.txt" "$TMP/meson-logs"
	[[ -z $(grep -v "^#\|^$ROOT\(/\|$\)" "$TMP/meson-logs/install-log.txt") ]]
}

teardown() {
	:
}

installed() {
	(cd "$ROOT" && find . -type f,l "$@" -printf '/%P\n' | sort)
}

@test "ninja uninstall leaves nothing but folders" {
	(($(installed | wc -l) > 10)) || fail 'hardly anything was installed'
	# What `ninja uninstall` runs in the build folder.
	(cd "$TMP" && meson --internal uninstall >"$TMP/uninstall.log")
	assert_equal left "$(installed)" ''
}

@test "programs, manuals and units are where they are looked for" {
	for file in bin/netfil sbin/netfild lib/systemd/system/netfild.service \
		share/man/man1/netfil.1 share/man/man8/netfild.8 share/man/man7/netfil-filters.7; do
		[[ -f $ROOT/usr/local/$file ]] || fail "there is no /usr/local/$file"
	done
	assert_equal "manuals elsewhere" "$(installed -path '*/man/*' | grep -v 'man\([0-9]\)/[^/]*\.\1$')" ''
	for program in $(sed -n 's/^Exec[A-Za-z]*=[+]*\([^ ]*\).*/\1/p' "$ROOT"/usr/local/lib/systemd/system/*); do
		[[ -x $ROOT$program || $program == /bin/* ]] || fail "a unit starts $program, which is not there"
	done
}

@test "nothing is setuid, and nobody else may write" {
	assert_equal "setuid or setgid" "$(installed -perm /6000)" ''
	assert_equal "writable" "$(installed -type f -perm /022)" ''
}

@test "programs look for libraries where the system does" {
	installed -perm /111 | while read -r file; do
		fails grep -qE 'R(UN)?PATH' <(readelf --dynamic "$ROOT$file" 2>/dev/null) || return 1
	done
	"$ROOT/usr/local/bin/netfil" --version >"$TMP/version"
	"$ROOT/usr/local/sbin/netfild" --version >>"$TMP/version"
	assert_equal versions "$(wc -l <"$TMP/version")" 2
}
