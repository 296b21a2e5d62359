/* The heads of Thrift binary: see layout.h. Pure functions; any thread. */
#include "wire/layout.h"

gboolean hg_layout_length_fits(const guint8 *bytes, gsize size, guint32 cap)
{
    guint8 least[HG_LAYOUT_LENGTH_SIZE] = {0}; /* bytes still to come: at least 0 */
    if (size > 0)
        memcpy(least, bytes, MIN(size, sizeof least));
    return hg_layout_get_u32(least) <= cap;
}

HgWireStatus hg_layout_read_length(HgSlice bytes, guint32 *out)
{
    if (!hg_layout_length_fits(bytes.data, bytes.size, G_MAXINT32))
        return HG_WIRE_BAD;
    if (bytes.size < HG_LAYOUT_LENGTH_SIZE)
        return HG_WIRE_SHORT;
    *out = hg_layout_get_u32(bytes.data);
    return HG_WIRE_OK;
}

HgWireStatus hg_layout_read_field(HgSlice bytes, guint8 *type, gint16 *id)
{
    if (bytes.size == 0)
        return HG_WIRE_SHORT;
    if (bytes.data[0] == HG_THRIFT_STOP) {
        *type = HG_THRIFT_STOP;
        *id = 0;
        return HG_WIRE_OK;
    }
    if (!hg_layout_is_value_type(bytes.data[0]))
        return HG_WIRE_BAD;
    if (bytes.size < HG_LAYOUT_FIELD_SIZE)
        return HG_WIRE_SHORT;
    *type = bytes.data[0];
    *id = (gint16)((bytes.data[1] << 8) | bytes.data[2]);
    return HG_WIRE_OK;
}

HgWireStatus hg_layout_read_run(HgSlice bytes, guint8 container, HgRun *out)
{
    gsize types = container == HG_THRIFT_MAP ? 2 : 1;
    if (bytes.size <= types)
        return HG_WIRE_SHORT;
    guint32 count = 0;
    HgWireStatus status =
        hg_layout_read_length(hg_slice(bytes.data + types, bytes.size - types), &count);
    if (status != HG_WIRE_OK)
        return status;
    guint8 key = bytes.data[0];
    guint8 value = bytes.data[types - 1];
    if (count > 0 && !(hg_layout_is_value_type(key) && hg_layout_is_value_type(value)))
        return HG_WIRE_BAD;
    *out = (HgRun){.key = key, .value = value, .values = count * (guint32)types};
    return HG_WIRE_OK;
}

gboolean hg_layout_run_is_fixed(HgRun run, guint64 *size)
{
    guint key = hg_layout_fixed_size(run.key);
    guint value = hg_layout_fixed_size(run.value);
    if (run.values > 0 && (key == 0 || value == 0))
        return FALSE;
    *size = (guint64)(run.values / 2) * (key + value) + (guint64)(run.values % 2) * key;
    return TRUE;
}

HgWireStatus hg_layout_read_first_word(HgSlice bytes, HgFirstWord *out)
{
    if (bytes.size == 0)
        return HG_WIRE_SHORT;
    if ((bytes.data[0] & 0x80) == 0) {
        guint32 length = 0;
        HgWireStatus status = hg_layout_read_name_length(bytes, &length);
        if (status == HG_WIRE_OK)
            *out = (HgFirstWord){.name_length = length};
        return status;
    }
    if (bytes.data[0] != 0x80 || (bytes.size > 1 && bytes.data[1] != 0x01))
        return HG_WIRE_BAD;
    if (bytes.size < HG_LAYOUT_LENGTH_SIZE)
        return HG_WIRE_SHORT;
    /* the third byte is unused: no reader of the protocol looks at it */
    *out = (HgFirstWord){.strict = TRUE, .type = bytes.data[3]};
    return HG_WIRE_OK;
}

HgWireStatus hg_layout_read_name_length(HgSlice bytes, guint32 *out)
{
    if (!hg_layout_length_fits(bytes.data, bytes.size, HG_THRIFT_MAX_NAME))
        return HG_WIRE_BAD;
    if (bytes.size < HG_LAYOUT_LENGTH_SIZE)
        return HG_WIRE_SHORT;
    guint32 length = hg_layout_get_u32(bytes.data);
    if (length == 0)
        return HG_WIRE_BAD;
    *out = length;
    return HG_WIRE_OK;
}

gboolean hg_layout_is_name(HgSlice bytes)
{
    for (gsize i = 0; i < bytes.size; i++) {
        if (bytes.data[i] < 0x20 || bytes.data[i] > 0x7e)
            return FALSE;
    }
    return TRUE;
}

const guint8 *hg_layout_skip_strings(const guint8 *at, const guint8 *end, guint32 *left)
{
    guint32 todo = *left;
    while (todo > 0 && end - at >= HG_LAYOUT_LENGTH_SIZE) {
        guint32 length = hg_layout_get_u32(at);
        gsize stride = HG_LAYOUT_LENGTH_SIZE + (gsize)length;
        if (length > G_MAXINT32 || stride > (gsize)(end - at))
            break;
        /* Numbers, dates and codes as text often have one length. While they do, the next address
         * doesn't wait for the load of the last length. */
        do {
            at += stride;
            todo--;
        } while (todo > 0 && stride <= (gsize)(end - at) && hg_layout_get_u32(at) == length);
    }
    *left = todo;
    return at;
}
