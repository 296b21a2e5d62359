/* Going through a tree, node by node: a whole pass over a statement is one callback. Pure; any
 * thread. */
#pragma once

#include "sql/tree.h"

/* What a callback wants next. */
typedef enum {
    HG_SQL_WALK_CONTINUE, /* go on with the children */
    HG_SQL_WALK_PRUNE,    /* leave the children out */
    HG_SQL_WALK_ABORT,    /* stop at once */
} HgSqlWalk;

/* Called for each node in front of its children, in the order of the text. */
typedef HgSqlWalk (*HgSqlEnterFunc)(const HgSqlNode *node, gpointer data);

/* Called for each node behind its children, also when they were left out. */
typedef void (*HgSqlLeaveFunc)(const HgSqlNode *node, gpointer data);

/* Walks `root` and all below it; either callback may be NULL. FALSE when one stopped it. Doesn't
 * recurse: the depth of the tree costs no stack. */
gboolean hg_sql_walk(const HgSqlNode *root, HgSqlEnterFunc enter, HgSqlLeaveFunc leave,
                     gpointer data);
