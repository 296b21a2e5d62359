/*
 * Runs a script of JDBC calls with the driver of a class name and prints one JSON line per call:
 * what came back, or the exception with SQL state, code, message and causes.
 *
 *   java JdbcProbe CLASS jdbc:SCHEME://HOST:PORT SETTINGS USER PASSWORD < script
 *
 * Every connection's URL is the third argument behind what the script says of it; a script may also
 * say all of it, and so go to several servers.
 *
 * With an empty USER the URLs say who connects.
 *
 * A line of the script is fields separated by tabs; in a field \t, \n and \\ are escapes and \N is
 * null. "bg" before a call runs it in a thread of its own with a connection of its own; its line is
 * printed in the script's order all the same. A call that fails is a result, not a failure of the
 * probe: the exit status says only whether the script was run to its end.
 */

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Date;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.zip.CRC32;

public final class JdbcProbe {
    private static String server;
    private static String settings;
    private static String user;
    private static String password;

    private Connection connection;

    public static void main(String[] args) throws Exception {
        Class.forName(args[0]);
        server = args[1];
        settings = args[2];
        user = args[3];
        password = args[4];
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        BufferedReader in =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        ExecutorService pool = Executors.newCachedThreadPool();
        List<Future<Map<String, Object>>> results = new ArrayList<>();
        JdbcProbe main = new JdbcProbe();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            List<String> fields = split(line);
            if (fields.get(0).equals("bg")) {
                List<String> call = fields.subList(1, fields.size());
                results.add(pool.submit(() -> background(call)));
            } else {
                Map<String, Object> done = main.step(fields);
                results.add(pool.submit(() -> done));
            }
        }
        for (Future<Map<String, Object>> result : results) {
            out.println(json(result.get()));
        }
        main.disconnect();
        out.flush();
        pool.shutdown();
        System.exit(0);
    }

    private static Map<String, Object> background(List<String> call) {
        JdbcProbe probe = new JdbcProbe();
        Map<String, Object> failed = probe.step(Arrays.asList("connect", "/default"));
        if (failed.containsKey("error")) {
            return failed;
        }
        Map<String, Object> result = probe.step(call);
        probe.disconnect();
        return result;
    }

    private void disconnect() {
        try {
            if (connection != null) {
                connection.close();
            }
        } catch (SQLException ignored) {
            // Some calls of a script break the connection on purpose.
        }
        connection = null;
    }

    // -- one call of the script ----------------------------------------------------------------

    private Map<String, Object> step(List<String> fields) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("call", String.join(" ", fields.subList(0, Math.min(2, fields.size()))));
        try {
            line.put("result", run(fields.get(0), fields.subList(1, fields.size())));
        } catch (Throwable error) {
            line.put("error", describe(error));
        }
        return line;
    }

    private Object run(String call, List<String> args) throws Throwable {
        switch (call) {
            case "connect": return connect(args.get(0));
            case "query": return query(args.get(0));
            case "execute": return execute(args.get(0));
            case "update": return update(args.get(0));
            case "prepare": return prepare(args.get(0), args.subList(1, args.size()));
            case "typed": return typed(args.get(0));
            case "meta": return metadata(args.get(0), args.subList(1, args.size()));
            case "about": return about();
            case "schema": return schema(args.get(0));
            case "cancel": return cancel(args.get(0), Long.parseLong(args.get(1)));
            case "timeout": return timeout(args.get(0), Integer.parseInt(args.get(1)));
            case "checksum": return checksum(args.get(0), Integer.parseInt(args.get(1)));
            case "logs": return logs(args.get(0));
            case "isvalid": return connection.isValid(30);
            case "two": return twoStatements(args.get(0), args.get(1));
            case "scroll": return scroll(args.get(0));
            case "close": disconnect(); return true;
            default: throw new IllegalArgumentException("no call " + call);
        }
    }

    private Object connect(String suffix) throws SQLException {
        disconnect();
        String url = (suffix.startsWith("jdbc:") ? suffix : server + suffix) + settings;
        connection = user.isEmpty()
                ? DriverManager.getConnection(url)
                : DriverManager.getConnection(url, user, password);
        return warnings(connection.getWarnings());
    }

    private Object query(String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            return table(rows);
        }
    }

    private Object execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("has_rows", statement.execute(sql));
            result.put("count", statement.getUpdateCount());
            result.put("warnings", warnings(statement.getWarnings()));
            return result;
        }
    }

    private Object update(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            return statement.executeUpdate(sql);
        }
    }

    private Object prepare(String sql, List<String> parameters) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.size(); i++) {
                String[] parts = parameters.get(i).split(":", 2);
                bind(statement, i + 1, parts[0], parts[1]);
            }
            try (ResultSet rows = statement.executeQuery()) {
                return table(rows);
            }
        }
    }

    private static void bind(PreparedStatement statement, int index, String type, String value)
            throws SQLException {
        switch (type) {
            case "string": statement.setString(index, value); break;
            case "int": statement.setInt(index, Integer.parseInt(value)); break;
            case "long": statement.setLong(index, Long.parseLong(value)); break;
            case "double": statement.setDouble(index, Double.parseDouble(value)); break;
            case "boolean": statement.setBoolean(index, Boolean.parseBoolean(value)); break;
            case "date": statement.setDate(index, Date.valueOf(value)); break;
            case "timestamp": statement.setTimestamp(index, Timestamp.valueOf(value)); break;
            case "decimal": statement.setObject(index, new BigDecimal(value)); break;
            case "null": statement.setNull(index, java.sql.Types.VARCHAR); break;
            default: throw new IllegalArgumentException("no type " + type);
        }
    }

    /** Every getter on every column of the first row: conversions depend on the sent types. */
    private Object typed(String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            List<Object> columns = new ArrayList<>();
            rows.next();
            for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
                int column = i;
                Map<String, Object> values = new LinkedHashMap<>();
                values.put("string", attempt(() -> rows.getString(column)));
                values.put("boolean", attempt(() -> rows.getBoolean(column)));
                values.put("int", attempt(() -> rows.getInt(column)));
                values.put("long", attempt(() -> rows.getLong(column)));
                values.put("double", attempt(() -> rows.getDouble(column)));
                values.put("decimal", attempt(() -> rows.getBigDecimal(column)));
                values.put("date", attempt(() -> rows.getDate(column)));
                values.put("timestamp", attempt(() -> rows.getTimestamp(column)));
                values.put("null", attempt(rows::wasNull));
                columns.add(values);
            }
            return columns;
        }
    }

    private Object metadata(String call, List<String> args) throws SQLException {
        DatabaseMetaData meta = connection.getMetaData();
        String[] a = args.toArray(new String[0]);
        switch (call) {
            case "getCatalogs": return table(meta.getCatalogs());
            case "getSchemas": return table(meta.getSchemas(a[0], a[1]));
            case "getTables":
                return table(meta.getTables(a[0], a[1], a[2], a[3] == null ? null : a[3].split(",")));
            case "getColumns": return table(meta.getColumns(a[0], a[1], a[2], a[3]));
            case "getFunctions": return table(meta.getFunctions(a[0], a[1], a[2]));
            case "getTypeInfo": return table(meta.getTypeInfo());
            case "getTableTypes": return table(meta.getTableTypes());
            case "getPrimaryKeys": return table(meta.getPrimaryKeys(a[0], a[1], a[2]));
            case "getImportedKeys": return table(meta.getImportedKeys(a[0], a[1], a[2]));
            case "getCrossReference":
                return table(meta.getCrossReference(a[0], a[1], a[2], a[3], a[4], a[5]));
            default: throw new IllegalArgumentException("no metadata call " + call);
        }
    }

    private Object about() throws SQLException {
        DatabaseMetaData meta = connection.getMetaData();
        Map<String, Object> about = new LinkedHashMap<>();
        about.put("product", attempt(meta::getDatabaseProductName));
        about.put("version", attempt(meta::getDatabaseProductVersion));
        about.put("major", attempt(meta::getDatabaseMajorVersion));
        about.put("driver", attempt(meta::getDriverVersion));
        about.put("keywords", attempt(meta::getSQLKeywords));
        about.put("user", attempt(meta::getUserName));
        about.put("catalog", attempt(connection::getCatalog));
        about.put("schema", attempt(connection::getSchema));
        about.put("client_info", attempt(() -> String.valueOf(connection.getClientInfo())));
        about.put("autocommit", attempt(connection::getAutoCommit));
        about.put("readonly", attempt(connection::isReadOnly));
        about.put("isolation", attempt(connection::getTransactionIsolation));
        return about;
    }

    private Object schema(String name) throws SQLException {
        connection.setSchema(name);
        return connection.getSchema();
    }

    /** Cancels from a second thread on the same connection, once the statement is on its way. */
    private Object cancel(String sql, long after) throws Exception {
        Map<String, Object> result = new LinkedHashMap<>();
        try (Statement statement = connection.createStatement()) {
            Object[] ended = new Object[1];
            Thread runner = new Thread(() -> ended[0] = attempt(() -> statement.execute(sql)));
            runner.start();
            Thread.sleep(after);
            result.put("cancel", attempt(() -> {
                statement.cancel();
                return "sent";
            }));
            runner.join();
            result.put("statement", ended[0]);
        }
        result.put("next", query("select 'still usable'"));
        return result;
    }

    private Object timeout(String sql, int seconds) throws SQLException {
        Map<String, Object> result = new LinkedHashMap<>();
        try (Statement statement = connection.createStatement()) {
            statement.setQueryTimeout(seconds);
            result.put("statement", attempt(() -> statement.execute(sql)));
        }
        result.put("next", query("select 'still usable'"));
        return result;
    }

    /** A result too big to print: rows and a CRC over every value. */
    private Object checksum(String sql, int fetchSize) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(fetchSize);
            try (ResultSet rows = statement.executeQuery(sql)) {
                CRC32 crc = new CRC32();
                long count = 0;
                int width = rows.getMetaData().getColumnCount();
                while (rows.next()) {
                    count++;
                    for (int i = 1; i <= width; i++) {
                        crc.update((rows.getString(i) + "\u0001").getBytes(StandardCharsets.UTF_8));
                    }
                }
                return Arrays.asList(count, Long.toHexString(crc.getValue()));
            }
        }
    }

    /** The operation log, by the driver's own class: JDBC has no call for it. */
    private Object logs(String sql) throws Throwable {
        try (Statement statement = connection.createStatement()) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("execute", statement.execute(sql));
            for (String name : Arrays.asList("hasMoreLogs", "getQueryLog", "hasMoreLogs")) {
                Method method = statement.getClass().getMethod(name);
                result.put(name + result.size(), attempt(() -> String.valueOf(method.invoke(statement))));
            }
            return result;
        }
    }

    /** Two results of one connection, read in turns. */
    private Object twoStatements(String first, String second) throws SQLException {
        List<Object> seen = new ArrayList<>();
        try (Statement one = connection.createStatement();
                Statement two = connection.createStatement();
                ResultSet a = one.executeQuery(first);
                ResultSet b = two.executeQuery(second)) {
            boolean more = true;
            while (more) {
                more = false;
                for (ResultSet rows : Arrays.asList(a, b)) {
                    if (rows.next()) {
                        seen.add(rows.getString(1));
                        more = true;
                    }
                }
            }
        }
        return seen;
    }

    /** Forward, back to the start (FETCH_FIRST on the wire), forward again. */
    private Object scroll(String sql) throws SQLException {
        List<Object> seen = new ArrayList<>();
        try (Statement statement = connection.createStatement(
                        ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY);
                ResultSet rows = statement.executeQuery(sql)) {
            for (int i = 0; i < 3 && rows.next(); i++) {
                seen.add(rows.getString(1));
            }
            rows.beforeFirst();
            while (rows.next()) {
                seen.add(rows.getString(1));
            }
        }
        return seen;
    }

    // -- results as plain values ---------------------------------------------------------------

    private static Object table(ResultSet rows) throws SQLException {
        try (ResultSet open = rows) {
            ResultSetMetaData meta = open.getMetaData();
            List<Object> columns = new ArrayList<>();
            for (int i = 1; i <= meta.getColumnCount(); i++) {
                int column = i;
                columns.add(Arrays.asList(
                        attempt(() -> meta.getColumnLabel(column)),
                        attempt(() -> meta.getColumnType(column)),
                        attempt(() -> meta.getColumnTypeName(column)),
                        attempt(() -> meta.getColumnClassName(column)),
                        attempt(() -> meta.getPrecision(column)),
                        attempt(() -> meta.getScale(column)),
                        attempt(() -> meta.getColumnDisplaySize(column)),
                        attempt(() -> meta.isNullable(column))));
            }
            List<Object> values = new ArrayList<>();
            while (open.next()) {
                List<Object> row = new ArrayList<>();
                for (int i = 1; i <= columns.size(); i++) {
                    int column = i;
                    row.add(attempt(() -> open.getObject(column)));
                }
                values.add(row);
            }
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("columns", columns);
            result.put("rows", values);
            return result;
        }
    }

    private interface Call {
        Object run() throws Throwable;
    }

    private static Object attempt(Call call) {
        try {
            Object value = call.run();
            if (value == null) {
                return null;
            }
            String text = value instanceof byte[] ? hex((byte[]) value) : String.valueOf(value);
            return Arrays.asList(value.getClass().getSimpleName(), text);
        } catch (Throwable error) {
            return describe(error);
        }
    }

    private static Map<String, Object> describe(Throwable error) {
        Map<String, Object> shown = new LinkedHashMap<>();
        shown.put("class", error.getClass().getName());
        if (error instanceof SQLException) {
            shown.put("state", ((SQLException) error).getSQLState());
            shown.put("code", ((SQLException) error).getErrorCode());
        }
        shown.put("message", error.getMessage());
        List<Object> causes = new ArrayList<>();
        for (Throwable e = error.getCause(); e != null && causes.size() < 10; e = e.getCause()) {
            causes.add(e.getClass().getName() + ": " + e.getMessage());
        }
        shown.put("causes", causes);
        return shown;
    }

    private static Object warnings(SQLWarning warning) {
        List<Object> found = new ArrayList<>();
        for (SQLWarning w = warning; w != null; w = w.getNextWarning()) {
            found.add(w.getMessage());
        }
        return found;
    }

    private static String hex(byte[] bytes) {
        StringBuilder text = new StringBuilder("0x");
        for (byte b : bytes) {
            text.append(String.format("%02x", b));
        }
        return text.toString();
    }

    // -- the script's fields, and JSON ---------------------------------------------------------

    private static List<String> split(String line) {
        List<String> fields = new ArrayList<>();
        for (String field : line.split("\t", -1)) {
            if (field.equals("\\N")) {
                fields.add(null);
                continue;
            }
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < field.length(); i++) {
                char c = field.charAt(i);
                if (c == '\\' && i + 1 < field.length()) {
                    c = field.charAt(++i);
                    c = c == 't' ? '\t' : c == 'n' ? '\n' : c;
                }
                text.append(c);
            }
            fields.add(text.toString());
        }
        return fields;
    }

    private static String json(Object value) {
        if (value == null || value instanceof Boolean || value instanceof Number) {
            return String.valueOf(value);
        }
        StringBuilder out = new StringBuilder();
        if (value instanceof Map) {
            String comma = "{";
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                out.append(comma).append(json(entry.getKey())).append(':');
                out.append(json(entry.getValue()));
                comma = ",";
            }
            return out.append(comma.equals("{") ? "{}" : "}").toString();
        }
        if (value instanceof List) {
            String comma = "[";
            for (Object element : (List<?>) value) {
                out.append(comma).append(json(element));
                comma = ",";
            }
            return out.append(comma.equals("[") ? "[]" : "]").toString();
        }
        out.append('"');
        for (char c : String.valueOf(value).toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < 0x20 || c > 0x7e) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }
}
