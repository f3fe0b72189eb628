/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "calls.h"

void netfil_call_add(NetfilModel *model, const char *name, GVariant *specification,
		     GAsyncReadyCallback callback, gpointer data)
{
	netfil_model_call(model, "Add", g_variant_new("(s@a{sas})", name, specification), TRUE,
			  NULL, callback, data);
}

void netfil_call_set(NetfilModel *model, const char *name, GVariant *changes,
		     GAsyncReadyCallback callback, gpointer data)
{
	netfil_model_call(model, "Set", g_variant_new("(s@a{sas})", name, changes), TRUE, NULL,
			  callback, data);
}

void netfil_call_switch(NetfilModel *model, const char *const *names, gboolean on,
			GAsyncReadyCallback callback, gpointer data)
{
	netfil_model_call(model, "Switch", g_variant_new("(^asb)", names, on), TRUE, NULL, callback,
			  data);
}

static void for_name(NetfilModel *model, const char *method, const char *name,
		     GAsyncReadyCallback callback, gpointer data)
{
	const char *const names[] = {name, NULL};

	netfil_model_call(model, method, g_variant_new("(^as)", names), TRUE, NULL, callback, data);
}

void netfil_call_remove(NetfilModel *model, const char *name, GAsyncReadyCallback callback,
			gpointer data)
{
	for_name(model, "Remove", name, callback, data);
}

void netfil_call_reset(NetfilModel *model, const char *name, GAsyncReadyCallback callback,
		       gpointer data)
{
	for_name(model, "Reset", name, callback, data);
}

void netfil_call_top_up(NetfilModel *model, const char *name, const char *size,
			GAsyncReadyCallback callback, gpointer data)
{
	const NetfilStatus *status = netfil_model_find(model, name);
	int direction = status ? netfil_status_tightest(status) : -1;
	g_autofree char *more = g_strconcat("+", size, NULL);
	const char *const values[] = {more, NULL};
	GVariantBuilder changes;

	g_variant_builder_init(&changes, G_VARIANT_TYPE("a{sas}"));
	/* Without a cap netfild says why not. */
	g_variant_builder_add(
	    &changes, "{s^as}",
	    netfil_direction_name(direction < 0 ? NETFIL_TOTAL : (guint)direction), values);
	netfil_call_set(model, name, g_variant_builder_end(&changes), callback, data);
}

/* Pages. */

typedef struct {
	const char *method;
	char *first, *second; /* what is asked, but for the times */
	gint64 from, to;
	void (*add)(GArray *periods, GVariant *page);
	GArray *periods;
} Question;

static void question_free(gpointer data)
{
	Question *question = data;

	g_free(question->first);
	g_free(question->second);
	g_array_unref(question->periods);
	g_free(question);
}

static void ask(GTask *task, guint64 cursor);

static void on_page(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GTask) task = data;
	Question *question = g_task_get_task_data(task);
	GError *error = NULL;
	g_autoptr(GVariant) answer = netfil_model_call_finish(NETFIL_MODEL(source), result, &error);
	g_autoptr(GVariant) page = NULL;
	guint64 next;

	if (!answer) {
		g_task_return_error(task, error);
		return;
	}
	page = g_variant_get_child_value(answer, 0);
	g_variant_get_child(answer, 1, "t", &next);
	question->add(question->periods, page);
	if (next)
		ask(g_object_ref(task), next);
	else
		g_task_return_pointer(task, g_array_ref(question->periods),
				      (GDestroyNotify)g_array_unref);
}

static void ask(GTask *task, guint64 cursor)
{
	const Question *question = g_task_get_task_data(task);
	GVariant *arguments =
	    question->second
		? g_variant_new("(ssxxt)", question->first, question->second, question->from,
				question->to, cursor)
		: g_variant_new("(sxxt)", question->first, question->from, question->to, cursor);

	netfil_model_call(NETFIL_MODEL(g_task_get_source_object(task)), question->method, arguments,
			  FALSE, g_task_get_cancellable(task), on_page, task);
}

static void begin(NetfilModel *model, const Question *template, GCancellable *cancellable,
		  GAsyncReadyCallback callback, gpointer data)
{
	GTask *task = g_task_new(model, cancellable, callback, data);
	Question *question = g_memdup2(template, sizeof *template);

	question->periods = netfil_periods_new();
	g_task_set_task_data(task, question, question_free);
	ask(task, 0);
}

void netfil_call_history(NetfilModel *model, const char *name, NetfilBy by, gint64 from, gint64 to,
			 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
	Question question = {
	    .method = "History",
	    .first = g_strdup(name),
	    .second = g_strdup(netfil_by_name(by)),
	    .from = from,
	    .to = to,
	    .add = netfil_periods_add_history,
	};

	begin(model, &question, cancellable, callback, data);
}

void netfil_call_apps(NetfilModel *model, gint64 from, gint64 to, GCancellable *cancellable,
		      GAsyncReadyCallback callback, gpointer data)
{
	Question question = {
	    .method = "Apps",
	    .first = g_strdup(""), /* one sum an application */
	    .from = from,
	    .to = to,
	    .add = netfil_periods_add_apps,
	};

	begin(model, &question, cancellable, callback, data);
}

GArray *netfil_call_periods_finish(NetfilModel *model, GAsyncResult *result, GError **error)
{
	g_return_val_if_fail(g_task_is_valid(result, model), NULL);
	return g_task_propagate_pointer(G_TASK(result), error);
}
