/* Lists of JSON objects as a table for a terminal. */
#pragma once

#include <jansson.h>
#include <stdio.h>

typedef struct {
    const char *title;
    const char *key;
    unsigned most; /* columns that a text may take; 0: any */
} HgTableColumn;

/* Prints a title line and a line for each object of the list. `columns` ends with a title NULL.
 * Control characters of texts become spaces. */
void hg_table_print(FILE *out, const HgTableColumn *columns, const json_t *list);
