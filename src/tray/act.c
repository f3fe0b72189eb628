/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "act.h"

#include <glib/gi18n.h>

#include "calls.h"
#include "core/error.h"

struct _NetfilAct {
	GObject parent_instance;
	NetfilModel *model;
};

enum {
	FAILED,
	DONE,
	SIGNALS,
};

static guint signals[SIGNALS];

G_DEFINE_FINAL_TYPE(NetfilAct, netfil_act, G_TYPE_OBJECT)

static void netfil_act_dispose(GObject *object)
{
	g_clear_object(&NETFIL_ACT(object)->model);
	G_OBJECT_CLASS(netfil_act_parent_class)->dispose(object);
}

static void netfil_act_class_init(NetfilActClass *class)
{
	G_OBJECT_CLASS(class)->dispose = netfil_act_dispose;
	signals[FAILED] = g_signal_new("failed", NETFIL_TYPE_ACT, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
				       NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
	signals[DONE] = g_signal_new("done", NETFIL_TYPE_ACT, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
				     NULL, G_TYPE_NONE, 0);
}

static void netfil_act_init(NetfilAct *act)
{
	(void)act;
}

NetfilAct *netfil_act_new(NetfilModel *model)
{
	NetfilAct *act = g_object_new(NETFIL_TYPE_ACT, NULL);

	act->model = g_object_ref(model);
	return act;
}

static void on_done(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(NetfilAct) act = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) answer = netfil_model_call_finish(NETFIL_MODEL(source), result, &error);

	if (answer)
		g_signal_emit(act, signals[DONE], 0);
	else
		g_signal_emit(act, signals[FAILED], 0, error);
}

void netfil_act_switch(NetfilAct *act, const char *name, gboolean on)
{
	const char *const names[] = {name, NULL};

	netfil_call_switch(act->model, names, on, on_done, g_object_ref(act));
}

void netfil_act_switch_all(NetfilAct *act, gboolean on)
{
	g_autoptr(GPtrArray) list = netfil_model_list(act->model);
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (guint i = 0; i < list->len; i++) {
		const NetfilStatus *status = list->pdata[i];

		if (status->spec->on != on)
			g_ptr_array_add(names, status->spec->name);
	}
	if (!names->len)
		return;
	g_ptr_array_add(names, NULL);
	netfil_call_switch(act->model, (const char *const *)names->pdata, on, on_done,
			   g_object_ref(act));
}

void netfil_act_top_up(NetfilAct *act, const char *name, const char *size)
{
	netfil_call_top_up(act->model, name, size, on_done, g_object_ref(act));
}

void netfil_act_remove(NetfilAct *act, const char *name)
{
	netfil_call_remove(act->model, name, on_done, g_object_ref(act));
}

void netfil_act_reset(NetfilAct *act, const char *name)
{
	netfil_call_reset(act->model, name, on_done, g_object_ref(act));
}

void netfil_act_put(NetfilAct *act, const char *name, GVariant *values)
{
	if (netfil_model_find(act->model, name))
		netfil_call_set(act->model, name, values, on_done, g_object_ref(act));
	else
		netfil_call_add(act->model, name, values, on_done, g_object_ref(act));
}

char *netfil_act_explain(const GError *error)
{
	if (g_error_matches(error, NETFIL_ERROR, NETFIL_ERROR_DENIED))
		return g_strdup_printf(_("You may look, but not change this. %s"), error->message);
	return g_strdup_printf(_("Nothing was changed. %s"), error->message);
}
