package stream.chronik.test;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.apache.kafka.common.utils.Exit;
import org.apache.kafka.common.utils.KafkaThread;

/**
 * Runs the main classes of Apache Kafka's tools one after the other in a single JVM, so that a test does not pay a JVM's
 * start for each call. One request per line of standard input, one answer per line of standard output, both JSON:
 * {"main": class, "args": [...], "stdin": text, "timeoutMs": n} gives {"exit": code, "out": text, "err": text, "left": [...]}, with
 * the threads of Kafka's clients that go on after the tool: they would look for its broker, and log that, for as long as the JVM runs.
 */
public final class ToolServer {
    private static final int TIMED_OUT = 124;
    private static final int RUNNING = Integer.MIN_VALUE;
    private static final long ENDING_MS = 2_000;

    /** Thrown in place of ending the JVM. */
    private static final class Exited extends Error {
        private final int code;

        Exited(int code) {
            super("exit " + code, null, false, false);
            this.code = code;
        }
    }

    private ToolServer() {
    }

    public static void main(String[] args) throws Exception {
        PrintStream answers = System.out;
        PrintStream realErr = System.err;
        InputStream requests = System.in;
        AtomicInteger exitCode = new AtomicInteger();
        Exit.Procedure exit = (code, message) -> {
            // A tool may catch this and exit once more: the first code is the one that a shell would have seen.
            exitCode.compareAndSet(RUNNING, code);
            throw new Exited(code);
        };
        Exit.setExitProcedure(exit);
        Exit.setHaltProcedure(exit);
        Queue<Runnable> hooks = new ConcurrentLinkedQueue<>();
        Exit.setShutdownHookAdder((name, hook) -> hooks.add(hook));

        ObjectMapper json = new ObjectMapper();
        BufferedReader lines = new BufferedReader(new InputStreamReader(requests, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonNode request = json.readTree(line);
            exitCode.set(RUNNING);
            Set<Thread> before = clientThreads();
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            ByteArrayOutputStream err = new ByteArrayOutputStream();
            System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
            System.setIn(new ByteArrayInputStream(request.path("stdin").asText("").getBytes(StandardCharsets.UTF_8)));
            int code = run(request, exitCode);
            // The console producer, for one, sends its last records in a shutdown hook.
            for (Runnable hook = hooks.poll(); hook != null; hook = hooks.poll()) {
                hook.run();
            }
            System.setOut(realErr);
            System.setErr(realErr);
            ObjectNode answer = json.createObjectNode();
            answer.put("exit", code);
            answer.put("out", out.toString(StandardCharsets.UTF_8));
            answer.put("err", err.toString(StandardCharsets.UTF_8));
            for (Thread left : clientThreads()) {
                if (!before.contains(left) && goesOn(left)) {
                    answer.withArray("left").add(left.getName());
                }
            }
            answers.println(json.writeValueAsString(answer));
            answers.flush();
        }
    }

    private static Set<Thread> clientThreads() {
        return Thread.getAllStackTraces().keySet().stream().filter(t -> t instanceof KafkaThread).collect(Collectors.toSet());
    }

    private static boolean goesOn(Thread client) throws InterruptedException {
        client.join(ENDING_MS); // some threads are told to end by a close that does not wait for them
        return client.isAlive();
    }

    private static int run(JsonNode request, AtomicInteger exitCode) throws Exception {
        List<String> args = new ArrayList<>();
        request.path("args").forEach(a -> args.add(a.asText()));
        Method main = Class.forName(request.path("main").asText()).getMethod("main", String[].class);
        Thread thread = new Thread(() -> call(main, args, exitCode), "tool");
        thread.setDaemon(true);
        thread.start();
        thread.join(request.path("timeoutMs").asLong(60_000));
        if (thread.isAlive()) {
            for (StackTraceElement frame : thread.getStackTrace()) {
                System.err.println("  at " + frame);
            }
            thread.interrupt();
            thread.join(5_000);
            return TIMED_OUT;
        }
        return exitCode.get();
    }

    private static void call(Method main, List<String> args, AtomicInteger exitCode) {
        try {
            main.invoke(null, (Object) args.toArray(new String[0]));
            exitCode.compareAndSet(RUNNING, 0);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof Exited exited) {
                exitCode.compareAndSet(RUNNING, exited.code);
                return;
            }
            e.getCause().printStackTrace();
            exitCode.compareAndSet(RUNNING, 1);
        } catch (ReflectiveOperationException e) {
            e.printStackTrace();
            exitCode.compareAndSet(RUNNING, 1);
        }
    }
}
