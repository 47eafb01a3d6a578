package stream.chronik.test;

import java.io.FileInputStream;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DescribeReplicaLogDirsResult.ReplicaLogDirInfo;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartitionReplica;

/**
 * The Java administrative client's moves between log directories. Usage:
 * move BOOTSTRAP CLIENT_PROPERTIES BROKER TOPIC PARTITIONS DIRECTORY asks, in one request, for the moves of partitions, 0,1,2, and
 * prints each one with its outcome, one per line;
 * where BOOTSTRAP CLIENT_PROPERTIES BROKER TOPIC PARTITIONS prints each partition with the directory it is in, the one it is to go to,
 * and how far the copy there is behind, one per line.
 */
public final class MoveReplicas {
    private MoveReplicas() {
    }

    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        try (InputStream in = new FileInputStream(args[2])) {
            properties.load(in);
        }
        properties.put("bootstrap.servers", args[1]);
        List<TopicPartitionReplica> replicas = new ArrayList<>();
        for (String partition : args[5].split(",")) {
            replicas.add(new TopicPartitionReplica(args[4], Integer.parseInt(partition), Integer.parseInt(args[3])));
        }
        try (Admin admin = Admin.create(properties)) {
            if (args[0].equals("move")) {
                move(admin, replicas, args[6]);
            } else {
                where(admin, replicas);
            }
        }
    }

    private static void move(Admin admin, List<TopicPartitionReplica> replicas, String directory) throws InterruptedException {
        Map<TopicPartitionReplica, String> wanted = new HashMap<>();
        replicas.forEach(r -> wanted.put(r, directory));
        Map<TopicPartitionReplica, KafkaFuture<Void>> outcomes = admin.alterReplicaLogDirs(wanted).values();
        for (TopicPartitionReplica r : replicas) {
            String outcome = "asked";
            try {
                outcomes.get(r).get();
            } catch (ExecutionException e) {
                outcome = e.getCause().getClass().getSimpleName();
            }
            System.out.println(r.partition() + " " + outcome);
        }
    }

    private static void where(Admin admin, List<TopicPartitionReplica> replicas) throws Exception {
        Map<TopicPartitionReplica, ReplicaLogDirInfo> found = admin.describeReplicaLogDirs(replicas).all().get();
        for (TopicPartitionReplica r : replicas) {
            ReplicaLogDirInfo at = found.get(r);
            System.out.println(r.partition() + " " + at.getCurrentReplicaLogDir() + " " + at.getFutureReplicaLogDir() + " "
                + at.getFutureReplicaOffsetLag());
        }
    }
}
