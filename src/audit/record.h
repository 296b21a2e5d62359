/* The form of a record in a spool's segment, and the chain of hashes.
 *
 *   offset  bytes
 *        0      4  "HGR1"
 *        4      4  CRC32C of all that follows, payload included
 *        8      4  size of the payload
 *       12      1  kind (audit/event.h), and three zero bytes
 *       16      8  sequence: 1, 2, 3 ... in a spool, for ever
 *       24     16  id of the event
 *       40     16  id of the statement that it belongs to, or zeros
 *       56     32  hash: SHA-256 of (the record before's hash, sequence, payload)
 *       88         payload: the event as JSON
 *
 * Numbers are little-endian. The first record of a spool follows a hash of zeros. Pure. */
#pragma once

#include "audit/event.h"

#include <openssl/evp.h>

#define HG_RECORD_HEAD 88

typedef struct {
    guint8 bytes[32];
} HgAuditHash;

/* A record as read; payload is borrowed from whoever read it. */
typedef struct {
    guint kind;
    guint64 sequence;
    HgAuditId id;
    HgAuditId statement_id;
    HgAuditHash hash;
    HgSlice payload;
} HgRecord;

/* What a look at bytes found. */
typedef enum {
    HG_RECORD_OK,
    HG_RECORD_SHORT, /* so far it may be one, but it isn't whole */
    HG_RECORD_BAD,   /* it is none, or was changed */
} HgRecordCheck;

/* Computes hashes; one per thread that does. */
typedef struct HgChain HgChain;
HgChain *hg_chain_new(void);
void hg_chain_free(HgChain *chain);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgChain, hg_chain_free)

/* The hash of the record with this sequence and payload behind one with the hash `before`. */
void hg_chain_next(HgChain *chain, const HgAuditHash *before, guint64 sequence, HgSlice payload,
                   HgAuditHash *out);

gboolean hg_audit_hash_equal(const HgAuditHash *a, const HgAuditHash *b);

/* 64 lower-case digits and a NUL. */
#define HG_AUDIT_HASH_TEXT 65
void hg_audit_hash_print(const HgAuditHash *hash, char out[HG_AUDIT_HASH_TEXT]);

/* Reads 64 hexadecimal digits with nothing behind them. FALSE when they are none. */
gboolean hg_audit_hash_parse(const char *text, HgAuditHash *out);

/* Writes the head of the record, whose payload stands right behind it: out + HG_RECORD_HEAD. */
void hg_record_seal(const HgRecord *record, guint8 *out);

/* Reads the record at the front of the bytes. *size is its size with the head (OK), or how many
 * bytes are needed before more can be said (SHORT). The chain isn't looked at. */
HgRecordCheck hg_record_read(HgSlice bytes, HgRecord *out, gsize *size);
