// Opens one connection with the Hive JDBC driver on the class path; says why when that fails.
import java.sql.DriverManager;

public class JdbcConnect {
    public static void main(String[] args) throws Exception {
        Class.forName("org.apache.hive.jdbc.HiveDriver");
        try (var connection = DriverManager.getConnection(args[0], "alice", args.length > 1 ? args[1] : "x")) {
            System.out.println("connected");
        } catch (java.sql.SQLException e) {
            System.out.println(e);
        }
    }
}
