/* Thrift C GLib as a second reader and writer: see oracle.h. */
#include "oracle.h"

#include "hive_t_c_l_i_service_types.h"

#include <thrift/c_glib/protocol/thrift_binary_protocol.h>
#include <thrift/c_glib/transport/thrift_memory_buffer.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define WITH_LEAK_CHECK
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define WITH_LEAK_CHECK
#endif
#ifdef WITH_LEAK_CHECK
#include <sanitizer/lsan_interface.h>
#endif

void oracle_free(OracleObject *object)
{
#ifdef WITH_LEAK_CHECK
    __lsan_disable();
#endif
    g_clear_object(&object);
#ifdef WITH_LEAK_CHECK
    __lsan_enable();
#endif
}

#define TYPES(name)                                                                                \
    {                                                                                              \
        hive_t_c_l_i_service_##name##_args_get_type, hive_t_c_l_i_service_##name##_result_get_type \
    }

/* "GetInfo" and "args" make the name of the generated type. */
static GType find_type(HgMethodId method, const char *what)
{
    GType (*const types[HG_METHOD_COUNT][2])(void) = {
        TYPES(open_session),
        TYPES(close_session),
        TYPES(get_info),
        TYPES(execute_statement),
        TYPES(get_type_info),
        TYPES(get_catalogs),
        TYPES(get_schemas),
        TYPES(get_tables),
        TYPES(get_table_types),
        TYPES(get_columns),
        TYPES(get_functions),
        TYPES(get_primary_keys),
        TYPES(get_cross_reference),
        TYPES(get_operation_status),
        TYPES(cancel_operation),
        TYPES(close_operation),
        TYPES(get_result_set_metadata),
        TYPES(fetch_results),
        TYPES(get_delegation_token),
        TYPES(cancel_delegation_token),
        TYPES(renew_delegation_token),
        TYPES(get_query_id),
        TYPES(set_client_info),
        TYPES(upload_data),
        TYPES(download_data),
    };
    GType type = types[method][g_str_equal(what, "result")]();
    g_autofree char *name =
        g_strdup_printf("HiveTCLIService%s%c%sType", hg_method_get(method)->name,
                        g_ascii_toupper(what[0]), what + 1);
    g_assert_cmpstr(g_type_name(type), ==, name);
    return type;
}

GType oracle_args_type(HgMethodId method)
{
    return find_type(method, "args");
}

GType oracle_result_type(HgMethodId method)
{
    return find_type(method, "result");
}

OracleObject *oracle_read(HgSlice bytes, GType type, gsize *used)
{
    GByteArray *copy = g_byte_array_sized_new((guint)bytes.size + 1);
    g_byte_array_append(copy, bytes.data, (guint)bytes.size);
    g_autoptr(OracleObject) transport = g_object_new(THRIFT_TYPE_MEMORY_BUFFER, "buf", copy, NULL);
    g_autoptr(OracleObject) protocol =
        g_object_new(THRIFT_TYPE_BINARY_PROTOCOL, "transport", transport, NULL);
    g_autoptr(OracleObject) object = g_object_new(type, NULL);
    g_autoptr(GError) error = NULL;
    gint32 size = thrift_struct_read(THRIFT_STRUCT(object), THRIFT_PROTOCOL(protocol), &error);

    if (size < 0) {
        g_printerr("Thrift: %s\n", error->message);
        return NULL;
    }
    *used = (gsize)size;
    return g_steal_pointer(&object);
}

GByteArray *oracle_write(OracleObject *object)
{
    g_autoptr(OracleObject) transport = g_object_new(THRIFT_TYPE_MEMORY_BUFFER, NULL);
    g_autoptr(OracleObject) protocol =
        g_object_new(THRIFT_TYPE_BINARY_PROTOCOL, "transport", transport, NULL);
    gint32 size = thrift_struct_write(THRIFT_STRUCT(object), THRIFT_PROTOCOL(protocol), NULL);
    g_assert(size >= 0);
    GByteArray *bytes = THRIFT_MEMORY_BUFFER(transport)->buf;
    GByteArray *copy = g_byte_array_new();
    return g_byte_array_append(copy, bytes->data, bytes->len);
}

OracleObject *oracle_find(OracleObject *object, const char *path)
{
    g_auto(GStrv) names = g_strsplit(path, ".", -1);
    g_object_ref(object);
    for (char **name = names; *name != NULL; name++) {
        OracleObject *next = NULL;
        g_object_get(object, *name, &next, NULL);
        g_assert_nonnull(next);
        oracle_free(object);
        object = next;
    }
    return object;
}

HgSlice oracle_bytes(OracleObject *object, const char *property)
{
    GParamSpec *spec = g_object_class_find_property(G_OBJECT_GET_CLASS(object), property);
    g_assert_nonnull(spec);
    if (spec->value_type == G_TYPE_STRING) {
        char *text = NULL;
        g_object_get(object, property, &text, NULL);
        g_object_set_data_full(object, property, text, g_free);
        return hg_slice_from_string(text);
    }
    g_autoptr(GByteArray) bytes = NULL;
    g_object_get(object, property, &bytes, NULL); /* the object holds it too */
    return bytes != NULL ? hg_slice(bytes->data, bytes->len) : hg_slice(NULL, 0);
}

gint64 oracle_number(OracleObject *object, const char *property)
{
    GParamSpec *spec = g_object_class_find_property(G_OBJECT_GET_CLASS(object), property);
    g_assert_nonnull(spec);
    if (spec->value_type == G_TYPE_INT64) {
        gint64 value = 0;
        g_object_get(object, property, &value, NULL);
        return value;
    }
    gint value = 0; /* a gboolean is one, too */
    g_object_get(object, property, &value, NULL);
    return value;
}
