package stream.chronik.test;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.metadata.authorizer.StandardAcl;
import org.apache.kafka.metadata.authorizer.StandardAuthorizer;
import org.apache.kafka.server.authorizer.Action;
import org.apache.kafka.server.authorizer.AuthorizationResult;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * How long Apache Kafka's StandardAuthorizer takes for an answer, and for one ACL more and less, with the ACLs of a file of
 * {@link AclCases}, and its questions in turn.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class AuthorizerBenchmark {
    /** The file. */
    @Param("")
    public String cases;

    private static final Uuid ONE_MORE = new Uuid(2, 0);

    private record Question(Asker who, List<Action> actions) {
    }

    private StandardAuthorizer authorizer;
    private StandardAcl one;
    private Question[] questions;
    private int turn;

    @Setup
    public void load() throws IOException {
        authorizer = AuthorizerOracle.newAuthorizer("", false);
        List<Question> read = new ArrayList<>();
        try (AclCases file = new AclCases(cases)) {
            for (int step = file.next(); step >= 0; step = file.next()) {
                switch (step) {
                    case AclCases.ADD -> authorizer.addAcl(AuthorizerOracle.id(file.number()), file.acl());
                    case AclCases.ASK -> read.add(new Question(file.asker(), List.of(file.action())));
                    case AclCases.REMOVE -> {
                        file.number();
                        one = file.acl(); // comes and goes
                    }
                    default -> throw new IOException("step " + step + " is no part of a benchmark");
                }
            }
        }
        questions = read.toArray(new Question[0]);
    }

    @Benchmark
    public AuthorizationResult authorize() {
        Question question = questions[turn];
        turn = turn + 1 == questions.length ? 0 : turn + 1;
        return authorizer.authorize(question.who, question.actions).get(0);
    }

    @Benchmark
    public StandardAuthorizer change() {
        authorizer.addAcl(ONE_MORE, one);
        authorizer.removeAcl(ONE_MORE);
        return authorizer;
    }
}
