/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "user.h"

#include <pwd.h>

#define PASSWD_BUFFER 16384

char *netfil_user_name(guint32 uid)
{
	g_autofree char *buffer = g_malloc(PASSWD_BUFFER);
	struct passwd entry, *found = NULL;

	if (uid == G_MAXUINT32)
		return NULL;
	if (getpwuid_r(uid, &entry, buffer, PASSWD_BUFFER, &found) == 0 && found)
		return g_utf8_make_valid(found->pw_name, -1);
	return g_strdup_printf("%u", uid);
}
