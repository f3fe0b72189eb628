/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "core/spec.h"
#include "field.h"

/* Which keys a filter of this type is made of. Of NetfilField; the array does not own them. */
GPtrArray *netfil_form_fields(NetfilSpecType type);

/* What such a filter is about, in a sentence. */
const char *netfil_form_hint(NetfilSpecType type);

/* What is entered (a{sas}). `clear`: keys without a value are there too, and clear what a
 * filter has; else they are left out. */
GVariant *netfil_form_values(const GPtrArray *fields, gboolean clear);

/* Whether the filter is as the fields say. */
gboolean netfil_form_is(const GPtrArray *fields, const NetfilSpec *spec);

/* The values (a{sas}) and that it is on. Floating. */
GVariant *netfil_form_with_on(GVariant *values);
