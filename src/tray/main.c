/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <glib/gi18n.h>
#include <locale.h>

#include "application.h"

/* $NETFIL_LOCALEDIR: where a build has its translations before it is installed. */
static void set_language(void)
{
	const char *folder = g_getenv("NETFIL_LOCALEDIR");

	setlocale(LC_ALL, "");
	bindtextdomain(GETTEXT_PACKAGE, folder ? folder : NETFIL_LOCALEDIR);
	bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
	textdomain(GETTEXT_PACKAGE);
}

int main(int argc, char **argv)
{
	g_autoptr(GApplication) application = NULL;

	set_language();
	application = netfil_application_new();
	return g_application_run(application, argc, argv);
}
