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

static const HgOption anchor_rows[] = {
    {.name = "key_file",
     STRING(HgAuditAnchorsConfig, key_file, HG_OPTION_PATH),
     .text = "File with the private key (`hivegatectl audit key new`) that signs anchors of the "
             "log's chain; read for each, so that another key may take its place. Without it none "
             "are made."},
    {.name = "file",
     STRING(HgAuditAnchorsConfig, file, HG_OPTION_PATH),
     .text = "File to which each anchor is appended, a line each: best where nobody who may write "
             "the audit can change it."},
    {.name = "url",
     STRING(HgAuditAnchorsConfig, url, HG_OPTION_TEXT),
     .text = "URL to which each is sent by POST: https, or http on this machine."},
    {.name = "ca_file",
     STRING(HgAuditAnchorsConfig, ca_file, HG_OPTION_PATH),
     .text = "PEM file of the authorities for the URL. Without it the system's."},
    {.name = "interval",
     DURATION(HgAuditAnchorsConfig, interval_ms),
     .fallback = "1m",
     .min = 100,
     .max = HOURS(24),
     .text = "Time between two anchors, when there was anything to record: what came after the "
             "last one can be cut off unseen."},
};
static const HgSection anchor_section = DESCRIBE(HgAuditAnchorsConfig, anchor_rows);

static const HgOptionChoice kept_addresses[] = {
    {"keep", FALSE, "as they are", FALSE},
    {"hide", TRUE, "pseudonyms, without the port", FALSE},
    {0},
};

static const HgOption pseudonym_rows[] = {
    {.name = "key_file",
     STRING(HgAuditPseudonymsConfig, key_file, HG_OPTION_PATH),
     .text =
         "File whose first line is a key of at least 32 characters: `principal` and "
         "`effective_user` of events are keyed hashes (`hivegatectl audit pseudonym` makes that "
         "of a name). Without it names are kept as they are."},
    {.name = "addresses",
     CHOICE(HgAuditPseudonymsConfig, addresses, gboolean, kept_addresses),
     .fallback = "keep",
     .text = "What becomes of clients' addresses then."},
};
static const HgSection pseudonym_section = DESCRIBE(HgAuditPseudonymsConfig, pseudonym_rows);

static const HgOptionChoice export_forms[] = {
    {"json", HG_EXPORT_JSON, "an event a line", FALSE},
    {"syslog", HG_EXPORT_SYSLOG, "RFC 5424 messages in the frames of RFC 5425", FALSE},
    {0},
};

static const HgOption export_rows[] = {
    {.name = "host",
     STRING(HgAuditExportConfig, host, HG_OPTION_TEXT),
     .text =
         "Name or address of the collector (a SIEM) that gets each event. Without it none does. "
         "While it is away the spool keeps events for it, up to half of `limit`."},
    {.name = "port",
     COUNT(HgAuditExportConfig, port),
     .fallback = "6514",
     .min = 1,
     .max = 65535,
     .text = "Its port."},
    {.name = "format",
     CHOICE(HgAuditExportConfig, form, HgExportForm, export_forms),
     .fallback = "json",
     .text = "What it gets."},
    {.name = "tls",
     SWITCH(HgAuditExportConfig, tls),
     .fallback = "true",
     .text = "TLS; its certificate must be made out to `host`."},
    {.name = "ca_file",
     STRING(HgAuditExportConfig, ca_file, HG_OPTION_PATH),
     .text = "PEM file of the authorities that its certificate may be from. Without it the "
             "system's."},
    {.name = "certificate_file",
     STRING(HgAuditExportConfig, certificate_file, HG_OPTION_PATH),
     .text = "PEM file with the certificate that is shown when it asks for one."},
    {.name = "key_file",
     STRING(HgAuditExportConfig, key_file, HG_OPTION_PATH),
     .text = "PEM file with the key of `certificate_file`."},
};
static const HgSection export_section = DESCRIBE(HgAuditExportConfig, export_rows);

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
    {.name = "anchors",
     SECTION(HgAuditConfig, anchors, anchor_section),
     .text = "Signed statements on the chain of records, which find a log that was made anew or "
             "cut off."},
    {.name = "pseudonyms",
     SECTION(HgAuditConfig, pseudonyms, pseudonym_section),
     .text = "Names of people as keyed hashes."},
    {.name = "export",
     SECTION(HgAuditConfig, export, export_section),
     .text = "Events to a collector, beside PostgreSQL."},
};

const HgSection *hg_option_audit_section(void)
{
    static const HgSection section = DESCRIBE(HgAuditConfig, rows);
    return &section;
}
