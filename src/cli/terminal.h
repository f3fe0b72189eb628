/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <glib.h>

/* What an output can show. */
typedef struct {
	gboolean interactive; /* a terminal, whose cursor can be moved */
	gboolean unicode;
	gboolean colour;
	guint width;  /* columns; 80 when it is not a terminal */
	guint height; /* lines; 24 when it is not a terminal */
} NetfilTerminal;

NetfilTerminal netfil_terminal(int fd);

typedef enum {
	NETFIL_COLOUR_NONE,
	NETFIL_COLOUR_DIM,
	NETFIL_COLOUR_GOOD,
	NETFIL_COLOUR_WARN,
	NETFIL_COLOUR_BAD,
} NetfilColour;

/* Appends the text, coloured if the terminal does colours. */
void netfil_terminal_append(GString *line, const NetfilTerminal *terminal, NetfilColour colour,
			    const char *text);

/* Columns that a text takes. */
guint netfil_text_width(const char *text);

/* The text in exactly `width` columns: filled with blanks or cut short with an
 * ellipsis, with what could disturb a terminal made visible. Caller frees. */
char *netfil_text_fit(const NetfilTerminal *terminal, const char *text, guint width);
