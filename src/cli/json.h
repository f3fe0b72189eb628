/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include <json-glib/json-glib.h>

#include "core/status.h"

/* The one place where a status becomes JSON. Caller frees. */
JsonNode *netfil_json_status(const NetfilStatus *status);

/* JSON has no 64-bit unsigned numbers of its own in json-glib: what goes beyond
 * 2^63 is written as a floating point number. */
void netfil_json_add_bytes(JsonBuilder *builder, const char *key, guint64 value);

/* As netfil_time_iso() has it, or null. */
void netfil_json_add_time(JsonBuilder *builder, const char *key, gint64 seconds);

/* {"bytes": …, "packets": …} */
void netfil_json_add_packets(JsonBuilder *builder, const char *key, guint64 bytes, guint64 packets);

/* Without a newline: over several lines for people, or in one. Caller frees. */
char *netfil_json_text(JsonNode *node, gboolean one_line);

/* To stdout, over several lines. */
void netfil_json_print(JsonNode *node);
