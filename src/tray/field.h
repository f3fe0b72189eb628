/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <gtk/gtk.h>

/*
 * One key of a filter's specification, as the form shows it: an editor with its label, and
 * beside it what is wrong with its values. What is right is for core to say.
 */
typedef struct NetfilField NetfilField;

struct NetfilField {
	const char *key;
	GtkWidget *label, *box; /* the editor and, below it, the mistake */
	GtkWidget *editor;      /* what the label is for, and what is focused */
	GtkWidget *mistake;
	GtkWidget *more[2]; /* further parts of the editor, of its own */
	char **(*get)(NetfilField *field);
	void (*set)(NetfilField *field, const char *const *values);
	void (*changed)(gpointer data);
	gpointer data;
};

/* The values as the bus takes them; an empty list for none. g_strfreev(). */
char **netfil_field_get(NetfilField *field);
void netfil_field_set(NetfilField *field, const char *const *values);

/* One more value, if it is not there yet. */
void netfil_field_append(NetfilField *field, const char *value);

/* Shows what is wrong; whether nothing is. */
gboolean netfil_field_check(NetfilField *field);

/* `changed` is called when the user changes something. Freed with its label. */
void netfil_field_watch(NetfilField *field, void (*changed)(gpointer data), gpointer data);

/* Values in a line, as netfil_words_split() reads it. `example` stands there while it is empty. */
NetfilField *netfil_field_list(const char *key, const char *label, const char *example);
NetfilField *netfil_field_size(const char *key, const char *label);
NetfilField *netfil_field_switch(const char *key, const char *label);
NetfilField *netfil_field_policy(const char *key, const char *label, gboolean processes,
				 gboolean interfaces);
NetfilField *netfil_field_cycle(const char *key, const char *label);
NetfilField *netfil_field_interfaces(const char *key, const char *label);

/* For those who make fields. */
NetfilField *netfil_field_new(const char *key, const char *label, GtkWidget *editor);
void netfil_field_changed(NetfilField *field); /* g_signal_connect_swapped() this */

/* What a screen reader says of a part of a field. */
void netfil_name_widget(GtkWidget *widget, const char *name);
