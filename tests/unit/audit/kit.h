/* A spool in a folder of its own, and events to put into it. Failures end the test. */
#pragma once

#include "audit/spool.h"
#include "audit/spool_reader.h"

#include <check.h>

typedef struct {
    char *folder;
    HgAuditClock *clock;
    HgSpoolOptions options; /* may be changed before opening */
    HgSpoolRecovery recovery;
    HgSpool *spool;
} Kit;

/* A folder and options; the spool isn't open. */
Kit *kit_new(void);
void kit_free(Kit *kit);

void kit_open(Kit *kit);
void kit_close(Kit *kit);

/* An event with a stamp. */
HgAuditEvent kit_event(Kit *kit, HgAuditKind kind);

/* Appends an event of the kind for the statement (NULL: a new one), and waits until it is durable
 * where the options say so. Returns the outcome; the statement's id goes to *id (may be NULL). */
HgSpoolOutcome kit_append(Kit *kit, HgAuditKind kind, const HgAuditId *statement, HgAuditId *id);

/* Waits until all that was appended is written. */
void kit_settle(Kit *kit);

/* The kinds of all records in order, by name with blanks between, "!" for a hole. */
char *kit_kinds(Kit *kit);

/* The path of the last segment, or of the one with this number from 0. Free with g_free. */
char *kit_last_segment(Kit *kit);
char *kit_segment(Kit *kit, guint number);
guint kit_count_segments(Kit *kit);

/* Changes, cuts and adds to a file. */
void file_flip(const char *path, goffset at);
void file_cut(const char *path, goffset size);
void file_append(const char *path, HgSlice bytes);
goffset file_size(const char *path);
