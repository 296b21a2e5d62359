// A client of ZooKeeper for tests: one command per line of standard input, one line of answer each.
//
//   create MODE PATH DATA | set PATH DATA | delete PATH | get PATH | ls PATH | acl PATH | session
//
// MODE is PERSISTENT, EPHEMERAL or EPHEMERAL_SEQUENTIAL. Answers begin with "ok " or "no ".
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.concurrent.CountDownLatch;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;

public class ZookeeperShell {
    private static ZooKeeper client;

    private static ZooKeeper connect(String hosts, int timeout) throws Exception {
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeper made = new ZooKeeper(hosts, timeout, event -> {
            if (event.getState() == Watcher.Event.KeeperState.SyncConnected) {
                connected.countDown();
            }
        });
        connected.await();
        return made;
    }

    private static byte[] bytes(String[] words, int at) {
        return (words.length > at ? words[at] : "").getBytes(StandardCharsets.UTF_8);
    }

    private static String run(String line) throws Exception {
        String[] words = line.split(" ");
        switch (words[0]) {
            case "create":
                return client.create(words[2], bytes(words, 3), ZooDefs.Ids.OPEN_ACL_UNSAFE,
                        CreateMode.valueOf(words[1]));
            case "set":
                client.setData(words[1], bytes(words, 2), -1);
                return "";
            case "delete":
                client.delete(words[1], -1);
                return "";
            case "get":
                return new String(client.getData(words[1], false, null), StandardCharsets.UTF_8);
            case "ls":
                var names = client.getChildren(words[1], false);
                Collections.sort(names);
                return String.join(" ", names);
            case "acl":
                return client.getACL(words[1], null).toString();
            case "session":
                return Long.toHexString(client.getSessionId());
            default:
                throw new IllegalArgumentException(words[0]);
        }
    }

    public static void main(String[] args) throws Exception {
        client = connect(args[0], Integer.parseInt(args[1]));
        System.out.println("ok ready");
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            try {
                System.out.println("ok " + run(line).replace('\n', ' '));
            } catch (KeeperException e) {
                System.out.println("no " + e.code());
            }
        }
        client.close();
    }
}
