package stream.chronik.test;

import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The Java producer and consumer with default settings. Usage:
 * produce BOOTSTRAP CLIENT_PROPERTIES TOPIC COUNT PREFIX [key=value ...] sends PREFIX-0 .. PREFIX-(COUNT-1), with a key and a header;
 * consume BOOTSTRAP CLIENT_PROPERTIES TOPIC COUNT GROUP [key=value ...] joins the group and prints partition, offset, key, value and
 * headers of COUNT records, one per line, then commits.
 */
public final class RoundTrip {
    private RoundTrip() {
    }

    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        try (InputStream in = new FileInputStream(args[2])) {
            properties.load(in);
        }
        properties.put("bootstrap.servers", args[1]);
        for (int i = 6; i < args.length; i++) {
            String[] pair = args[i].split("=", 2);
            properties.put(pair[0], pair[1]);
        }
        int count = Integer.parseInt(args[4]);
        if (args[0].equals("produce")) {
            produce(properties, args[3], count, args[5]);
        } else {
            consume(properties, args[3], count, args[5]);
        }
    }

    private static void produce(Properties properties, String topic, int count, String prefix) throws Exception {
        properties.put("key.serializer", ByteArraySerializer.class.getName());
        properties.put("value.serializer", ByteArraySerializer.class.getName());
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(properties)) {
            List<java.util.concurrent.Future<?>> sent = new java.util.ArrayList<>();
            for (int i = 0; i < count; i++) {
                ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, bytes("k" + i), bytes(prefix + "-" + i));
                record.headers().add("h", bytes("v" + i));
                sent.add(producer.send(record));
            }
            for (java.util.concurrent.Future<?> f : sent) {
                f.get();
            }
            System.out.println("produced " + sent.size());
        }
    }

    private static void consume(Properties properties, String topic, int count, String group) {
        properties.put("key.deserializer", ByteArrayDeserializer.class.getName());
        properties.put("value.deserializer", ByteArrayDeserializer.class.getName());
        properties.put("group.id", group);
        properties.putIfAbsent("auto.offset.reset", "earliest");
        long deadline = System.nanoTime() + Duration.ofSeconds(45).toNanos();
        int seen = 0;
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(properties)) {
            consumer.subscribe(List.of(topic));
            while (seen < count && System.nanoTime() < deadline) {
                for (ConsumerRecord<byte[], byte[]> r : consumer.poll(Duration.ofMillis(500))) {
                    print(r);
                    seen++;
                }
            }
            consumer.commitSync();
        }
        if (seen < count) {
            throw new IllegalStateException("read " + seen + " of " + count + " records");
        }
    }

    private static void print(ConsumerRecord<byte[], byte[]> r) {
        StringBuilder line = new StringBuilder();
        line.append(r.partition()).append(' ').append(r.offset()).append(' ').append(text(r.key())).append(' ').append(text(r.value()));
        for (Header h : r.headers()) {
            line.append(' ').append(h.key()).append('=').append(text(h.value()));
        }
        System.out.println(line);
    }

    private static byte[] bytes(String s) {
        return s.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] b) {
        return b == null ? "null" : new String(b, StandardCharsets.UTF_8);
    }
}
