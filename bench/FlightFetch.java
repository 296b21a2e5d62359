/*
 * Fetches all of flights through a Hive JDBC driver from several servers in turn and prints one JSON
 * line for each time. One JVM does it all, so that what the driver costs is the same for all.
 *
 *   java -cp DRIVER.jar FlightFetch.java USER PASSWORD WARMUPS ROUNDS NAME=URL...
 */

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

public final class FlightFetch {
    private static final String QUERY = "SELECT * FROM flights";

    public static void main(String[] args) throws Exception {
        String user = args[0];
        String password = args[1];
        int warmups = Integer.parseInt(args[2]);
        int rounds = Integer.parseInt(args[3]);
        int servers = args.length - 4;
        Class.forName("org.apache.hive.jdbc.HiveDriver");
        for (int round = -warmups; round < rounds; round++) {
            for (int i = 0; i < servers; i++) {
                // Who goes first changes from round to round.
                String server = args[4 + Math.floorMod(i + round, servers)];
                int equals = server.indexOf('=');
                String name = server.substring(0, equals);
                fetch(name, server.substring(equals + 1), user, password, round);
            }
        }
    }

    private static void fetch(String name, String url, String user, String password, int round)
            throws SQLException {
        long rows = 0;
        long miles = 0;
        long tails = 0;
        try (Connection connection = DriverManager.getConnection(url, user, password);
                Statement statement = connection.createStatement()) {
            long begin = System.nanoTime();
            try (ResultSet result = statement.executeQuery(QUERY)) {
                long executed = System.nanoTime();
                while (result.next()) {
                    rows++;
                    miles += result.getInt("distance");
                    String tail = result.getString("tailnum");
                    tails += tail == null ? 0 : tail.hashCode();
                }
                long fetched = System.nanoTime();
                if (round >= 0) {
                    System.out.printf(
                            "{\"server\":\"%s\",\"round\":%d,\"execute_ms\":%.1f,"
                                    + "\"fetch_ms\":%.1f,\"rows\":%d,\"check\":\"%d/%d\"}%n",
                            name, round, (executed - begin) / 1e6, (fetched - executed) / 1e6,
                            rows, miles, tails);
                }
            }
        }
    }
}
