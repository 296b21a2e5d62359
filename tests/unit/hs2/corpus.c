/* Requests that the validator accepts: see corpus.h. The shapes of the drivers' calls are those
 * that they were seen to send. */
#include "corpus.h"

#include "notation.h"

static const char *const requests[] = {
    /* Hive JDBC, PyHive, Databricks JDBC, a client on a connection without SASL */
    "call OpenSession 1 {1:{1:9 4:<11 11 "
    "'set:hiveconf:hive.server2.thrift.resultset.default.fetch.size' '1000' "
    "'use:database' 'default'>}}",
    "call OpenSession 0 {1:{1:5 2:'alice' 4:<11 11>}}",
    "call OpenSession 3 {1:{4:<11 11> 0x501:[8 17 18] 0x502:42248l "
    "0x503:<11 11 'UseNativeQuery' '2' 'UseProxy' '0'> 0x504:{2:'default'} 0x505:t}}",
    "call OpenSession 1 {1:{1:9 2:'carol' 3:'secret' 4:<11 11 'use:database' 'default'>}}",
    /* Databricks: the Python connector with a schema, the JDBC driver without Simba, and one that
     * says its version in field 1 */
    "call OpenSession 0 {1:{4:<11 11 'spark.thriftserver.arrowBasedRowSet.timestampAsString' "
    "'false'> 0x502:42247l 0x504:{1:'hive_metastore' 2:'sales'} 0x505:t}}",
    "call OpenSession 1 {1:{1:-7 4:<11 11> 0x502:42250l 0x504:{2:'default'} 0x505:t}}",
    "call OpenSession 1 {1:{1:42242}}",
    "call OpenSession 1 {1:{1:9 0x501:{1:1} 0x502:f 0x503:[11 'a'] 0x504:'x' 0x505:1}}",
    "call OpenSession 2 {1:{}}",
    "call OpenSession 2 {1:{4:<8 8>}}",
    "call CloseSession 4 {1:{" SESSION "}}",
    "call GetInfo 5 {1:{" SESSION " 2:17}}",
    "call GetInfo -1 {1:{" SESSION " 2:10006}}",
    "call GetInfo 5 {1:{" SESSION " 2:-4}}",
    "call ExecuteStatement 6 {1:{" SESSION " 2:'select 1' 3:<11 11> 4:t 5:0l}}",
    "call ExecuteStatement 6 {1:{" SESSION " 2:'' 4:f}}",
    "call ExecuteStatement 6 {1:{" SESSION " 2:'select \\xc3\\xa9, \\xf0\\x9f\\x90\\x9d'}}",
    "call ExecuteStatement 7 {1:{1:{1:" IDENTIFIER " 0xd01:42248} 2:'select 1' 4:t "
    "0x501:{1:10000l 2:300000000l} 0x502:t 0x503:t 0x504:t 0x506:{1:t 2:t} "
    "0x508:[12 {1:1 2:'p' 4:{1:'x'}} {1:2}] 0x510:{2:{1:'c'}} 0xd19:f}}",
    "call GetTypeInfo 8 {1:{" SESSION "}}",
    "call GetCatalogs 9 {1:{" SESSION "}}",
    "call GetSchemas 10 {1:{" SESSION " 2:'Spark' 3:'%'}}",
    "call GetTables 11 {1:{" SESSION " 2:'' 3:'d_f' 4:'%' 5:[11 'TABLE' 'VIEW']}}",
    "call GetTables 11 {1:{" SESSION " 5:[11] 0x501:{1:1l} 0x502:f}}",
    "call GetTables 11 {1:{" SESSION " 5:[0]}}",
    "call GetTableTypes 12 {1:{" SESSION "}}",
    "call GetColumns 13 {1:{" SESSION " 2:'c' 3:'s' 4:'t' 5:'%'}}",
    "call GetFunctions 14 {1:{" SESSION " 2:'c' 3:'s' 4:'%'}}",
    "call GetPrimaryKeys 15 {1:{" SESSION " 2:'c' 3:'s' 4:'t'}}",
    "call GetCrossReference 16 {1:{" SESSION " 2:'a' 3:'b' 4:'c' 5:'d' 6:'e' 7:'f'}}",
    "call GetOperationStatus 17 {1:{" OPERATION " 2:t}}",
    "call GetOperationStatus 17 {1:{1:{1:" IDENTIFIER " 2:9 3:f 4:1.5d}}}",
    "call CancelOperation 18 {1:{" OPERATION "}}",
    "call CloseOperation 19 {1:{" OPERATION "}}",
    "call GetResultSetMetadata 20 {1:{" OPERATION "}}",
    "call FetchResults 21 {1:{" OPERATION " 2:4 3:1000l 4:1s}}",
    "call FetchResults 21 {1:{" OPERATION " 3:-1l}}",
    "call FetchResults 21 {1:{" OPERATION " 2:0 3:10000l 0x501:300000000l 0x502:0l 0x503:t}}",
    "call GetDelegationToken 22 {1:{" SESSION " 2:'alice' 3:'gateway'}}",
    "call CancelDelegationToken 23 {1:{" SESSION " 2:'token'}}",
    "call RenewDelegationToken 24 {1:{" SESSION " 2:'token'}}",
    "call GetQueryId 25 {1:{" OPERATION "}}",
    "call SetClientInfo 26 {1:{" SESSION " 2:<11 11 'ApplicationName' 'dbeaver'>}}",
    "call UploadData 27 {1:{" SESSION " 2:'t' 3:'/p' 4:'\\x00\\xff\\x80'}}",
    "call DownloadData 28 {1:{" SESSION " 2:'t' 3:'select 1' 4:'csv' 5:<11 11 'a' 'b'>}}",
    /* fields in another order, unknown ones of every type, at every level */
    "call ExecuteStatement 6 {1:{5:1l 4:t 2:'select 1' " SESSION "}}",
    "call FetchResults 6 {1:{4:0s 3:5l 2:1 1:{3:t 2:0 1:{2:@16:b2 1:@16:a1}}}}",
    "call GetCatalogs 6 {7:'x' 1:{" SESSION " 0:t -1:1s 8:{1:{1:{}}} 9:<11 8 'x' 1> 10:[10 1l] "
    "31:(3 1b 2b) 63:1 64:2 65:3 32767:4d}}",
    "call GetCatalogs 6 {1:{1:{1:{1:@16:a1 2:@16:b2 3:1} 2:1}}}",
    /* the older form of the head, and a call that wants no answer: Spark answers it */
    "old-call GetInfo 5 {1:{" SESSION " 2:18}}",
    "oneway GetInfo 5 {1:{" SESSION " 2:18}}",
};

const char *const *request_corpus(gsize *count)
{
    *count = G_N_ELEMENTS(requests);
    return requests;
}
