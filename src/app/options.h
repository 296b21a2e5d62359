/* The options of the configuration file: one documented row each.
 *
 * The rows drive the reader (app/config_read), `hivegate --help-config` and the reference page
 * docs/configuration.md, so what is documented is what is read. Static and immutable; any thread.
 */
#pragma once

#include <glib.h>

typedef enum {
    HG_OPTION_COUNT,     /* guint; min and max */
    HG_OPTION_SIZE,      /* gint64, bytes; min and max */
    HG_OPTION_DURATION,  /* gint64, milliseconds; min, max, step */
    HG_OPTION_CHOICE,    /* int; one of `choices` */
    HG_OPTION_SWITCH,    /* gboolean; true or false */
    HG_OPTION_MODE,      /* guint; permission bits, in octal */
    HG_OPTION_NAME,      /* const char *; letters, digits, '-', '_' and '.' */
    HG_OPTION_TEXT,      /* const char *; anything */
    HG_OPTION_PATH,      /* const char *; relative to the folder of the file */
    HG_OPTION_VARIABLE,  /* const char *; the name of an environment variable */
    HG_OPTION_ADDRESS,   /* HgAddress to listen on */
    HG_OPTION_NAMES,     /* const char *const *, NULL-terminated, and a count */
    HG_OPTION_TEXTS,     /* the same with any text */
    HG_OPTION_PAIRS,     /* const char *const *: keys and values in turns, NULL-terminated, and a
                            count of pairs */
    HG_OPTION_ENDPOINTS, /* const HgEndpointConfig *, and a count */
    HG_OPTION_NETWORKS,  /* const HgNetwork *, and a count */
    HG_OPTION_SECTION,   /* a struct in place, described by `section` */
    HG_OPTION_SECTIONS,  /* a list of structs, and a count; `section` describes one */
    HG_OPTION_NOT_HERE,  /* a secret: never read from this file; `text` says what to do instead */
} HgOptionKind;

/* One word of a HG_OPTION_CHOICE. */
typedef struct {
    const char *name; /* NULL ends the list */
    int value;
    const char *text; /* what it means; for a word not in this version: what to say */
    gboolean refused; /* known, and not in this version: not documented */
} HgOptionChoice;

typedef struct HgSection HgSection;

typedef struct {
    const char *name;
    HgOptionKind kind;
    gboolean required;
    gboolean reloadable;                 /* SIGHUP reads what it names again */
    const char *fallback;                /* the default as it would be written; NULL for none */
    gint64 min;                          /* of a number, and of the length of a list */
    gint64 max;                          /* */
    gint64 step;                         /* a duration is a multiple of it; 0 for any */
    const HgOptionChoice *choices;       /* CHOICE */
    const HgSection *section;            /* SECTION and SECTIONS; ask hg_option_section() */
    const HgSection *(*elsewhere)(void); /* gives it when its rows are in another file */
    gsize offset;                        /* of the value in the struct of its section */
    gsize count_offset;                  /* of the guint with the length of a list */
    const char *text;                    /* what it is for, in a sentence or two */
} HgOption;

/* The keys of one map of the file and the struct they are read into. */
struct HgSection {
    const HgOption *rows;
    gsize count;
    gsize size; /* bytes of the struct */
};

/* The whole file; its struct is HgConfig. */
const HgSection *hg_options(void);

/* What describes the struct of a SECTION or of SECTIONS; NULL for other kinds. Static. */
const HgSection *hg_option_section(const HgOption *option);

/* The row of that name; NULL when there is none. */
const HgOption *hg_option_find(const HgSection *section, const char *name);

/* What a value has to be, as it stands behind "expected": "a whole number from 0 to 256". Free with
 * g_free. */
char *hg_option_expected(const HgOption *option);

/* A small, complete configuration file. Static. */
const char *hg_options_example(void);

/* The reference of all options, as text for a terminal and as Markdown for docs/configuration.md.
 * Free with g_free. */
char *hg_options_help(void);
char *hg_options_markdown(void);
