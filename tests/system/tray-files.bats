# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What is installed around netfil-tray: a desktop takes it, and every text has its German.

load lib

setup() {
	TMP=$BATS_TEST_TMPDIR
	cd "$REPOSITORY" || return
}

teardown() {
	:
}

@test "desktop entries and metainfo are valid, and in German too" {
	desktop-file-validate "$BUILD/data/desktop/org.netfil.Tray.desktop" \
		"$BUILD/data/desktop/netfil-tray-autostart.desktop"
	appstreamcli validate --no-net "$BUILD/data/desktop/org.netfil.Tray.metainfo.xml"
	grep -qx 'GenericName\[de\]=Datenlimits' "$BUILD/data/desktop/org.netfil.Tray.desktop"
	grep -q '<summary xml:lang="de">' "$BUILD/data/desktop/org.netfil.Tray.metainfo.xml"
}

# The texts of all sources, as translators get them.
extract() {
	xgettext --from-code=UTF-8 --keyword=_ --keyword=N_ --keyword=ngettext:1,2 \
		--files-from=<(grep -v '^#' po/POTFILES) --output="$TMP/netfil.pot"
}

@test "every source with texts is in po/POTFILES" {
	assert_equal sources "$(grep -v '^#' po/POTFILES | sort | tr '\n' ' ')" \
		"$({
			grep -lE '\b(_|N_|ngettext)\("' src/tray/*.c
			ls data/desktop/*.in
		} | sort | tr '\n' ' ')"
}

@test "every text has its translation, in the same form" {
	extract
	for language in $(grep -v '^#' po/LINGUAS); do
		msgfmt --check --output-file=/dev/null "po/$language.po"
		msgcmp "po/$language.po" "$TMP/netfil.pot" # all, and none that is fuzzy
		assert_equal "texts of $language that are no more" \
			"$(msgattrib --only-obsolete "po/$language.po" | grep -c '^#~ msgid' || true)" 0
	done
}
