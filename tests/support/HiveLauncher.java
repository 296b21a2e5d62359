/*
 * Starts a server of Hive 3.1 on Java 17.
 *
 *   java HiveLauncher.java CLASS FOLDER JARS
 *
 * Hive 3.1 was made for Java 8. Two things of it fail at once on a later one, whatever packages are
 * opened to it: it wants to be loaded by a URLClassLoader, as everything was; and a helper for its
 * query plans looks, when its class is loaded, for the field `parentOffset` of ArrayList's SubList,
 * which has been `offset` since Java 9. So the class loader is one, and renames that constant.
 */

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

public final class HiveLauncher extends URLClassLoader {
    private static final String HELPER =
            "org.apache.hadoop.hive.ql.exec.SerializationUtilities$ArrayListSubListSerializer";

    private HiveLauncher(URL[] urls) {
        super(urls, ClassLoader.getPlatformClassLoader());
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        if (!name.equals(HELPER)) {
            return super.findClass(name);
        }
        try (InputStream in = getResourceAsStream(name.replace('.', '/') + ".class")) {
            String text = new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
            // A constant stands in a class file with its length in front.
            text = text.replace("\0\14parentOffset", "\0\6offset");
            byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
            return defineClass(name, bytes, 0, bytes.length);
        } catch (IOException error) {
            throw new ClassNotFoundException(name, error);
        }
    }

    public static void main(String[] args) throws Exception {
        List<URL> urls = new ArrayList<>();
        urls.add(new File(args[1]).toURI().toURL());
        for (File jar : new File(args[2]).listFiles()) {
            urls.add(jar.toURI().toURL());
        }
        HiveLauncher loader = new HiveLauncher(urls.toArray(new URL[0]));
        Thread.currentThread().setContextClassLoader(loader);
        loader.loadClass(args[0])
                .getMethod("main", String[].class)
                .invoke(null, (Object) new String[0]);
    }
}
