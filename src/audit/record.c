/* Records: see record.h. Pure but for OpenSSL's digest, whose context a chain owns. */
#include "audit/record.h"

#include "audit/crc32c.h"

#define AT_CHECKSUM  4
#define AT_SIZE      8
#define AT_KIND      12
#define AT_SEQUENCE  16
#define AT_ID        24
#define AT_STATEMENT 40
#define AT_HASH      56

static const char magic[4] = "HGR1";

struct HgChain {
    EVP_MD *algorithm;
    EVP_MD_CTX *context;
};

HgChain *hg_chain_new(void)
{
    HgChain *chain = g_new0(HgChain, 1);
    chain->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    chain->context = EVP_MD_CTX_new();
    if (chain->algorithm == NULL || chain->context == NULL)
        g_error("OpenSSL has no SHA-256: its configuration doesn't load the default provider");
    return chain;
}

void hg_chain_free(HgChain *chain)
{
    if (chain == NULL)
        return;
    EVP_MD_CTX_free(chain->context);
    EVP_MD_free(chain->algorithm);
    g_free(chain);
}

static void put32(guint8 *at, guint32 value)
{
    value = GUINT32_TO_LE(value);
    memcpy(at, &value, sizeof value);
}

static guint32 get32(const guint8 *at)
{
    guint32 value;
    memcpy(&value, at, sizeof value);
    return GUINT32_FROM_LE(value);
}

static void put64(guint8 *at, guint64 value)
{
    value = GUINT64_TO_LE(value);
    memcpy(at, &value, sizeof value);
}

static guint64 get64(const guint8 *at)
{
    guint64 value;
    memcpy(&value, at, sizeof value);
    return GUINT64_FROM_LE(value);
}

void hg_chain_next(HgChain *chain, const HgAuditHash *before, guint64 sequence, HgSlice payload,
                   HgAuditHash *out)
{
    guint8 number[8];
    guint8 digest[EVP_MAX_MD_SIZE];
    put64(number, sequence);
    if (EVP_DigestInit_ex2(chain->context, chain->algorithm, NULL) != 1 ||
        EVP_DigestUpdate(chain->context, before->bytes, sizeof before->bytes) != 1 ||
        EVP_DigestUpdate(chain->context, number, sizeof number) != 1 ||
        EVP_DigestUpdate(chain->context, payload.data, payload.size) != 1 ||
        EVP_DigestFinal_ex(chain->context, digest, NULL) != 1)
        g_error("OpenSSL's SHA-256 failed"); /* only without memory */
    memcpy(out->bytes, digest, sizeof out->bytes);
}

gboolean hg_audit_hash_equal(const HgAuditHash *a, const HgAuditHash *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

void hg_audit_hash_print(const HgAuditHash *hash, char out[HG_AUDIT_HASH_TEXT])
{
    for (guint i = 0; i < sizeof hash->bytes; i++) {
        out[2 * i] = "0123456789abcdef"[hash->bytes[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[hash->bytes[i] & 15];
    }
    out[HG_AUDIT_HASH_TEXT - 1] = '\0';
}

gboolean hg_audit_hash_parse(const char *text, HgAuditHash *out)
{
    HgAuditHash hash;
    for (gsize i = 0; i < sizeof hash.bytes; i++) {
        int high = g_ascii_xdigit_value(text[2 * i]);
        int low = high >= 0 ? g_ascii_xdigit_value(text[2 * i + 1]) : -1;
        if (low < 0)
            return FALSE;
        hash.bytes[i] = (guint8)(high << 4 | low);
    }
    if (text[2 * sizeof hash.bytes] != '\0')
        return FALSE;
    *out = hash;
    return TRUE;
}

static guint32 checksum_of(const guint8 *head, gsize payload)
{
    return hg_audit_crc32c(hg_slice(head + AT_SIZE, HG_RECORD_HEAD - AT_SIZE + payload));
}

void hg_record_seal(const HgRecord *record, guint8 *out)
{
    memset(out, 0, HG_RECORD_HEAD);
    memcpy(out, magic, sizeof magic);
    put32(out + AT_SIZE, (guint32)record->payload.size);
    out[AT_KIND] = (guint8)record->kind;
    put64(out + AT_SEQUENCE, record->sequence);
    memcpy(out + AT_ID, &record->id, sizeof record->id);
    memcpy(out + AT_STATEMENT, &record->statement_id, sizeof record->statement_id);
    memcpy(out + AT_HASH, &record->hash, sizeof record->hash);
    put32(out + AT_CHECKSUM, checksum_of(out, record->payload.size));
}

HgRecordCheck hg_record_read(HgSlice bytes, HgRecord *out, gsize *size)
{
    const guint8 *head = bytes.data;
    if (memcmp(head, magic, MIN(bytes.size, sizeof magic)) != 0)
        return HG_RECORD_BAD;
    *size = HG_RECORD_HEAD;
    if (bytes.size < HG_RECORD_HEAD)
        return HG_RECORD_SHORT;
    gsize payload = get32(head + AT_SIZE);
    if (payload > HG_AUDIT_EVENT_MAX)
        return HG_RECORD_BAD;
    *size = HG_RECORD_HEAD + payload;
    if (bytes.size < *size)
        return HG_RECORD_SHORT;
    if (get32(head + AT_CHECKSUM) != checksum_of(head, payload))
        return HG_RECORD_BAD;
    out->kind = head[AT_KIND];
    out->sequence = get64(head + AT_SEQUENCE);
    memcpy(&out->id, head + AT_ID, sizeof out->id);
    memcpy(&out->statement_id, head + AT_STATEMENT, sizeof out->statement_id);
    memcpy(&out->hash, head + AT_HASH, sizeof out->hash);
    out->payload = hg_slice(head + HG_RECORD_HEAD, payload);
    return HG_RECORD_OK;
}
