/* The rows of `audit`: see options.h. Static data; any thread. */
#include "app/config.h"
#include "app/options_rows.h"

static const HgOptionChoice durabilities[] = {
    {"statement", HG_SPOOL_EACH_STATEMENT,
     "a statement is sent, and its end told, when that is on the disk", FALSE},
    {"interval", HG_SPOOL_INTERVAL, "nobody waits; a machine that loses power loses an interval",
     FALSE},
    {0},
};

static const HgOptionChoice bounds[] = {
    {"refuse", HG_SPOOL_REFUSE, "new statements, sessions and metadata calls are refused", FALSE},
    {"drop", HG_SPOOL_DROP, "work goes on, and events are lost and counted", FALSE},
    {0},
};

static const HgOptionChoice literals[] = {
    {"keep", FALSE, "only secrets, and what `patterns` match", FALSE},
    {"hide", TRUE, "all of them, and comments", FALSE},
    {0},
};

static const HgOption redact_rows[] = {
    {.name = "literals",
     CHOICE(HgAuditRedactConfig, hide_literals, gboolean, literals),
     .fallback = "keep",
     .text = "Which literals of a statement become `?`."},
    {.name = "patterns",
     LIST(HgAuditRedactConfig, patterns, HG_OPTION_TEXTS),
     .min = 1,
     .max = 64,
     .text = "Regular expressions (PCRE, in any case): a literal or comment in which one matches "
             "becomes `?`."},
};
static const HgSection redact_section = DESCRIBE(HgAuditRedactConfig, redact_rows);

static const HgOption rows[] = {
    {.name = "spool",
     STRING(HgAuditConfig, spool, HG_OPTION_PATH),
     .text = "Folder in which every event is first; made when it isn't there. Without it nothing "
             "is recorded. One hivegate has it."},
    {.name = "postgres",
     STRING(HgAuditConfig, postgres, HG_OPTION_TEXT),
     .text = "Where events go from there: keywords and values, or a `postgresql://` URI, as libpq "
             "takes them, without a password. Without it the spool is the record."},
    {.name = "password_file",
     STRING(HgAuditConfig, password_file, HG_OPTION_PATH),
     .text = "File whose first line is the password for PostgreSQL; read at each connection."},
    {.name = "durability",
     CHOICE(HgAuditConfig, durability, HgSpoolDurability, durabilities),
     .fallback = "statement",
     .text = "Who waits until an event is on the disk."},
    {.name = "interval",
     DURATION(HgAuditConfig, interval_ms),
     .fallback = "1s",
     .min = 10,
     .max = MINUTES(1),
     .text = "With `durability: interval`, the time between two writes to the disk."},
    {.name = "limit",
     SIZE(HgAuditConfig, limit),
     .fallback = "10GiB",
     .min = MIB(1),
     .max = GIB(1024 * 1024),
     .text = "Bytes that the spool may have. The last eighth is kept for the ends of statements."},
    {.name = "memory",
     SIZE(HgAuditConfig, memory),
     .fallback = "64MiB",
     .min = MIB(1),
     .max = GIB(64),
     .text = "Bytes of events that may wait to be written."},
    {.name = "when_full",
     CHOICE(HgAuditConfig, when_full, HgSpoolWhenFull, bounds),
     .fallback = "refuse",
     .text = "What happens when one of these is reached, or the disk fails."},
    {.name = "redact",
     SECTION(HgAuditConfig, redact, redact_section),
     .text = "What isn't kept of statements. Values of settings and options whose names speak of "
             "a secret, and passwords in URLs, never are."},
};

const HgSection *hg_option_audit_section(void)
{
    static const HgSection section = DESCRIBE(HgAuditConfig, rows);
    return &section;
}
