/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "form.h"

#include <glib/gi18n.h>
#include <string.h>

#include "field.h"
#include "form-fields.h"
#include "processes.h"

#define MARGIN 12

typedef struct {
	GtkWidget *box;
	NetfilModel *model;
	NetfilAct *act;
	NetfilSpecType type;
	GPtrArray *fields; /* NetfilField, owned by their widgets */
	GtkWidget *title, *name, *name_mistake, *note;
	GtkWidget *kept, *lists; /* what no field shows */
	GtkWidget *filter, *stop, *remove;
	char *shown;     /* the filter's name; NULL: a new one */
	char *made;      /* the new one that was asked for last */
	GVariant *begun; /* the values as they were shown */
} Form;

/* What stands in the form. */

static const char *entered_name(Form *form)
{
	return form->shown ? form->shown : gtk_entry_get_text(GTK_ENTRY(form->name));
}

static gboolean has_begun(Form *form)
{
	g_autoptr(GVariant) values = netfil_form_values(form->fields, TRUE);

	return !g_variant_equal(values, form->begun);
}

/* The whole filter, as netfild would have it; NULL and why not. */
static NetfilSpec *spec_of(Form *form, GError **error)
{
	const NetfilStatus *status =
	    form->shown ? netfil_model_find(form->model, form->shown) : NULL;
	g_autoptr(NetfilSpec) spec =
	    status ? netfil_spec_copy(status->spec) : netfil_spec_new(entered_name(form));
	g_autoptr(GVariant) values = netfil_form_values(form->fields, TRUE);

	if (!netfil_spec_name_check(spec->name, error) ||
	    !netfil_spec_update(spec, values, error) || !netfil_spec_check(spec, error))
		return NULL;
	return g_steal_pointer(&spec);
}

static NetfilField *find_field(Form *form, const char *key)
{
	for (guint i = 0; i < form->fields->len; i++)
		if (g_str_equal(((NetfilField *)form->fields->pdata[i])->key, key))
			return form->fields->pdata[i];
	return NULL;
}

/* What is wrong with it. */

static void set_note(Form *form, const char *what)
{
	gtk_label_set_text(GTK_LABEL(form->note), what ? what : "");
	gtk_widget_set_visible(form->note, what && *what);
}

static gboolean check_name(Form *form)
{
	const char *name = entered_name(form);
	g_autoptr(GError) error = NULL;
	gboolean taken = !form->shown && netfil_model_find(form->model, name);
	g_autofree char *clash = NULL;
	const char *what = NULL;

	if (taken)
		what = clash = g_strdup_printf(_("There is a filter %s: use another name."), name);
	else if (*name && !netfil_spec_name_check(name, &error))
		what = error->message;
	gtk_label_set_text(GTK_LABEL(form->name_mistake), what ? what : "");
	gtk_widget_set_visible(form->name_mistake, what != NULL);
	return !what && *name;
}

static gboolean check_fields(Form *form)
{
	gboolean right = TRUE;

	for (guint i = 0; i < form->fields->len; i++)
		right &= netfil_field_check(form->fields->pdata[i]);
	return right;
}

static void show_buttons(Form *form)
{
	const NetfilStatus *status =
	    form->shown ? netfil_model_find(form->model, form->shown) : NULL;
	gboolean is_up = netfil_model_is_up(form->model);

	gtk_widget_set_sensitive(form->filter, is_up);
	gtk_widget_set_sensitive(form->stop, is_up && status && status->spec->on);
	gtk_widget_set_sensitive(form->remove, is_up && status);
}

static void on_edited(gpointer form)
{
	check_name(form);
	set_note(form, NULL);
}

/* What the user asks for. */

static void focus_first_mistake(Form *form)
{
	if (!check_name(form)) {
		gtk_widget_grab_focus(form->name);
		return;
	}
	for (guint i = 0; i < form->fields->len; i++) {
		NetfilField *field = form->fields->pdata[i];

		if (!netfil_field_check(field)) {
			gtk_widget_grab_focus(field->editor);
			return;
		}
	}
}

static void on_filter(Form *form)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(NetfilSpec) spec = NULL;
	g_autoptr(GVariant) values = NULL;

	if (!*entered_name(form)) {
		set_note(form, _("Give the filter a name."));
		gtk_widget_grab_focus(form->name);
		return;
	}
	if (!check_name(form) || !check_fields(form)) {
		focus_first_mistake(form);
		return;
	}
	spec = spec_of(form, &error);
	if (!spec) {
		set_note(form, error->message);
		return;
	}
	values = netfil_form_values(form->fields, form->shown != NULL);
	g_free(form->made);
	form->made = form->shown ? NULL : g_strdup(spec->name);
	netfil_act_put(form->act, spec->name, netfil_form_with_on(values));
}

static void on_stop(Form *form)
{
	netfil_act_switch(form->act, form->shown, FALSE);
}

static void on_answer(GtkDialog *dialog, int answer, Form *form)
{
	const char *name = g_object_get_data(G_OBJECT(dialog), "name");

	if (answer == GTK_RESPONSE_ACCEPT)
		netfil_act_remove(form->act, name);
	gtk_widget_destroy(GTK_WIDGET(dialog));
}

static void on_remove(Form *form)
{
	GtkWindow *window = GTK_WINDOW(gtk_widget_get_toplevel(form->box));
	GtkWidget *dialog = gtk_message_dialog_new(
	    window, GTK_DIALOG_MODAL | GTK_DIALOG_DESTROY_WITH_PARENT, GTK_MESSAGE_QUESTION,
	    GTK_BUTTONS_NONE, _("Remove the filter %s?"), form->shown);

	gtk_message_dialog_format_secondary_text(GTK_MESSAGE_DIALOG(dialog), "%s",
						 _("Its cap is lifted. Its history stays."));
	gtk_dialog_add_buttons(GTK_DIALOG(dialog), _("_Cancel"), GTK_RESPONSE_CANCEL, _("_Remove"),
			       GTK_RESPONSE_ACCEPT, NULL);
	gtk_dialog_set_default_response(GTK_DIALOG(dialog), GTK_RESPONSE_CANCEL);
	g_object_set_data_full(G_OBJECT(dialog), "name", g_strdup(form->shown), g_free);
	g_signal_connect(dialog, "response", G_CALLBACK(on_answer), form);
	gtk_widget_show_all(dialog);
}

/* What is shown. */

static void fill(Form *form, const NetfilSpec *spec)
{
	g_autoptr(GVariant) values = g_variant_ref_sink(netfil_spec_to_variant(spec));

	for (guint i = 0; i < form->fields->len; i++) {
		NetfilField *field = form->fields->pdata[i];
		g_autofree const char **strings = NULL;
		const char *const none[] = {NULL};

		g_variant_lookup(values, field->key, "^a&s", &strings);
		netfil_field_set(field, strings ? strings : none);
	}
	g_clear_pointer(&form->begun, g_variant_unref);
	form->begun = netfil_form_values(form->fields, TRUE);
}

/* What the filter has beyond the fields, as the command line says it. */
static char *kept_text(Form *form, const NetfilSpec *spec)
{
	g_autoptr(GVariant) settings = g_variant_ref_sink(netfil_spec_to_variant(spec));
	GString *text = g_string_new(NULL);
	GVariantIter iter;
	const char *key;
	GVariant *values;

	g_variant_iter_init(&iter, settings);
	while (g_variant_iter_loop(&iter, "{&s@as}", &key, &values)) {
		g_autofree const char **strings = g_variant_get_strv(values, NULL);

		if (g_str_equal(key, "on") || find_field(form, key))
			continue;
		for (guint i = 0; strings[i]; i++)
			g_string_append_printf(text, "%s--%s %s", text->len ? " " : "", key,
					       strings[i]);
	}
	return g_string_free(text, FALSE);
}

/* How many prefixes there are of each list, and why a file's present version is not in force. */
static char *lists_text(const NetfilStatus *status)
{
	GString *text = g_string_new(NULL);
	GVariantIter iter;
	const char *path, *why;
	guint64 count;

	g_variant_iter_init(&iter, status->lists);
	while (g_variant_iter_loop(&iter, "(&stt&s)", &path, &count, NULL, &why)) {
		gulong n = (gulong)count;
		/* Translators: a file, and how many prefixes of it. */
		g_autofree char *line = g_strdup_printf(
		    ngettext("%s: %'lu prefix in force", "%s: %'lu prefixes in force", n), path, n);

		g_string_append_printf(text, "%s%s%s%s", text->len ? "\n" : "", line,
				       *why ? ". " : "", why);
	}
	return g_string_free(text, FALSE);
}

static void set_text(GtkWidget *label, const char *text)
{
	gtk_label_set_text(GTK_LABEL(label), text);
	gtk_widget_set_visible(label, *text != '\0');
}

static void show_kept(Form *form, const NetfilStatus *status)
{
	g_autofree char *kept = status ? kept_text(form, status->spec) : g_strdup("");
	g_autofree char *lists = status ? lists_text(status) : g_strdup("");
	/* Translators: options of the command line. */
	g_autofree char *text =
	    *kept ? g_strdup_printf(_("Also set, and kept as it is: %s"), kept) : g_strdup("");

	set_text(form->kept, text);
	set_text(form->lists, lists);
}

static void show_title(Form *form, const NetfilSpec *spec)
{
	g_autofree char *selector = spec ? netfil_spec_selector_text(spec) : NULL;
	g_autofree char *text = g_markup_printf_escaped(
	    "<b>%s</b>\n<small>%s</small>", spec ? spec->name : _("A new filter"),
	    spec ? selector : netfil_form_hint(form->type));

	gtk_label_set_markup(GTK_LABEL(form->title), text);
}

void netfil_form_show(GtkWidget *box, const char *name)
{
	Form *form = g_object_get_data(G_OBJECT(box), "form");
	const NetfilStatus *status = name ? netfil_model_find(form->model, name) : NULL;
	g_autoptr(NetfilSpec) fresh = netfil_spec_new("");
	const NetfilSpec *spec = status ? status->spec : fresh;
	char *shown = status ? g_strdup(name) : NULL;

	g_free(form->shown);
	form->shown = shown;
	gtk_entry_set_text(GTK_ENTRY(form->name), shown ? shown : "");
	gtk_widget_set_sensitive(form->name, !shown);
	gtk_widget_set_visible(form->name_mistake, FALSE);
	show_title(form, status ? spec : NULL);
	show_kept(form, status);
	fill(form, spec);
	set_note(form, NULL);
	show_buttons(form);
}

/* The model. */

static void on_changed(Form *form, const NetfilStatus *before, const NetfilStatus *now)
{
	g_auto(GStrv) differing = NULL;

	if (g_strcmp0(form->shown, now->spec->name))
		return;
	show_buttons(form);
	show_kept(form, now);
	differing = netfil_spec_compare(before->spec, now->spec);
	if (!differing[0] || (!differing[1] && g_str_equal(differing[0], "on")))
		return;
	show_title(form, now->spec);
	if (!has_begun(form))
		fill(form, now->spec);
	else if (netfil_form_is(form->fields, now->spec))
		fill(form, now->spec); /* what was asked for here */
	else
		set_note(form, _("It was changed elsewhere meanwhile. Filter puts in force "
				 "what stands here."));
}

static void on_removed(Form *form, const NetfilStatus *status)
{
	if (!g_strcmp0(form->shown, status->spec->name))
		netfil_form_show(form->box, NULL);
}

gboolean netfil_form_made(GtkWidget *box, const char *name)
{
	Form *form = g_object_get_data(G_OBJECT(box), "form");

	return !form->shown && !g_strcmp0(form->made, name);
}

/* The widgets. */

static void attach(GtkWidget *grid, int row, GtkWidget *label, GtkWidget *editor)
{
	gtk_grid_attach(GTK_GRID(grid), label, 0, row, 1, 1);
	gtk_grid_attach(GTK_GRID(grid), editor, 1, row, 1, 1);
}

static GtkWidget *name_row(Form *form)
{
	NetfilField *field = netfil_field_list("", _("_Name"), _("hotspot"));

	form->name = field->editor;
	form->name_mistake = field->mistake;
	g_signal_handlers_disconnect_by_data(form->name, field);
	g_signal_connect_swapped(form->name, "changed", G_CALLBACK(on_edited), form);
	gtk_widget_set_hexpand(field->box, TRUE);
	g_object_set_data(G_OBJECT(field->box), "label", field->label);
	return field->box;
}

static void on_picked(const char *key, const char *value, gpointer data)
{
	NetfilField *field = find_field(data, key);

	if (field)
		netfil_field_append(field, value);
}

static void on_pick(Form *form)
{
	netfil_processes_pick(GTK_WINDOW(gtk_widget_get_toplevel(form->box)), form->model,
			      on_picked, form);
}

static void add_picker(Form *form, GtkWidget *grid, int row)
{
	GtkWidget *button = gtk_button_new_with_mnemonic(_("_Pick running processes …"));

	gtk_widget_set_halign(button, GTK_ALIGN_START);
	g_signal_connect_swapped(button, "clicked", G_CALLBACK(on_pick), form);
	gtk_grid_attach(GTK_GRID(grid), button, 1, row, 1, 1);
}

static GtkWidget *grid_new(Form *form)
{
	GtkWidget *grid = gtk_grid_new();
	GtkWidget *name = name_row(form);
	int row = 0;

	gtk_grid_set_row_spacing(GTK_GRID(grid), 6);
	gtk_grid_set_column_spacing(GTK_GRID(grid), 12);
	attach(grid, row++, g_object_get_data(G_OBJECT(name), "label"), name);
	if (form->type == NETFIL_SPEC_SOCKET)
		add_picker(form, grid, row++);
	for (guint i = 0; i < form->fields->len; i++) {
		NetfilField *field = form->fields->pdata[i];

		netfil_field_watch(field, on_edited, form);
		attach(grid, row++, field->label, field->box);
	}
	return grid;
}

static GtkWidget *buttons_new(Form *form)
{
	GtkWidget *box = gtk_button_box_new(GTK_ORIENTATION_HORIZONTAL);

	form->filter = gtk_button_new_with_mnemonic(_("_Filter"));
	form->stop = gtk_button_new_with_mnemonic(_("_Stop"));
	form->remove = gtk_button_new_with_mnemonic(_("Remo_ve …"));
	gtk_button_box_set_layout(GTK_BUTTON_BOX(box), GTK_BUTTONBOX_END);
	gtk_box_set_spacing(GTK_BOX(box), 6);
	gtk_container_add(GTK_CONTAINER(box), form->remove);
	gtk_container_add(GTK_CONTAINER(box), form->stop);
	gtk_container_add(GTK_CONTAINER(box), form->filter);
	gtk_button_box_set_child_secondary(GTK_BUTTON_BOX(box), form->remove, TRUE);
	gtk_style_context_add_class(gtk_widget_get_style_context(form->filter),
				    GTK_STYLE_CLASS_SUGGESTED_ACTION);
	gtk_widget_set_tooltip_text(form->filter, _("Put it in force as it stands here"));
	gtk_widget_set_tooltip_text(form->stop, _("Switch it off: it neither counts nor refuses"));
	g_signal_connect_swapped(form->filter, "clicked", G_CALLBACK(on_filter), form);
	g_signal_connect_swapped(form->stop, "clicked", G_CALLBACK(on_stop), form);
	g_signal_connect_swapped(form->remove, "clicked", G_CALLBACK(on_remove), form);
	return box;
}

/* Shown when there is something to say. */
static GtkWidget *line_new(const char *class)
{
	GtkWidget *line = gtk_label_new(NULL);

	gtk_label_set_xalign(GTK_LABEL(line), 0);
	gtk_label_set_line_wrap(GTK_LABEL(line), TRUE);
	gtk_label_set_line_wrap_mode(GTK_LABEL(line), PANGO_WRAP_WORD_CHAR);
	gtk_style_context_add_class(gtk_widget_get_style_context(line), class);
	gtk_widget_set_no_show_all(line, TRUE);
	return line;
}

static void pack(Form *form)
{
	GtkWidget *scrolled = gtk_scrolled_window_new(NULL, NULL);
	GtkWidget *inner = gtk_box_new(GTK_ORIENTATION_VERTICAL, MARGIN);
	GtkWidget *buttons = buttons_new(form);

	form->title = gtk_label_new(NULL);
	form->kept = line_new(GTK_STYLE_CLASS_DIM_LABEL);
	form->lists = line_new(GTK_STYLE_CLASS_DIM_LABEL);
	form->note = line_new("mistake");
	gtk_label_set_xalign(GTK_LABEL(form->title), 0);
	gtk_label_set_line_wrap(GTK_LABEL(form->title), TRUE);
	gtk_label_set_line_wrap_mode(GTK_LABEL(form->title), PANGO_WRAP_WORD_CHAR);
	g_object_set(inner, "margin", MARGIN, NULL);
	g_object_set(buttons, "margin", MARGIN, NULL);
	gtk_widget_set_margin_start(form->note, MARGIN);
	gtk_widget_set_margin_end(form->note, MARGIN);
	gtk_box_pack_start(GTK_BOX(inner), form->title, FALSE, FALSE, 0);
	gtk_box_pack_start(GTK_BOX(inner), form->kept, FALSE, FALSE, 0);
	gtk_box_pack_start(GTK_BOX(inner), form->lists, FALSE, FALSE, 0);
	gtk_box_pack_start(GTK_BOX(inner), grid_new(form), FALSE, FALSE, 0);
	gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(scrolled), GTK_POLICY_NEVER,
				       GTK_POLICY_AUTOMATIC);
	gtk_container_add(GTK_CONTAINER(scrolled), inner);
	gtk_box_pack_start(GTK_BOX(form->box), scrolled, TRUE, TRUE, 0);
	gtk_box_pack_start(GTK_BOX(form->box), form->note, FALSE, FALSE, 0);
	gtk_box_pack_start(GTK_BOX(form->box), buttons, FALSE, FALSE, 0);
}

static void form_free(gpointer data)
{
	Form *form = data;

	g_signal_handlers_disconnect_by_data(form->model, form);
	g_object_unref(form->model);
	g_object_unref(form->act);
	g_ptr_array_unref(form->fields);
	g_clear_pointer(&form->begun, g_variant_unref);
	g_free(form->shown);
	g_free(form->made);
	g_free(form);
}

GtkWidget *netfil_form_new(NetfilModel *model, NetfilAct *act, NetfilSpecType type)
{
	Form *form = g_new0(Form, 1);

	form->box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
	form->model = g_object_ref(model);
	form->act = g_object_ref(act);
	form->type = type;
	form->fields = netfil_form_fields(type);
	pack(form);
	g_object_set_data_full(G_OBJECT(form->box), "form", form, form_free);
	g_signal_connect_swapped(model, "changed", G_CALLBACK(on_changed), form);
	g_signal_connect_swapped(model, "removed", G_CALLBACK(on_removed), form);
	g_signal_connect_swapped(model, "up-changed", G_CALLBACK(show_buttons), form);
	netfil_form_show(form->box, NULL);
	return form->box;
}
