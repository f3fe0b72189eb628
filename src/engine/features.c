// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "engine.h"
#include "kernel/feature.h"

GArray *netfil_engine_features(NetfilEngine *engine_or_null)
{
	GArray *features = g_array_new(FALSE, FALSE, sizeof(NetfilFeature));

	for (NetfilFeatureId id = 0; id < NETFIL_FEATURES; id++) {
		const NetfilFeatureText *text = netfil_feature_text(id);
		gboolean present = netfil_feature_present(id);
		NetfilFeature feature = {
		    .name = text->name,
		    .present = present || netfil_feature_withdrawn(id),
		    .used = engine_or_null && netfil_feature_wanted(id),
		    .required = text->required,
		    .purpose = text->purpose,
		    .lost = text->lost,
		};

		g_array_append_val(features, feature);
	}
	return features;
}
