/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A cap that netfild keeps, as it does for every user's own processes. */
#include <string.h>

#include "client/client.h"
#include "core/error.h"
#include "run-cap.h"

/* A name of ours may be there still, of a run whose processes go on. */
#define NAMES_TRIED 100
#define END_PATIENCE_MS 15000

typedef struct {
	NetfilRunCap cap;
	NetfilClient *client; /* NULL: netfild went away; the kernel keeps the cap */
	char *name;
	NetfilStatus *last;
	gboolean removed;
} Lent;

static void take(Lent *lent, const NetfilStatus *status)
{
	g_clear_pointer(&lent->last, netfil_status_free);
	lent->last = netfil_status_copy(status);
}

static NetfilStatus *last_known(Lent *lent, GError **error)
{
	if (lent->last)
		return netfil_status_copy(lent->last);
	g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_FAILED,
			    "netfild went away before it told a number: see its log");
	return NULL;
}

static NetfilStatus *lent_status(NetfilRunCap *cap, GError **error)
{
	Lent *lent = (Lent *)cap;
	g_autoptr(NetfilStatus) status = NULL;

	if (lent->client && !lent->removed)
		status = netfil_client_get(lent->client, lent->name, NULL);
	if (!status)
		return last_known(lent, error);
	take(lent, status);
	return g_steal_pointer(&status);
}

static void on_changed(Lent *lent, const NetfilStatus *status)
{
	if (g_str_equal(status->spec->name, lent->name))
		take(lent, status);
}

static void on_removed(Lent *lent, const char *name)
{
	if (g_str_equal(name, lent->name))
		lent->removed = TRUE;
}

static void on_cap_reached(Lent *lent, const char *name, const char *direction G_GNUC_UNUSED)
{
	if (g_str_equal(name, lent->name))
		lent->cap.handler.reached(lent->cap.handler.data);
}

static void on_warned(Lent *lent, const char *name, guint percent, const char *direction)
{
	g_autoptr(NetfilStatus) status = NULL;

	if (!g_str_equal(name, lent->name))
		return;
	status = lent_status(&lent->cap, NULL);
	if (status)
		lent->cap.handler.warned(status, percent,
					 g_str_equal(direction, "in")    ? NETFIL_IN
					 : g_str_equal(direction, "out") ? NETFIL_OUT
									 : NETFIL_TOTAL,
					 lent->cap.handler.data);
}

static void let_go(Lent *lent)
{
	if (lent->client)
		g_signal_handlers_disconnect_by_data(lent->client, lent);
	g_clear_object(&lent->client);
}

/* netfild comes back with the cap as it stands, if it does. */
static void on_closed(Lent *lent)
{
	let_go(lent);
}

static gboolean attach(Lent *lent, GError **error)
{
	static const struct {
		const char *signal;
		GCallback handler;
	} tidings[] = {
	    {"changed", G_CALLBACK(on_changed)}, {"removed", G_CALLBACK(on_removed)},
	    {"warned", G_CALLBACK(on_warned)},   {"cap-reached", G_CALLBACK(on_cap_reached)},
	    {"closed", G_CALLBACK(on_closed)},
	};

	lent->client = netfil_client_connect(error);
	for (guint i = 0; lent->client && i < G_N_ELEMENTS(tidings); i++)
		g_signal_connect_swapped(lent->client, tidings[i].signal, tidings[i].handler, lent);
	return lent->client != NULL;
}

static gboolean on_deadline(gpointer passed)
{
	*(gboolean *)passed = TRUE;
	return G_SOURCE_CONTINUE;
}

/* netfild removes the filter when nothing is left of it. */
static NetfilStatus *lent_end(NetfilRunCap *cap, GError **error)
{
	Lent *lent = (Lent *)cap;
	gboolean passed = FALSE;
	guint deadline = g_timeout_add(END_PATIENCE_MS, on_deadline, &passed);

	if (!lent->client && attach(lent, NULL)) {
		g_autoptr(NetfilStatus) status = lent_status(cap, NULL);

		lent->removed |= !status;
	}
	while (lent->client && !lent->removed && !passed)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(deadline);
	return lent_status(cap, error);
}

static void lent_free(NetfilRunCap *cap)
{
	Lent *lent = (Lent *)cap;

	let_go(lent);
	g_clear_pointer(&lent->last, netfil_status_free);
	g_free(lent->name);
	g_free(lent);
}

static gboolean add(Lent *lent, NetfilSpec *spec, GError **error)
{
	for (guint i = 1;; i++) {
		g_autoptr(GError) problem = NULL;

		if (netfil_client_add_spec(lent->client, spec, &problem))
			break;
		if (!g_error_matches(problem, NETFIL_ERROR, NETFIL_ERROR_EXISTS) ||
		    i == NAMES_TRIED) {
			g_propagate_error(error, g_steal_pointer(&problem));
			return FALSE;
		}
		g_free(spec->name);
		spec->name = g_strdup_printf("%s.%u", lent->name, i);
	}
	g_free(lent->name);
	lent->name = g_strdup(spec->name);
	return TRUE;
}

NetfilRunCap *netfil_run_cap_lent(const NetfilSpec *spec, const NetfilRunCapHandler *handler,
				  GError **error)
{
	g_autoptr(NetfilSpec) wanted = netfil_spec_copy(spec);
	Lent *lent = g_new0(Lent, 1);

	lent->cap = (NetfilRunCap){lent_status, lent_end, lent_free, *handler};
	lent->name = g_strdup(spec->name);
	wanted->until_exit = TRUE;
	if (attach(lent, error) && add(lent, wanted, error)) {
		netfil_status_free(lent_status(&lent->cap, NULL)); /* the first that is known */
		return &lent->cap;
	}
	lent_free(&lent->cap);
	if (error && g_error_matches(*error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND)) {
		g_clear_error(error);
		g_set_error_literal(error, NETFIL_ERROR, NETFIL_ERROR_DENIED,
				    "netfild is not running, and without it this needs root: "
				    "start netfild, or run it with sudo");
	}
	return NULL;
}
