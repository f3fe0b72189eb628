/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "conf.h"

#include <pwd.h>

#include "client/paths.h"
#include "core/error.h"
#include "trusted.h"

#define CONF_MAX (1024 * 1024)

char *netfil_conf_path(void)
{
	return g_build_filename(netfil_config_dir(), "netfil.conf", NULL);
}

gboolean netfil_conf_events_user(const NetfilConfig *config, NetfilHookUser *user)
{
	const struct passwd *entry = getpwnam(config->events_user);
	guint64 number;

	if (!entry &&
	    g_ascii_string_to_unsigned(config->events_user, 10, 0, G_MAXUINT32 - 1, &number, NULL))
		entry = getpwuid(number); /* for its group */
	if (!entry)
		return FALSE;
	user->uid = entry->pw_uid;
	user->gid = entry->pw_gid;
	return TRUE;
}

static void read_text(NetfilConfig *config, const char *path, const char *text, gsize length,
		      GPtrArray *mistakes)
{
	g_autoptr(NetfilKeyFile) file = netfil_config_read(config, text, length);
	guint line = netfil_key_file_line(file, NETFIL_CONFIG_SECTION, "events-user");
	gboolean named = line != netfil_key_file_line(file, NETFIL_CONFIG_SECTION, NULL);
	NetfilHookUser user;

	if (named && !netfil_conf_events_user(config, &user)) {
		netfil_key_file_note(
		    file, line,
		    g_error_new(NETFIL_ERROR, NETFIL_ERROR_INVALID,
				"there is no user '%s' for events-user: give a name of "
				"`getent passwd`",
				config->events_user));
		netfil_key_file_sort(file);
	}
	netfil_mistakes_add_all(mistakes, path, file);
}

void netfil_conf_read(NetfilConfig *config, GPtrArray *mistakes)
{
	g_autofree char *path = netfil_conf_path();
	g_autofree char *text = NULL;
	GError *error = NULL;
	gsize length;

	text = netfil_trusted_read(path, CONF_MAX, &length, &error);
	if (text)
		read_text(config, path, text, length, mistakes);
	else if (g_error_matches(error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND))
		g_error_free(error);
	else
		netfil_mistakes_take(mistakes, error);
}
