/* The tree of a statement: which parts it has and which tokens each of them spans.
 *
 * Deep enough to say what a statement touches: clauses, relations, subqueries, calls, columns. What
 * lies between (operators, literals, types) is tokens only; every token belongs to the node that
 * spans it. Nodes live in the arena of their HgSqlTree. Pure; a tree is read by any thread. */
#pragma once

#include "sql/lexer.h"

/* What a node stands for; each says what its children are. */
typedef enum {
    HG_SQL_NODE_STATEMENT, /* detail: HgSqlStatementKind */
    HG_SQL_NODE_QUERY,    /* terms with SETs between, WITH in front, clauses behind; with or without
                             parentheses; below an expression it is a subquery */
    HG_SQL_NODE_WITH,     /* CTEs; FLAG_RECURSIVE */
    HG_SQL_NODE_CTE,      /* NAME, QUERY */
    HG_SQL_NODE_SELECT,   /* a term: HINTs, ITEMs, FROM, clauses; also FROM ... SELECT */
    HG_SQL_NODE_VALUES,   /* a term or relation: expressions, ALIAS */
    HG_SQL_NODE_SET,      /* UNION, EXCEPT ... with ALL or DISTINCT; no children */
    HG_SQL_NODE_PIPE,     /* |> and its operator (4.0) */
    HG_SQL_NODE_FROM,     /* relations, JOINs, LATERAL VIEWs, PIVOTs */
    HG_SQL_NODE_RELATION, /* NAME, then time travel, SAMPLE, ALIAS; or QUERY or a GROUP of relations
                           */
    HG_SQL_NODE_FUNCTION_RELATION, /* NAME, ARGUMENTs, ALIAS */
    HG_SQL_NODE_JOIN,              /* a relation, then ON's expressions or USING's columns */
    HG_SQL_NODE_LATERAL_VIEW,      /* NAME of a function, arguments, ALIAS */
    HG_SQL_NODE_PIVOT,             /* PIVOT or UNPIVOT: expressions */
    HG_SQL_NODE_SAMPLE,            /* TABLESAMPLE: expressions */
    HG_SQL_NODE_TIME_TRAVEL,       /* VERSION or TIMESTAMP AS OF */
    HG_SQL_NODE_TRANSFORM,         /* TRANSFORM, MAP or REDUCE: expressions; runs a script */
    HG_SQL_NODE_ITEM,              /* one of a SELECT's list: expression, ALIAS */
    HG_SQL_NODE_CLAUSE,    /* WHERE, GROUP BY, ...: expressions; its first token says which */
    HG_SQL_NODE_HINT,      /* all of a hint */
    HG_SQL_NODE_ALIAS,     /* a table's or column's alias, with its column list, without AS */
    HG_SQL_NODE_GROUP,     /* in parentheses: an expression, a row, an IN list, relations */
    HG_SQL_NODE_CALL,      /* a function: NAME, arguments, FILTER and OVER */
    HG_SQL_NODE_COLUMN,    /* a column, maybe with qualifier and fields */
    HG_SQL_NODE_STAR,      /* * or t.* */
    HG_SQL_NODE_LAMBDA,    /* x -> expression */
    HG_SQL_NODE_PARAMETER, /* ? or :name */
    HG_SQL_NODE_NAME, /* the name of something; role says of what; FLAG_DYNAMIC for IDENTIFIER() */
    HG_SQL_NODE_TEXT, /* what Spark takes as it stands: a setting, a path */
    HG_SQL_NODE_COUNT,
} HgSqlNodeKind;

/* What a statement does with the thing that a NAME names. */
typedef enum {
    HG_SQL_ROLE_NONE,
    HG_SQL_ROLE_READ,      /* a relation that is read */
    HG_SQL_ROLE_WRITE,     /* a relation that is written: INSERT's target */
    HG_SQL_ROLE_CHANGE,    /* read and written: the target of UPDATE, DELETE, MERGE */
    HG_SQL_ROLE_OBJECT,    /* a table or view that is made, altered, described ... */
    HG_SQL_ROLE_NAMESPACE, /* a database or catalog */
    HG_SQL_ROLE_FUNCTION,  /* a function that is called, made or described */
    HG_SQL_ROLE_VARIABLE,  /* a session variable (4.0) */
    HG_SQL_ROLE_CTE,       /* the name that a WITH defines */
} HgSqlRole;

enum {
    HG_SQL_FLAG_RECURSIVE = 1 << 0,   /* WITH RECURSIVE */
    HG_SQL_FLAG_DYNAMIC = 1 << 1,     /* IDENTIFIER(...): the name is an expression */
    HG_SQL_FLAG_TEMPORARY = 1 << 2,   /* a temporary view, function, table */
    HG_SQL_FLAG_GLOBAL = 1 << 3,      /* a global temporary view */
    HG_SQL_FLAG_PATH = 1 << 4,        /* the statement names a path or location */
    HG_SQL_FLAG_PARENTHESES = 1 << 5, /* the node's tokens begin with ( and end with ) */
};

typedef struct HgSqlNode HgSqlNode;

struct HgSqlNode {
    guint8 kind;   /* HgSqlNodeKind */
    guint8 role;   /* HgSqlRole, for a NAME */
    guint8 detail; /* HgSqlStatementKind, for a STATEMENT */
    guint8 flags;  /* HG_SQL_FLAG_... */
    guint32 first; /* its tokens: [first, end) */
    guint32 end;
    HgSqlNode *parent;
    HgSqlNode *child; /* the first one */
    HgSqlNode *last;  /* the last one */
    HgSqlNode *next;  /* sibling */
};

/* A statement that was read. */
typedef struct HgSqlTree HgSqlTree;

/* The whole statement's node; it lives as long as the tree. */
const HgSqlNode *hg_sql_tree_root(const HgSqlTree *tree);

/* The text that was read: borrowed from the caller of the parser. */
HgSlice hg_sql_tree_text(const HgSqlTree *tree);

/* The tokens, *count of them; one of kind EOF stands behind the last. */
const HgSqlToken *hg_sql_tree_tokens(const HgSqlTree *tree, guint32 *count);

/* The bytes of the text that a node spans: from its first token to the end of its last. */
HgSlice hg_sql_tree_span(const HgSqlTree *tree, const HgSqlNode *node);

/* The parts of a NAME, ALIAS or COLUMN: the next one from token *at on, which begins as
 * node->first, with quotes removed (to be freed); NULL when there are no more. */
char *hg_sql_tree_part(const HgSqlTree *tree, const HgSqlNode *node, guint32 *at);

/* A word without its back-ticks or double quotes when it has them, doubled ones once (to be freed).
 */
char *hg_sql_unquote(HgSlice text);

/* Frees the tree and all of its nodes; NULL does nothing. */
void hg_sql_tree_free(HgSqlTree *tree);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HgSqlTree, hg_sql_tree_free)
