// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "down.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"

static gboolean is_noted(const NetfilFilter *filter, const char *name)
{
	g_auto(GStrv) notes = g_strsplit(filter->downed ? filter->downed : "", " ", -1);

	for (guint i = 0; notes[i]; i++) {
		gsize length = strcspn(notes[i], ":"); /* not in an interface's name */

		if (length == strlen(name) && !strncmp(notes[i], name, length))
			return TRUE;
	}
	return FALSE;
}

static void note(NetfilFilter *filter, const char *name, int kept)
{
	g_autofree char *before = filter->downed;
	g_autofree char *how = kept < 0 ? g_strdup("") : g_strdup_printf(":%d", kept);

	filter->downed = g_strconcat(before ? before : "", before ? " " : "", name, how, NULL);
}

static gboolean take_down(NetfilDevices *devices, NetfilFilter *filter, const char *name)
{
	int kept = netfil_device_keep_addresses(name, 1);
	g_autoptr(GError) error = NULL;

	if (!netfil_devices_set_up(devices, name, FALSE, &error)) {
		g_warning("%s", error->message);
		if (kept >= 0)
			netfil_device_keep_addresses(name, kept);
		return FALSE;
	}
	/* If it is noted, somebody else brought it up, and what was kept is noted too. */
	if (!is_noted(filter, name))
		note(filter, name, kept);
	return TRUE;
}

gboolean netfil_down(NetfilDevices *devices, NetfilFilter *filter)
{
	const GPtrArray *list = netfil_devices_list(devices);
	gboolean was_up = FALSE;

	for (guint i = 0; i < list->len; i++) {
		const NetfilDevice *device = list->pdata[i];

		if (netfil_globs_match(filter->spec->interfaces, device->name, device->loopback,
				       FALSE) &&
		    netfil_devices_is_up(devices, device->name) &&
		    take_down(devices, filter, device->name))
			was_up = TRUE;
	}
	return was_up;
}

static void bring_up(NetfilDevices *devices, char *noted)
{
	char *kept = strchr(noted, ':');
	g_autoptr(GError) error = NULL;

	if (kept)
		*kept++ = '\0';
	if (!netfil_devices_set_up(devices, noted, TRUE, &error) &&
	    !g_error_matches(error, NETFIL_ERROR, NETFIL_ERROR_NOT_FOUND)) /* unplugged */
		g_warning("%s", error->message);
	if (kept)
		netfil_device_keep_addresses(noted, atoi(kept));
}

gboolean netfil_down_end(NetfilDevices *devices, NetfilFilter *filter)
{
	g_auto(GStrv) notes = NULL;

	if (!filter->downed)
		return FALSE;
	notes = g_strsplit(filter->downed, " ", -1);
	for (guint i = 0; notes[i]; i++)
		bring_up(devices, notes[i]);
	g_clear_pointer(&filter->downed, g_free);
	return TRUE;
}
