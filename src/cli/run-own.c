/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A cap that this process keeps itself. */
#include "engine/engine.h"
#include "run-cap.h"

#define DRAIN_INTERVAL_MS 20
#define DRAIN_STALL_SECONDS 5

typedef struct {
	NetfilRunCap cap;
	NetfilEngine *engine;
	char *name;
} Own;

static NetfilStatus *own_status(NetfilRunCap *cap, GError **error)
{
	Own *own = (Own *)cap;

	return netfil_engine_get(own->engine, own->name, error);
}

static gboolean wake(gpointer data G_GNUC_UNUSED)
{
	return G_SOURCE_CONTINUE;
}

/* What the command left in its sockets' buffers is sent by the kernel after it, and
 * belongs to it: so wait as long as that moves. What stalls is ended, for nobody
 * would hold it to its cap any more. */
static void drain(Own *own)
{
	guint timer = g_timeout_add(DRAIN_INTERVAL_MS, wake, NULL);
	gint64 moved = g_get_monotonic_time();
	guint64 before = 0;

	while (netfil_engine_closing(own->engine, own->name)) {
		g_autoptr(NetfilStatus) status = netfil_engine_get(own->engine, own->name, NULL);

		if (!status || status->used[NETFIL_TOTAL] != before)
			moved = g_get_monotonic_time();
		before = status ? status->used[NETFIL_TOTAL] : 0;
		if (g_get_monotonic_time() - moved > DRAIN_STALL_SECONDS * G_USEC_PER_SEC) {
			netfil_engine_end_connections(own->engine, own->name);
			break;
		}
		g_main_context_iteration(NULL, TRUE);
	}
	g_source_remove(timer);
}

static NetfilStatus *own_end(NetfilRunCap *cap, GError **error)
{
	Own *own = (Own *)cap;

	drain(own);
	netfil_engine_follow(own->engine); /* a short command may end before it does so itself */
	return own_status(cap, error);
}

static void own_free(NetfilRunCap *cap)
{
	Own *own = (Own *)cap;

	g_clear_object(&own->engine);
	g_free(own->name);
	g_free(own);
}

static void on_cap_reached(Own *own)
{
	own->cap.handler.reached(own->cap.handler.data);
}

static void on_warned(Own *own, const char *name, guint percent, guint direction)
{
	g_autoptr(NetfilStatus) status = netfil_engine_get(own->engine, name, NULL);

	if (status)
		own->cap.handler.warned(status, percent, direction, own->cap.handler.data);
}

NetfilRunCap *netfil_run_cap_own(const NetfilSpec *spec, const NetfilRunCapHandler *handler,
				 GError **error)
{
	const char *set = g_getenv("NETFIL_CGROUP");
	g_autofree char *root = set && *set ? g_canonicalize_filename(set, NULL) : NULL;
	const NetfilEngineOptions options = {.cgroup_root = root};
	Own *own = g_new0(Own, 1);

	own->cap = (NetfilRunCap){own_status, own_end, own_free, *handler};
	own->name = g_strdup(spec->name);
	own->engine = netfil_engine_new(&options, error);
	if (own->engine) {
		g_signal_connect_swapped(own->engine, "cap-reached", G_CALLBACK(on_cap_reached),
					 own);
		g_signal_connect_swapped(own->engine, "warned", G_CALLBACK(on_warned), own);
		if (netfil_engine_add(own->engine, spec, 0, error))
			return &own->cap;
	}
	own_free(&own->cap);
	return NULL;
}
