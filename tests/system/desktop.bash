# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A desktop for netfil-tray in a test's world: an X server without a screen, a session bus, a
# window manager, a panel that hosts status notifiers, notifications; all in the namespace of
# the capped side, and in the cgroup that unmake_world() ends.

# Its own folders, so that nothing of who runs the test is read or written.
make_home() {
	export HOME=$TMP/home XDG_RUNTIME_DIR=$TMP/xdg XDG_CONFIG_HOME=$TMP/home/.config \
		XDG_DATA_HOME=$TMP/home/.local/share XDG_STATE_HOME=$TMP/home/.local/state \
		XDG_CACHE_HOME=$TMP/home/.cache XDG_DATA_DIRS=$TMP/share:/usr/local/share:/usr/share
	mkdir -p "$XDG_CONFIG_HOME/xfce4/xfconf/xfce-perchannel-xml" "$XDG_DATA_HOME" \
		"$XDG_STATE_HOME" "$XDG_CACHE_HOME" "$XDG_RUNTIME_DIR" "$TMP/share/applications"
	chmod 700 "$XDG_RUNTIME_DIR"
	# As they are installed: the icons, and the name under which notifications come.
	ln -sfn "$REPOSITORY/data/icons" "$TMP/share/icons"
	export GIO_USE_VFS=local GSETTINGS_BACKEND=memory GTK_THEME=${DESKTOP_THEME:-Adwaita} \
		NO_AT_BRIDGE=0 LC_ALL=${DESKTOP_LOCALE:-C.UTF-8} TZ=UTC
	unset WAYLAND_DISPLAY DESKTOP_SESSION XDG_CURRENT_DESKTOP
	make_panel
}

# The locale's own files: nothing is asked of the machine's.
make_locale() { # LOCALE
	mkdir -p "$TMP/locales"
	localedef --no-archive -i "$1" -f UTF-8 "$TMP/locales/$1.UTF-8"
	export LOCPATH=$TMP/locales NETFIL_LOCALEDIR=$BUILD/po
	DESKTOP_LOCALE=$1.UTF-8
}

# A panel at the top with nothing but the status notifiers and a clock.
make_panel() {
	cat >"$XDG_CONFIG_HOME/xfce4/xfconf/xfce-perchannel-xml/xfce4-panel.xml" <<-END
		<?xml version="1.0" encoding="UTF-8"?>
		<channel name="xfce4-panel" version="1.0">
		  <property name="configver" type="int" value="2"/>
		  <property name="panels" type="array">
		    <value type="int" value="1"/>
		    <property name="dark-mode" type="bool" value="${DESKTOP_DARK:-false}"/>
		    <property name="panel-1" type="empty">
		      <property name="position" type="string" value="p=6;x=0;y=0"/>
		      <property name="length" type="uint" value="100"/>
		      <property name="position-locked" type="bool" value="true"/>
		      <property name="size" type="uint" value="32"/>
		      <property name="icon-size" type="uint" value="22"/>
		      <property name="plugin-ids" type="array">
		        <value type="int" value="1"/>
		        <value type="int" value="2"/>
		        <value type="int" value="3"/>
		      </property>
		    </property>
		  </property>
		  <property name="plugins" type="empty">
		    <property name="plugin-1" type="string" value="separator">
		      <property name="expand" type="bool" value="true"/>
		      <property name="style" type="uint" value="0"/>
		    </property>
		    <property name="plugin-2" type="string" value="systray">
		      <property name="square-icons" type="bool" value="true"/>
		    </property>
		    <property name="plugin-3" type="string" value="clock">
		      <property name="digital-time-format" type="string" value="%R"/>
		    </property>
		  </property>
		</channel>
	END
}

# $DESKTOP_USER: whose desktop it is, by number; root's if not set.
start_desktop() {
	make_home
	DESKTOP_AS=()
	[[ -z ${DESKTOP_USER-} ]] || own_desktop "$DESKTOP_USER"
	start x in_ns a "${DESKTOP_AS[@]}" bash -c "exec Xvfb -displayfd 9 -screen 0 ${DESKTOP_SCREEN:-1024x720}x24 \
		-nolisten tcp -noreset -ac 9>\"\$TRAFFIC_READY\""
	ready x
	export DISPLAY=:$READY_PID DBUS_SESSION_BUS_ADDRESS=unix:path=$TMP/session
	start manager in_ns a "${DESKTOP_AS[@]}" openbox --sm-disable
	start_session
}

# The session bus, and those on it without which there is no desktop.
start_session() {
	start session in_ns a "${DESKTOP_AS[@]}" bash -c "exec dbus-daemon --session --nofork --nopidfile \
		--address='$DBUS_SESSION_BUS_ADDRESS' --print-address=9 9>\"\$TRAFFIC_READY\""
	ready session
	# shellcheck disable=SC2046 # words
	start notifier in_ns a "${DESKTOP_AS[@]}" ${DESKTOP_NOTIFIER-dunst -conf $(make_notifier)}
	start panel in_ns a "${DESKTOP_AS[@]}" xfce4-panel --disable-wm-check
	wait_until has_name org.kde.StatusNotifierWatcher
	wait_until has_name org.freedesktop.Notifications
}

# A panel and notifications end with their bus.
stop_session() {
	local name
	for name in session panel notifier; do
		kill -TERM "${PIDS[$name]}" 2>/dev/null || true
		finish "$name" || true
	done
}

own_desktop() { # UID
	DESKTOP_AS=(setpriv "--reuid=$1" "--regid=$1" --clear-groups)
	chown -R "$1" "$HOME" "$XDG_RUNTIME_DIR"
	chmod 777 "$TMP"
}

# Notifications as they come, one by one, to a script that writes them down.
make_notifier() {
	cat >"$TMP/dunstrc" <<-END
		[global]
		    monitor = 0
		    origin = top-right
		    offset = 12x48
		    width = 420
		    notification_limit = 5
		    font = Sans 10
		    frame_width = 1
		    corner_radius = 4
		    timeout = 0
		    show_indicators = yes
		    dmenu = $TMP/choose
	    mouse_middle_click = context
		    format = "<b>%s</b>\\n%b"
		    markup = full
		    icon_path = $REPOSITORY/data/icons/hicolor/scalable/status
		    min_icon_size = 32
		    max_icon_size = 32
		[urgency_low]
		    background = "#f6f5f4"
		    foreground = "#2e3436"
		    frame_color = "#8a8f93"
		    timeout = 0
		[urgency_normal]
		    background = "#f6f5f4"
		    foreground = "#2e3436"
		    frame_color = "#8a8f93"
		    timeout = 0
		[urgency_critical]
		    background = "#f6f5f4"
		    foreground = "#2e3436"
		    frame_color = "#8e2f9e"
		    timeout = 0
		[heard]
		    summary = "*"
		    script = $TMP/heard
	END
	cat >"$TMP/heard" <<-END
		#!/bin/bash
		printf '%s: %s\\n' "\$2" "\${3//\$'\\n'/ }" >>'$TMP/notifications'
	END
	# Which button is pressed: see press_button.
	cat >"$TMP/choose" <<-END
		#!/bin/bash
		tee -a '$TMP/offered' | grep -m 1 "^#\$(cat '$TMP/button') "
	END
	chmod 755 "$TMP/heard" "$TMP/choose"
	: >"$TMP/notifications"
	chmod 666 "$TMP/notifications"
	printf '%s' "$TMP/dunstrc"
}

on_desktop() { # COMMAND...
	in_ns a "${DESKTOP_AS[@]}" "$@"
}

has_name() { # NAME
	on_desktop gdbus call --session --dest org.freedesktop.DBus --object-path / \
		--method org.freedesktop.DBus.NameHasOwner "$1" 2>/dev/null | grep -q true
}

# $NETFIL_TRAY: another one, as of a build with sanitizers.
start_tray() { # ARGUMENTS...
	export LSAN_OPTIONS=print_suppressions=0:suppressions=$REPOSITORY/tests/system/tray-leaks.supp
	start tray in_ns a "${DESKTOP_AS[@]}" "${NETFIL_TRAY:-$BUILD/src/tray/netfil-tray}" "$@"
	wait_until has_name org.netfil.Tray
}

stop_tray() {
	kill -TERM "${PIDS[tray]}"
	finish tray
}

# What the icon says: its name in the theme, as the panel is told it.
icon() {
	on_desktop gdbus call --session --dest "$(notifier_name)" \
		--object-path /org/ayatana/NotificationItem/netfil_tray \
		--method org.freedesktop.DBus.Properties.Get org.kde.StatusNotifierItem IconName |
		sed -n "s/.*<'\(.*\)'>.*/\1/p"
}

# Ayatana's items are registered by the connection that they are on.
notifier_name() {
	on_desktop gdbus call --session --dest org.kde.StatusNotifierWatcher \
		--object-path /StatusNotifierWatcher --method org.freedesktop.DBus.Properties.Get \
		org.kde.StatusNotifierWatcher RegisteredStatusNotifierItems |
		grep -o ':[0-9.]*[^,]*netfil_tray' | sed 's/[@/].*//'
}

is_icon() { # NAME
	[[ $(icon) == "$1" ]]
}

# The menu as the panel is told it: a line an item, "[x] ", "[ ] " or nothing before it.
menu() {
	on_desktop gdbus call --session --dest "$(notifier_name)" \
		--object-path /org/ayatana/NotificationItem/netfil_tray/Menu \
		--method com.canonical.dbusmenu.GetLayout 0 -- -1 '[]' |
		sed "s/}, @av \[\])>/\n/g" | sed -n "
			/'label'/!d
			s/.*'toggle-state': <1>.*'label': <'\(.*\)'>.*/[x] \1/p
			t
			s/.*'toggle-state': <0>.*'label': <'\(.*\)'>.*/[ ] \1/p
			t
			s/.*'label': <'\(.*\)'>.*/\1/p"
}

menu_has() { # LINE
	menu | grep -qxF -- "$1"
}

# Where the panel has the icon: the clock's width is that of its font.
click_icon() {
	on_desktop xdotool mousemove 940 16 click 1
}

windows_of_panel() {
	on_desktop xdotool search --onlyvisible --name '^wrapper-2.0$' 2>/dev/null | wc -l
}

open_menu() {
	local before
	before=$(windows_of_panel)
	click_icon
	wait_until eval "((\$(windows_of_panel) > $before))"
}

keys() { # KEY...
	on_desktop xdotool key --clearmodifiers "$@"
}

typed() { # TEXT
	on_desktop xdotool type --clearmodifiers -- "$1"
}

told_times() { # PATTERN
	grep -c -- "$1" "$TMP/notifications" || true
}

# A button of the one notification that is shown.
press_button() { # LABEL
	printf '%s' "$1" >"$TMP/button"
	wait_until eval '(($(on_desktop dunstctl count displayed) == 1))'
	on_desktop dunstctl context
}

# What a screen reader would find, and what the keyboard does: see desktop-ask.py.
ask_desktop() { # QUESTION...
	on_desktop /usr/bin/python3 "${BASH_SOURCE[0]%/*}/desktop-ask.py" "$@"
}

screenshot() { # FILE [WINDOW]
	on_desktop import -silent -window "${2:-root}" "$1"
}
