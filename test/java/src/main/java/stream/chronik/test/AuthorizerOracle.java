package stream.chronik.test;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.metrics.internals.PluginMetricsImpl;
import org.apache.kafka.metadata.authorizer.StandardAcl;
import org.apache.kafka.metadata.authorizer.StandardAuthorizer;
import org.apache.kafka.server.authorizer.AuthorizationResult;

/**
 * What Apache Kafka's StandardAuthorizer answers. The first argument is a file of {@link AclCases}, the second the file that the
 * answers go to: a byte for each question, 1 for allowed, and for each filter how many ACLs match, and their numbers.
 */
public final class AuthorizerOracle {
    private final AclCases cases;
    private final DataOutputStream answers;
    private StandardAuthorizer authorizer;
    private final Map<AclBinding, Integer> numbers = new HashMap<>();

    private AuthorizerOracle(AclCases cases, DataOutputStream answers) {
        this.cases = cases;
        this.answers = answers;
    }

    public static void main(String[] args) throws Exception {
        try (AclCases cases = new AclCases(args[0]);
             DataOutputStream answers = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(Path.of(args[1])), 1 << 20))) {
            new AuthorizerOracle(cases, answers).run();
        }
    }

    /** An authorizer without ACLs that has loaded, configured as a broker's. */
    static StandardAuthorizer newAuthorizer(String superUsers, boolean allowIfNone) {
        StandardAuthorizer authorizer = new StandardAuthorizer();
        authorizer.configure(Map.of(StandardAuthorizer.SUPER_USERS_CONFIG, superUsers,
            StandardAuthorizer.ALLOW_EVERYONE_IF_NO_ACL_IS_FOUND_CONFIG, Boolean.toString(allowIfNone)));
        authorizer.withPluginMetrics(new PluginMetricsImpl(new Metrics(), Map.of())); // it counts answers there
        authorizer.completeInitialLoad();
        return authorizer;
    }

    /** The id of the ACL with a number. */
    static Uuid id(int number) {
        return new Uuid(1, number);
    }

    private void run() throws IOException {
        for (int step = cases.next(); step >= 0; step = cases.next()) {
            switch (step) {
                case AclCases.NEW -> {
                    authorizer = newAuthorizer(cases.text(), cases.yes());
                    numbers.clear();
                }
                case AclCases.ADD -> add(cases.number(), cases.acl());
                case AclCases.REMOVE -> remove(cases.number(), cases.acl());
                case AclCases.ASK -> answer(authorizer.authorize(cases.asker(), List.of(cases.action())).get(0));
                case AclCases.ASK_ANY ->
                    answer(authorizer.authorizeByResourceType(cases.asker(), cases.operation(), cases.resourceType()));
                case AclCases.FILTER -> filter();
                default -> throw new IOException("step " + step + " is unknown");
            }
        }
    }

    private void add(int number, StandardAcl acl) {
        authorizer.addAcl(id(number), acl);
        numbers.put(acl.toBinding(), number);
    }

    private void remove(int number, StandardAcl acl) {
        authorizer.removeAcl(id(number));
        numbers.remove(acl.toBinding());
    }

    private void answer(AuthorizationResult result) throws IOException {
        answers.writeByte(result == AuthorizationResult.ALLOWED ? 1 : 0);
    }

    private void filter() throws IOException {
        List<Integer> matching = new ArrayList<>();
        authorizer.acls(cases.filter()).forEach(binding -> matching.add(numbers.get(binding)));
        answers.writeInt(matching.size());
        for (int number : matching) {
            answers.writeInt(number);
        }
    }
}
