/* The rows of `policies`: see options.h. Static data; any thread. */
#include "app/config.h"
#include "app/options_rows.h"

static const HgOption rows[] = {
    {.name = "file",
     STRING(HgPoliciesConfig, file, HG_OPTION_PATH),
     .reloadable = TRUE,
     .text = "The policies file (docs/policies.md). A reload that finds an error in it changes "
             "nothing."},
    {.name = "user",
     STRING(HgPoliciesConfig, user, HG_OPTION_TEXT),
     .text = "As whom hivegate looks tables up on the endpoints, when the pool has `login: "
             "as-user`. The user must be able to DESCRIBE every table. With `login: service` it is "
             "the pool's own."},
    {.name = "schema_ttl",
     DURATION(HgPoliciesConfig, schema_ttl_ms),
     .fallback = "30s",
     .min = SECONDS(1),
     .max = HOURS(1),
     .text = "How long what was learned of a table is believed. Changes that go through hivegate "
             "are noticed at once."},
    {.name = "lookup_timeout",
     DURATION(HgPoliciesConfig, lookup_timeout_ms),
     .fallback = "30s",
     .min = SECONDS(1),
     .max = MINUTES(10),
     .text = "How long a statement waits until its tables were looked up; then it is refused."},
    {.name = "tables",
     COUNT(HgPoliciesConfig, tables),
     .fallback = "10000",
     .min = 100,
     .max = 1000000,
     .text = "Tables of an endpoint that are remembered."},
};

const HgSection *hg_option_policies_section(void)
{
    static const HgSection section = DESCRIBE(HgPoliciesConfig, rows);
    return &section;
}
