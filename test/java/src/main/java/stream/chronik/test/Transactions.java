package stream.chronik.test;

import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.tools.TransactionsCommand;

/** kafka-transactions, which by itself leaves its client open until the JVM ends. Takes its arguments, and closes the client. */
public final class Transactions {
    private Transactions() {
    }

    public static void main(String[] args) throws Throwable {
        Method open = own("buildAdminClient", Class.forName("net.sourceforge.argparse4j.inf.Namespace"));
        Method execute = own("execute", String[].class, Function.class, PrintStream.class, Time.class);
        List<Admin> opened = new ArrayList<>();
        Function<Object, Admin> opener = words -> {
            Admin admin = (Admin) call(open, words);
            opened.add(admin);
            return admin;
        };
        try {
            call(execute, args, opener, System.out, Time.SYSTEM);
        } finally {
            opened.forEach(admin -> admin.close(Duration.ZERO));
        }
    }

    private static Method own(String name, Class<?>... parameters) throws NoSuchMethodException {
        Method method = TransactionsCommand.class.getDeclaredMethod(name, parameters);
        method.setAccessible(true);
        return method;
    }

    /** Calls a static method, and throws what it throws. */
    private static <T extends Throwable> Object call(Method method, Object... args) throws T {
        try {
            return method.invoke(null, args);
        } catch (InvocationTargetException e) {
            @SuppressWarnings("unchecked")
            T thrown = (T) e.getCause();
            throw thrown;
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }
}
