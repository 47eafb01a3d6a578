package stream.chronik.test;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Members of consumer groups, of which each does as it is told and tells what happens to it. Usage: BOOTSTRAP CLIENT_PROPERTIES
 * One command per line of standard input, in JSON:
 * {"do": "start", "member": name, "group": ..., "instance": id or "", "protocol": "classic" or "consumer", "cooperative": bool,
 * "topics": [...], "pattern": regular expression or ""}; {"do": "close", ...}; {"do": "hold", ...} to stay in the next callback that
 * takes partitions away until {"do": "release", ...}.
 * One line per event: {"member": name, "what": "assigned", "revoked", "lost", "record", "error" or "closed", "partitions": ["topic:0"],
 * "offset": of a record, "error": name of its code}. A member commits what it has told of when partitions are revoked.
 */
public final class Members {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Properties client = new Properties();
    private final Map<String, Member> members = new HashMap<>();

    private Members() {
    }

    public static void main(String[] args) throws IOException {
        Members members = new Members();
        try (InputStream in = new FileInputStream(args[1])) {
            members.client.load(in);
        }
        members.client.put("bootstrap.servers", args[0]);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            members.carryOut(JSON.readTree(line));
        }
    }

    private void carryOut(JsonNode command) {
        String name = command.path("member").asText();
        switch (command.path("do").asText()) {
            case "start" -> {
                Member member = new Member(name, client, command);
                members.put(name, member);
                new Thread(member::run, name).start();
            }
            case "close" -> members.get(name).closing = true;
            case "hold" -> members.get(name).held = new CountDownLatch(1);
            case "release" -> members.get(name).held.countDown();
            default -> throw new IllegalArgumentException("unknown command " + command);
        }
    }

    private static final class Member implements ConsumerRebalanceListener {
        private final String name;
        private final KafkaConsumer<String, String> consumer;
        private final Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
        private volatile boolean closing;
        private volatile CountDownLatch held = new CountDownLatch(0);

        Member(String name, Properties client, JsonNode role) {
            this.name = name;
            boolean classic = role.path("protocol").asText().equals("classic");
            Properties config = new Properties();
            config.putAll(client);
            config.put("client.id", name);
            config.put("group.id", role.path("group").asText());
            config.put("group.protocol", role.path("protocol").asText());
            config.put("enable.auto.commit", "false");
            config.put("auto.offset.reset", "earliest");
            config.put("metadata.max.age.ms", "1000");
            if (!role.path("instance").asText().isEmpty()) {
                config.put("group.instance.id", role.path("instance").asText());
            }
            if (classic) {
                String assignor = role.path("cooperative").asBoolean() ? "CooperativeStickyAssignor" : "RangeAssignor";
                config.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer." + assignor);
                config.put("session.timeout.ms", "30000");
                config.put("heartbeat.interval.ms", "300");
            }
            consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
            subscribe(role, classic);
        }

        private void subscribe(JsonNode role, boolean classic) {
            String pattern = role.path("pattern").asText();
            if (pattern.isEmpty()) {
                List<String> topics = new ArrayList<>();
                role.path("topics").forEach(t -> topics.add(t.asText()));
                consumer.subscribe(topics, this);
            } else if (classic) {
                consumer.subscribe(Pattern.compile(pattern), this);
            } else {
                consumer.subscribe(new SubscriptionPattern(pattern), this);
            }
        }

        void run() {
            try (consumer) {
                while (!closing) {
                    for (ConsumerRecord<String, String> r : consumer.poll(Duration.ofMillis(100))) {
                        TopicPartition at = new TopicPartition(r.topic(), r.partition());
                        next.put(at, new OffsetAndMetadata(r.offset() + 1));
                        tell("record", List.of(at), r.offset(), "");
                    }
                }
            } catch (RuntimeException e) {
                tell("error", List.of(), 0, Errors.forException(e).name());
                e.printStackTrace();
            } finally {
                tell("closed", List.of(), 0, "");
            }
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            tell("assigned", partitions, 0, "");
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            tell("revoked", partitions, 0, "");
            try {
                held.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            Map<TopicPartition, OffsetAndMetadata> read = new HashMap<>(next);
            read.keySet().retainAll(partitions);
            consumer.commitSync(read);
            next.keySet().removeAll(partitions);
        }

        @Override
        public void onPartitionsLost(Collection<TopicPartition> partitions) {
            tell("lost", partitions, 0, "");
            next.keySet().removeAll(partitions);
        }

        private void tell(String what, Collection<TopicPartition> partitions, long offset, String error) {
            ObjectNode event = JSON.createObjectNode();
            event.put("member", name).put("what", what).put("offset", offset).put("error", error);
            partitions.forEach(p -> event.withArray("partitions").add(p.topic() + ":" + p.partition()));
            System.out.println(event);
        }
    }
}
