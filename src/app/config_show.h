/* The configuration in effect as JSON, defaults included, for people: no secret is in it. */
#pragma once

#include "app/config.h"

/* JSON text; g_free. Any thread. */
char *hg_config_show(const HgConfig *config, const char *policy_version);
