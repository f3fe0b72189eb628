/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "chart.h"

#include <glib/gi18n.h>

#include "buckets.h"
#include "show/when.h"
#include "text.h"

#define LINES 4
#define GAP 6
#define BAR_WIDTH_MAX 48

typedef struct {
	GtkWidget *area;
	GArray *buckets;
	NetfilBy by;
	guint64 cap, top;
} Chart;

/* Where things are. */
typedef struct {
	double left, top, width, height; /* of the bars' room */
	double step;                     /* from bar to bar */
	gboolean mirrored;               /* time goes from right to left */
} Room;

static PangoLayout *text_new(Chart *chart, const char *text)
{
	PangoLayout *layout = gtk_widget_create_pango_layout(chart->area, text);
	PangoFontDescription *font = pango_font_description_copy(
	    pango_context_get_font_description(gtk_widget_get_pango_context(chart->area)));

	pango_font_description_set_size(font, pango_font_description_get_size(font) * 5 / 6);
	pango_layout_set_font_description(layout, font);
	pango_font_description_free(font);
	return layout;
}

static void text_size(Chart *chart, const char *text, int *width, int *height)
{
	g_autoptr(PangoLayout) layout = text_new(chart, text);

	pango_layout_get_pixel_size(layout, width, height);
}

static char *line_label(const Chart *chart, guint line)
{
	return netfil_text_size(chart->top / LINES * line);
}

static Room room_of(Chart *chart)
{
	double width = gtk_widget_get_allocated_width(chart->area);
	double height = gtk_widget_get_allocated_height(chart->area);
	Room room = {.top = GAP,
		     .mirrored = gtk_widget_get_direction(chart->area) == GTK_TEXT_DIR_RTL};
	int widest = 0, line_height = 0;

	for (guint i = 0; i <= LINES; i++) {
		g_autofree char *label = line_label(chart, i);
		int text_width;

		text_size(chart, label, &text_width, &line_height);
		widest = MAX(widest, text_width);
	}
	room.top += line_height * 3 / 2.0; /* the legend */
	room.left = room.mirrored ? GAP : widest + 2 * GAP;
	room.width = width - widest - 3 * GAP;
	room.height = height - room.top - line_height - 2 * GAP;
	room.step = room.width / MAX(chart->buckets->len, 1);
	return room;
}

/* The left end of a bar's place. */
static double place(const Room *room, guint index, guint count)
{
	return room->left + room->step * (room->mirrored ? count - 1 - index : index);
}

static void draw_text(Chart *chart, cairo_t *cairo, const char *text, double x, double y,
		      double xalign)
{
	g_autoptr(PangoLayout) layout = text_new(chart, text);
	int width, height;

	pango_layout_get_pixel_size(layout, &width, &height);
	cairo_move_to(cairo, x - width * xalign, y);
	pango_cairo_show_layout(cairo, layout);
}

static void set_colour(Chart *chart, cairo_t *cairo, double alpha)
{
	GtkStyleContext *style = gtk_widget_get_style_context(chart->area);
	GdkRGBA colour;

	gtk_style_context_get_color(style, gtk_style_context_get_state(style), &colour);
	colour.alpha *= alpha;
	gdk_cairo_set_source_rgba(cairo, &colour);
}

/* What is chosen is dark in some dark themes: lighter there. */
static void lighten(GdkRGBA *colour, const GdkRGBA *text)
{
	if (text->red + text->green + text->blue < 1.5)
		return;
	colour->red = (colour->red * 2 + text->red) / 3;
	colour->green = (colour->green * 2 + text->green) / 3;
	colour->blue = (colour->blue * 2 + text->blue) / 3;
}

static void set_bar_colour(Chart *chart, cairo_t *cairo, gboolean out)
{
	GtkStyleContext *style = gtk_widget_get_style_context(chart->area);
	GdkRGBA text, colour;

	/* The theme's own, so that they are seen on dark and in high contrast too. */
	gtk_style_context_get_color(style, gtk_style_context_get_state(style), &text);
	colour = text;
	if (out)
		colour.alpha *= 0.45;
	else if (gtk_style_context_lookup_color(style, "theme_selected_bg_color", &colour))
		lighten(&colour, &text);
	gdk_cairo_set_source_rgba(cairo, &colour);
}

static void draw_lines(Chart *chart, cairo_t *cairo, const Room *room)
{
	cairo_set_line_width(cairo, 1);
	for (guint i = 0; i <= LINES; i++) {
		double y = room->top + room->height * (LINES - i) / LINES;
		g_autofree char *label = line_label(chart, i);
		int width, height;

		text_size(chart, label, &width, &height);
		set_colour(chart, cairo, 0.15);
		cairo_move_to(cairo, room->left, (int)y + 0.5);
		cairo_rel_line_to(cairo, room->width, 0);
		cairo_stroke(cairo);
		set_colour(chart, cairo, 0.8);
		draw_text(chart, cairo, label,
			  room->mirrored ? room->left + room->width + GAP : room->left - GAP,
			  y - height / 2.0, room->mirrored ? 0 : 1);
	}
}

static void draw_bar(Chart *chart, cairo_t *cairo, const Room *room, guint index)
{
	const NetfilBucket *bucket = &g_array_index(chart->buckets, NetfilBucket, index);
	double width = CLAMP(room->step * 0.7, 1, BAR_WIDTH_MAX);
	double x = place(room, index, chart->buckets->len) + (room->step - width) / 2;
	double in = room->height * ((double)bucket->in / (double)chart->top);
	double out = room->height * ((double)bucket->out / (double)chart->top);
	double bottom = room->top + room->height;

	set_bar_colour(chart, cairo, FALSE);
	cairo_rectangle(cairo, x, bottom - in, width, in);
	cairo_fill(cairo);
	set_bar_colour(chart, cairo, TRUE);
	cairo_rectangle(cairo, x, bottom - in - out, width, out);
	cairo_fill(cairo);
}

static char *bucket_label(const Chart *chart, const NetfilBucket *bucket)
{
	switch (chart->by) {
	case NETFIL_BY_HOUR:
		return netfil_when(bucket->start, "%H:%M");
	case NETFIL_BY_MONTH:
		return netfil_when(bucket->start, "%b %Y");
	default:
		return netfil_when(bucket->start, "%e %b");
	}
}

/* As many as there is room for. */
static void draw_times(Chart *chart, cairo_t *cairo, const Room *room)
{
	guint count = chart->buckets->len, every;
	int width, height;

	text_size(chart, "00 Mmm 0000", &width, &height);
	every = MAX(1, (guint)(width / room->step + 1));
	set_colour(chart, cairo, 0.8);
	for (guint i = (count - 1) % every; i < count; i += every) {
		g_autofree char *label =
		    bucket_label(chart, &g_array_index(chart->buckets, NetfilBucket, i));

		text_size(chart, label, &width, &height);
		draw_text(chart, cairo, label,
			  CLAMP(place(room, i, count) + room->step / 2, room->left + width / 2.0,
				room->left + room->width - width / 2.0),
			  room->top + room->height + GAP, 0.5);
	}
}

static void draw_cap(Chart *chart, cairo_t *cairo, const Room *room)
{
	static const double dashes[] = {6, 4};
	double y = room->top + room->height * (1 - (double)chart->cap / (double)chart->top);
	g_autofree char *size = netfil_text_size(chart->cap);
	g_autofree char *label = g_strdup_printf(_("cap %s"), size);

	cairo_save(cairo);
	set_colour(chart, cairo, 0.9);
	cairo_set_dash(cairo, dashes, G_N_ELEMENTS(dashes), 0);
	cairo_set_line_width(cairo, 1.5);
	cairo_move_to(cairo, room->left, y);
	cairo_rel_line_to(cairo, room->width, 0);
	cairo_stroke(cairo);
	draw_text(chart, cairo, label, room->mirrored ? room->left : room->left + room->width,
		  y + 2, room->mirrored ? 0 : 1);
	cairo_restore(cairo);
}

static double draw_key(Chart *chart, cairo_t *cairo, gboolean out, double x, int mirror)
{
	const char *label = out ? _("out") : _("in");
	int width, height;

	text_size(chart, label, &width, &height);
	set_bar_colour(chart, cairo, out);
	cairo_rectangle(cairo, mirror < 0 ? x - height : x, GAP / 2.0, height * 0.8, height * 0.8);
	cairo_fill(cairo);
	set_colour(chart, cairo, 0.9);
	draw_text(chart, cairo, label, x + mirror * (height + GAP / 2.0), GAP / 2.0 - 1,
		  mirror < 0 ? 1 : 0);
	return x + mirror * (height + width + 3 * GAP);
}

static void draw_legend(Chart *chart, cairo_t *cairo, const Room *room)
{
	int mirror = room->mirrored ? -1 : 1;
	double x = room->mirrored ? room->left + room->width : room->left;

	x = draw_key(chart, cairo, FALSE, x, mirror);
	draw_key(chart, cairo, TRUE, x, mirror);
}

static gboolean on_draw(Chart *chart, cairo_t *cairo)
{
	Room room;

	if (!chart->buckets || !chart->buckets->len)
		return FALSE;
	room = room_of(chart);
	draw_legend(chart, cairo, &room);
	draw_lines(chart, cairo, &room);
	for (guint i = 0; i < chart->buckets->len; i++)
		draw_bar(chart, cairo, &room, i);
	draw_times(chart, cairo, &room);
	if (chart->cap)
		draw_cap(chart, cairo, &room);
	return FALSE;
}

/* In words. */

static char *bucket_text(const Chart *chart, const NetfilBucket *bucket)
{
	g_autofree char *when = bucket_label(chart, bucket);
	g_autofree char *in = netfil_text_size(bucket->in);
	g_autofree char *out = netfil_text_size(bucket->out);

	/* Translators: a time, and what moved then. */
	return g_strdup_printf(_("%s: %s in, %s out"), g_strchug(when), in, out);
}

static gboolean on_tooltip(Chart *chart, int x, int y, gboolean by_keyboard, GtkTooltip *tooltip)
{
	g_autofree char *text = NULL;
	Room room;

	(void)y;
	if (by_keyboard || !chart->buckets || !chart->buckets->len)
		return FALSE;
	room = room_of(chart);
	for (guint i = 0; i < chart->buckets->len; i++) {
		double left = place(&room, i, chart->buckets->len);

		if (x < left || x >= left + room.step)
			continue;
		text = bucket_text(chart, &g_array_index(chart->buckets, NetfilBucket, i));
		gtk_tooltip_set_text(tooltip, text);
		return TRUE;
	}
	return FALSE;
}

/* All bars in which something moved, for those who hear them. */
static void describe(Chart *chart)
{
	AtkObject *accessible = gtk_widget_get_accessible(chart->area);
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < chart->buckets->len; i++) {
		const NetfilBucket *bucket = &g_array_index(chart->buckets, NetfilBucket, i);
		g_autofree char *one = bucket_text(chart, bucket);

		if (bucket->in + bucket->out)
			g_string_append_printf(text, "%s%s", text->len ? "; " : "", one);
	}
	atk_object_set_description(accessible, text->len ? text->str : _("Nothing moved."));
}

void netfil_chart_show(GtkWidget *area, GArray *buckets, NetfilBy by, guint64 cap)
{
	Chart *chart = g_object_get_data(G_OBJECT(area), "chart");
	guint64 most = cap;

	for (guint i = 0; i < buckets->len; i++) {
		const NetfilBucket *bucket = &g_array_index(buckets, NetfilBucket, i);

		most = MAX(most, bucket->in + bucket->out);
	}
	g_clear_pointer(&chart->buckets, g_array_unref);
	chart->buckets = buckets;
	chart->by = by;
	chart->cap = cap;
	chart->top = netfil_buckets_top(most);
	describe(chart);
	gtk_widget_queue_draw(area);
}

static void chart_free(gpointer data)
{
	Chart *chart = data;

	g_clear_pointer(&chart->buckets, g_array_unref);
	g_free(chart);
}

GtkWidget *netfil_chart_new(void)
{
	Chart *chart = g_new0(Chart, 1);

	chart->area = gtk_drawing_area_new();
	g_object_set_data_full(G_OBJECT(chart->area), "chart", chart, chart_free);
	gtk_widget_set_size_request(chart->area, 300, 180);
	gtk_widget_set_has_tooltip(chart->area, TRUE);
	atk_object_set_name(gtk_widget_get_accessible(chart->area), _("Usage"));
	atk_object_set_role(gtk_widget_get_accessible(chart->area), ATK_ROLE_CHART);
	g_signal_connect_swapped(chart->area, "draw", G_CALLBACK(on_draw), chart);
	g_signal_connect_swapped(chart->area, "query-tooltip", G_CALLBACK(on_tooltip), chart);
	return chart->area;
}
