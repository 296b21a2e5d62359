/* The walk: see walk.h. Owns nothing; any thread. */
#include "sql/walk.h"

gboolean hg_sql_walk(const HgSqlNode *root, HgSqlEnterFunc enter, HgSqlLeaveFunc leave,
                     gpointer data)
{
    const HgSqlNode *node = root;
    while (node != NULL) {
        HgSqlWalk next = enter != NULL ? enter(node, data) : HG_SQL_WALK_CONTINUE;
        if (next == HG_SQL_WALK_ABORT)
            return FALSE;
        if (next == HG_SQL_WALK_CONTINUE && node->child != NULL) {
            node = node->child;
            continue;
        }
        for (;;) {
            if (leave != NULL)
                leave(node, data);
            if (node == root)
                return TRUE;
            if (node->next != NULL)
                break;
            node = node->parent;
        }
        node = node->next;
    }
    return TRUE;
}
