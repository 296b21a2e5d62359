#!/usr/bin/env python3
"""Makes src/sql/token_kind.h and src/sql/keywords_data.h from src/sql/keywords.txt.

    tools/sql_keywords.py          writes both files
    tools/sql_keywords.py --check  fails when they aren't what keywords.txt makes
"""

from __future__ import annotations

import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "src" / "sql"
SLOTS = 2048
# Spark's names of the tokens that are no keywords.
OTHERS = """
SEMICOLON LEFT_PAREN RIGHT_PAREN COMMA DOT LEFT_BRACKET RIGHT_BRACKET BANG EQ NSEQ NEQ NEQJ LT LTE
GT GTE SHIFT_LEFT SHIFT_RIGHT SHIFT_RIGHT_UNSIGNED PLUS MINUS ASTERISK SLASH PERCENT TILDE AMPERSAND
PIPE CONCAT_PIPE OPERATOR_PIPE HAT COLON DOUBLE_COLON ARROW FAT_ARROW HENT_START HENT_END QUESTION
STRING_LITERAL DOUBLEQUOTED_STRING BIGINT_LITERAL SMALLINT_LITERAL TINYINT_LITERAL INTEGER_VALUE
EXPONENT_VALUE DECIMAL_VALUE FLOAT_LITERAL DOUBLE_LITERAL BIGDECIMAL_LITERAL IDENTIFIER
BACKQUOTED_IDENTIFIER UNRECOGNIZED
""".split()
KIND_HEAD = """\
/* The kinds of token, by the names that Spark's lexer gives them.
 *
 * Made by tools/sql_keywords.py from keywords.txt; not to be edited. The keywords come first, in
 * the order of the alphabet. Pure; any thread. */
#pragma once

typedef enum {
    HG_SQL_TOKEN_EOF = 0, /* behind the last token */
"""
WORDS_HEAD = """\
/* The keywords, their hash table, and what each kind of token may be: the data of keywords.c.
 *
 * Made by tools/sql_keywords.py from keywords.txt; not to be edited. Constant data; any thread. */
#pragma once

#include "sql/keywords.h"

"""


def read_rows() -> list[list[str]]:
    lines = (FOLDER / "keywords.txt").read_text().splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")]


def word_hash(word: str) -> int:
    """As hg_sql_keyword_hash()."""
    data = word.encode()
    middle = data[len(data) // 2]
    second = data[min(1, len(data) - 1)]
    mixed = (len(data) * 0x9E3779B1) ^ (data[0] * 0x85EBCA6B) ^ (data[-1] * 0xC2B2AE35)
    mixed ^= (middle * 0x27D4EB2F) ^ (second * 0x165667B1)
    return (mixed & 0xFFFFFFFF) >> 15


def classes(row: list[str]) -> str:
    """The flags of keywords.h as a number: four bits for 3.5, four for 4.0."""
    bits = 0
    for shift, column in ((0, row[2]), (4, row[3])):
        bits |= (column != "---") << shift
        for bit, letter in ((1, "n"), (2, "a"), (3, "s")):
            bits |= (letter in column) << (shift + bit)
    return f"0x{bits:02x}"


def kinds(rows: list[list[str]]) -> str:
    names = [row[0] for row in rows] + OTHERS
    body = "".join(f"    HG_SQL_TOKEN_{name},\n" for name in names)
    last = "    HG_SQL_TOKEN_COUNT, /* how many there are */\n} HgSqlTokenKind;\n"
    limit = "\n/* The last kind that is a keyword. */\n"
    limit += f"#define HG_SQL_TOKEN_LAST_KEYWORD HG_SQL_TOKEN_{rows[-1][0]}\n"
    return KIND_HEAD + body + last + limit


def packed(items: list[str]) -> str:
    lines, line = [], "   "
    for item in items:
        if len(line) + len(item) + 2 > 100:
            lines.append(line)
            line = "   "
        line += f" {item},"
    return "\n".join([*lines, line]) + "\n"


def words(rows: list[list[str]]) -> str:
    spellings = sorted((text, row[0]) for row in rows for text in row[1].split("|"))
    slots = [0] * SLOTS
    for index, (text, _) in enumerate(spellings):
        slot = word_hash(text) % SLOTS
        while slots[slot]:
            slot = (slot + 1) % SLOTS
        slots[slot] = index + 1
    out = WORDS_HEAD + "/* clang-format off */\nstatic const HgSqlKeyword rows[] = {\n"
    out += "".join(
        f'    {{"{text}", {len(text)}, HG_SQL_TOKEN_{name}}},\n' for text, name in spellings
    )
    out += "};\n\n/* Row number + 1; 0 is an empty slot. */\n"
    out += f"static const guint16 slots[{SLOTS}] = {{\n" + packed([str(n) for n in slots]) + "};\n\n"
    names = ["EOF"] + [row[0] for row in rows] + OTHERS
    out += "static const char *const names[] = {\n" + packed([f'"{n}"' for n in names]) + "};\n\n"
    out += "/* In the order of the kinds: the flags of keywords.h. */\n"
    out += "static const guint8 classes[] = {\n" + packed(["0"] + [classes(row) for row in rows])
    return out + "};\n/* clang-format on */\n"


def main() -> int:
    rows = read_rows()
    made = {"token_kind.h": kinds(rows), "keywords_data.h": words(rows)}
    stale = False
    for name, text in made.items():
        if "--check" not in sys.argv:
            (FOLDER / name).write_text(text)
        elif (FOLDER / name).read_text() != text:
            stale = True
            print(f"src/sql/{name} isn't what keywords.txt makes: run tools/sql_keywords.py")
    return stale


if __name__ == "__main__":
    sys.exit(main())
