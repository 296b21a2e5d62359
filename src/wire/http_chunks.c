/* Chunked bodies: see http_chunks.h. Owns nothing; one thread at a time. */
#include "wire/http_chunks.h"

typedef enum {
    STATE_SIZE,      /* first digit of a chunk's size */
    STATE_DIGITS,    /* further digits, or what ends them */
    STATE_EXTENSION, /* behind a ';', up to the CR */
    STATE_SIZE_LF,   /* LF of the line with the size */
    STATE_DATA,      /* `left` bytes of data */
    STATE_DATA_CR,   /* CR behind the data */
    STATE_DATA_LF,   /* LF behind the data */
    STATE_TRAILER,   /* behind the last chunk's line, up to the blank line */
    STATE_OVER,      /* the body ended */
    STATE_BAD,       /* it can't be one; `why` says why */
} State;

static const char *go(HgHttpChunks *chunks, State state)
{
    chunks->state = (guint8)state;
    return NULL;
}

static const char *step_size(HgHttpChunks *chunks, guint8 byte)
{
    int digit = g_ascii_xdigit_value((char)byte);
    if (digit >= 0) {
        chunks->left = chunks->left * 16 + (guint)digit;
        if (chunks->left > HG_HTTP_SIZE_MAX)
            return "a chunk is longer than 1 TiB";
        return go(chunks, STATE_DIGITS);
    }
    if (chunks->state == STATE_SIZE)
        return "a chunk doesn't begin with its size in hexadecimal digits";
    if (byte == ';')
        return go(chunks, STATE_EXTENSION);
    return byte == '\r' ? go(chunks, STATE_SIZE_LF)
                        : "a chunk's size is followed by what is neither ';' nor the line's end";
}

static const char *step_extension(HgHttpChunks *chunks, guint8 byte)
{
    if (byte == '\r')
        return go(chunks, STATE_SIZE_LF);
    if ((byte < ' ' && byte != '\t') || byte == 0x7f)
        return "a chunk's extension has a control character";
    return NULL;
}

/* Takes a byte of the line with the size. NULL, or what is wrong with it. */
static const char *step_line(HgHttpChunks *chunks, guint8 byte)
{
    if (++chunks->line > HG_HTTP_CHUNK_LINE_MAX)
        return "the line with a chunk's size is longer than 256 bytes";
    if (chunks->state == STATE_EXTENSION)
        return step_extension(chunks, byte);
    if (chunks->state != STATE_SIZE_LF)
        return step_size(chunks, byte);
    if (byte != '\n')
        return "a CR isn't followed by LF";
    chunks->line = 0;
    return go(chunks, chunks->left > 0 ? STATE_DATA : STATE_TRAILER);
}

/* Takes a byte of the CRLF behind the data. NULL, or what is wrong with it. */
static const char *step_data_end(HgHttpChunks *chunks, guint8 byte)
{
    gboolean first = chunks->state == STATE_DATA_CR;
    if (byte != (first ? '\r' : '\n'))
        return "a chunk is longer than its size says";
    return go(chunks, first ? STATE_DATA_LF : STATE_SIZE);
}

/* Moves what there is of a chunk's data to `to`, and says how many bytes that were. */
static gsize take_data(HgHttpChunks *chunks, guint8 *to, const guint8 *from, gsize size)
{
    gsize count = (gsize)MIN(chunks->left, size);
    if (to != from)
        memmove(to, from, count);
    chunks->left -= count;
    if (chunks->left == 0)
        go(chunks, STATE_DATA_CR);
    return count;
}

/* Scans the trailer, and says how many bytes belong to it. NULL, or what is wrong. */
static const char *take_trailer(HgHttpChunks *chunks, HgSlice piece, gsize *used)
{
    switch (hg_http_scan(&chunks->trailer, HG_HTTP_TRAILER, piece, used)) {
    case HG_WIRE_OK:
        return go(chunks, STATE_OVER);
    case HG_WIRE_BAD:
        return chunks->trailer.why;
    case HG_WIRE_SHORT:
        break;
    }
    return NULL;
}

static HgHttpChunksStatus say(const HgHttpChunks *chunks)
{
    if (chunks->state == STATE_OVER)
        return HG_HTTP_CHUNKS_DONE;
    return chunks->state == STATE_BAD ? HG_HTTP_CHUNKS_BAD : HG_HTTP_CHUNKS_MORE;
}

HgHttpChunksStatus hg_http_chunks_feed(HgHttpChunks *chunks, guint8 *bytes, gsize size, gsize *used,
                                       gsize *made)
{
    gsize at = 0;
    gsize data = 0;
    while (at < size && say(chunks) == HG_HTTP_CHUNKS_MORE) {
        const char *why = NULL;
        gsize count = 1;
        if (chunks->state == STATE_DATA) {
            count = take_data(chunks, bytes + data, bytes + at, size - at);
            data += count;
        } else if (chunks->state == STATE_TRAILER) {
            why = take_trailer(chunks, hg_slice(bytes + at, size - at), &count);
        } else if (chunks->state == STATE_DATA_CR || chunks->state == STATE_DATA_LF) {
            why = step_data_end(chunks, bytes[at]);
        } else {
            why = step_line(chunks, bytes[at]);
        }
        if (why != NULL) {
            at += chunks->state == STATE_TRAILER ? count : 0;
            chunks->state = STATE_BAD;
            chunks->why = why;
            break;
        }
        at += count;
    }
    *used = at;
    *made = data;
    return say(chunks);
}

gsize hg_http_write_chunk_head(char out[HG_HTTP_CHUNK_HEAD_MAX], guint64 size)
{
    static const char digits[] = "0123456789abcdef";
    if (size == 0)
        return 0;
    gsize count = 1;
    while (count < 16 && size >> (4 * count) != 0)
        count++;
    for (gsize i = 0; i < count; i++)
        out[i] = digits[(size >> (4 * (count - 1 - i))) & 15];
    out[count] = '\r';
    out[count + 1] = '\n';
    return count + 2;
}
