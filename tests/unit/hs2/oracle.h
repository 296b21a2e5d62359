/* Thrift C GLib as a second reader and writer of the service's structs, for tests. */
#pragma once

#include "hs2/method.h"

#include <glib-object.h>

/* An object of Thrift C GLib. */
typedef GObject OracleObject;

/* Gives back a reference. What Thrift leaks with each object (src/hs2/writer.h) is hidden from the
 * leak check, and only that. NULL is fine. */
void oracle_free(OracleObject *object);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OracleObject, oracle_free)

/* The object types of a method's arguments and result. */
GType oracle_args_type(HgMethodId method);
GType oracle_result_type(HgMethodId method);

/* Reads a struct from the first of the bytes; NULL when Thrift says that it can't. *used gets the
 * number of bytes read. */
OracleObject *oracle_read(HgSlice bytes, GType type, gsize *used);

/* The struct's bytes. Free with g_byte_array_unref. */
GByteArray *oracle_write(OracleObject *object);

/* A value inside nested objects, by a path of property names such as "req.sessionHandle". The last
 * must be an object. Free with oracle_free. */
OracleObject *oracle_find(OracleObject *object, const char *path);

/* A property of type string or GByteArray as a slice; borrowed from the object. */
HgSlice oracle_bytes(OracleObject *object, const char *property);

/* A property of type bool, int or int64. */
gint64 oracle_number(OracleObject *object, const char *property);
