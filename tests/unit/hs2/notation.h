/* Thrift messages written as text, for tests: "call GetInfo 7 {1:{2:17}}" becomes bytes.
 *
 * The writer knows nothing of src/wire and src/hs2, so that a mistake there isn't repeated here.
 *
 *   message   KIND NAME SEQID STRUCT; KIND is call, oneway, reply, exception, type9 (any number),
 * or old-call for a head without version {1:V 2:V} a struct; ids may be negative or 0x501 'text' a
 * string; \\xNN is a byte
 *   @16:ab    a string of 16 bytes 0xab
 *   1         an i32; 1s i16, 1l i64, 1b byte, 1d double; t f bool; %2 a bool that is no bool
 *   [11 V V]  a list of elements of type 11; (11 V V) a set
 *   <11 11 K V K V> a map */
#pragma once

#include "base/slice.h"

/* The bytes of the message; aborts when the notation is wrong. */
GByteArray *notate(const char *notation);

/* A GByteArray with the bytes of the message, freed at the end of the scope. */
#define AUTO_MESSAGE(name, notation) g_autoptr(GByteArray) name = notate(notation)

/* The slice over all bytes. */
HgSlice bytes_slice(const GByteArray *bytes);

/* A copy in memory of just that size, so that a sanitizer sees every read behind the end. The
 * caller frees `data`, which is never NULL. */
HgSlice tight_copy(HgSlice bytes);

/* The identifier with guid 16 x a1 and secret 16 x b2, and handles around it. */
#define IDENTIFIER "{1:@16:a1 2:@16:b2}"
#define SESSION    "1:{1:" IDENTIFIER "}"
#define OPERATION  "1:{1:" IDENTIFIER " 2:0 3:t}"
