/* Tests of hs2/schema: its tables say what the Thrift compiler made of TCLIService.thrift. */
#include "hs2/schema.h"
#include "oracle.h"
#include "suites.h"

static const char *class_property_type(HgKind kind)
{
    static const char *const types[] = {
        [HG_KIND_BOOL] = "gboolean",
        [HG_KIND_I16] = "gint",
        [HG_KIND_I32] = "gint",
        [HG_KIND_I64] = "gint64",
        [HG_KIND_DOUBLE] = "gdouble",
        [HG_KIND_TEXT] = "gchararray",
        [HG_KIND_BINARY] = "GByteArray",
        [HG_KIND_STRUCT] = NULL,
        [HG_KIND_TEXT_MAP] = "GHashTable",
        [HG_KIND_TEXT_LIST] = "GPtrArray",
        [HG_KIND_I32_LIST] = "GArray",
    };
    return types[kind];
}

static void check_struct(const HgStructSchema *schema, GType type);

static void check_field(const HgFieldSchema *field, GObjectClass *class)
{
    GParamSpec *property = g_object_class_find_property(class, field->name);
    ck_assert_msg(property != NULL, "no %s", field->name);
    if (field->kind == HG_KIND_STRUCT) {
        ck_assert_ptr_nonnull(field->nested);
        check_struct(field->nested, property->value_type);
    } else {
        ck_assert_str_eq(g_type_name(property->value_type), class_property_type(field->kind));
        ck_assert_ptr_null(field->nested);
    }
}

/* The schema has the fields of the object type: same names and types, none more or less. */
static void check_struct(const HgStructSchema *schema, GType type)
{
    g_autoptr(GTypeClass) class = g_type_class_ref(type);
    guint count = 0;
    g_autofree GParamSpec **properties =
        g_object_class_list_properties(G_OBJECT_CLASS(class), &count);
    ck_assert_int_eq(schema->count + schema->added_count, (int)count);
    for (gint16 i = 0; i < schema->count; i++) {
        ck_assert_ptr_eq(&schema->fields[i], hg_schema_field(schema, (gint16)(i + 1)));
        check_field(&schema->fields[i], G_OBJECT_CLASS(class));
    }
    for (gint16 i = 0; i < schema->added_count; i++) {
        ck_assert_ptr_eq(&schema->added[i], hg_schema_field(schema, (gint16)(0x501 + i)));
        check_field(&schema->added[i], G_OBJECT_CLASS(class));
    }
    ck_assert_ptr_null(hg_schema_field(schema, 0));
    ck_assert_ptr_null(hg_schema_field(schema, -1));
    ck_assert_ptr_null(hg_schema_field(schema, (gint16)(schema->count + 1)));
    ck_assert_ptr_null(hg_schema_field(schema, 0x500));
    ck_assert_ptr_null(hg_schema_field(schema, (gint16)(0x501 + schema->added_count)));
    ck_assert_ptr_null(hg_schema_field(schema, G_MININT16));
    ck_assert_ptr_null(hg_schema_field(schema, G_MAXINT16));
    ck_assert_uint_eq(schema->required & 1u, 0);
    ck_assert_uint_lt(schema->required, 2u << schema->count);
}

START_TEST(test_same_fields_as_the_service)
{
    for (guint i = 0; i < HG_METHOD_COUNT; i++) {
        const HgStructSchema *args = hg_schema_args((HgMethodId)i);
        g_autofree char *name = g_strconcat(hg_method_get((HgMethodId)i)->name, "_args", NULL);
        ck_assert_str_eq(args->name, name);
        check_struct(args, oracle_args_type((HgMethodId)i));
    }
}
END_TEST

START_TEST(test_handles_are_where_methods_say)
{
    for (guint i = 0; i < HG_METHOD_COUNT; i++) {
        const HgFieldSchema *first = hg_schema_args((HgMethodId)i)->fields[0].nested->fields;
        HgTakes takes = hg_method_get((HgMethodId)i)->takes;
        ck_assert_int_eq(takes == HG_TAKES_SESSION, g_str_equal(first->name, "sessionHandle"));
        ck_assert_int_eq(takes == HG_TAKES_OPERATION, g_str_equal(first->name, "operationHandle"));
    }
}
END_TEST

Suite *schema_suite(void)
{
    Suite *suite = suite_create("hs2/schema");
    TCase *tests = tcase_create("schema");
    tcase_add_test(tests, test_same_fields_as_the_service);
    tcase_add_test(tests, test_handles_are_where_methods_say);
    suite_add_tcase(suite, tests);
    return suite;
}
