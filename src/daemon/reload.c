/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "reload.h"

#include "conf.h"
#include "core/error.h"
#include "events.h"
#include "log.h"
#include "presets.h"

/* A mistake there would keep netfild from starting again. */
static gboolean look_at_conf(const NetfilConfig *used, GError **error)
{
	g_autoptr(GPtrArray) mistakes = netfil_mistakes_new();
	g_autoptr(NetfilConfig) now = netfil_config_new();
	g_auto(GStrv) keys = NULL;
	g_autofree char *list = NULL;

	netfil_conf_read(now, mistakes);
	for (guint i = 0; i < mistakes->len; i++)
		netfil_log_event(NETFIL_LOG_MISTAKE, NULL, "%s", (char *)mistakes->pdata[i]);
	if (mistakes->len) {
		g_autofree char *summary = netfil_mistakes_summary(mistakes);

		g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_INVALID, summary);
		return FALSE;
	}
	keys = netfil_config_compare(used, now);
	list = g_strjoinv(", ", keys);
	if (*list)
		g_warning("netfil.conf: %s changed: restart netfild for it to take effect", list);
	return TRUE;
}

gboolean netfil_reload(gpointer data, GError **error)
{
	const NetfilReload *reload = data;

	netfil_events_check();
	return netfil_engine_reload(reload->engine, error) && look_at_conf(reload->conf, error) &&
	       netfil_presets_apply(reload->engine, error);
}
