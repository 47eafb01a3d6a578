package stream.chronik.test;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A worker that takes records from a topic, sends each to another one and commits both in a transaction. Usage:
 * BOOTSTRAP CLIENT_PROPERTIES IN OUT GROUP TRANSACTIONAL_ID SEED HANG_AFTER PROTOCOL
 * It aborts now and then, by the seed, and runs until it is ended. After HANG_AFTER transactions, unless that is negative, it leaves
 * one open, with records and offsets, and waits. PROTOCOL is that of the group: "classic" or "consumer". It prints "committed N",
 * "aborted N" and "open N" for transactions of N records.
 */
public final class Eos {
    private final KafkaConsumer<String, String> consumer;
    private final KafkaProducer<String, String> producer;
    private final String out;
    private final Random random;
    private int untilHang;

    private Eos(Properties client, String[] args) {
        Properties reading = new Properties();
        reading.putAll(client);
        reading.put("group.id", args[4]);
        reading.put("isolation.level", "read_committed");
        reading.put("enable.auto.commit", "false");
        reading.put("auto.offset.reset", "earliest");
        reading.put("max.poll.records", "40");
        reading.put("group.protocol", args[8]);
        if (args[8].equals("classic")) {
            reading.put("session.timeout.ms", "6000");
            reading.put("heartbeat.interval.ms", "1000");
        }
        Properties writing = new Properties();
        writing.putAll(client);
        writing.put("transactional.id", args[5]);
        consumer = new KafkaConsumer<>(reading, new StringDeserializer(), new StringDeserializer());
        producer = new KafkaProducer<>(writing, new StringSerializer(), new StringSerializer());
        out = args[3];
        random = new Random(Long.parseLong(args[6]));
        untilHang = Integer.parseInt(args[7]);
        consumer.subscribe(List.of(args[2]));
    }

    public static void main(String[] args) throws IOException, InterruptedException {
        Properties client = new Properties();
        try (InputStream in = new FileInputStream(args[1])) {
            client.load(in);
        }
        client.put("bootstrap.servers", args[0]);
        client.put("reconnect.backoff.max.ms", "200");
        Eos worker = new Eos(client, args);
        worker.retrying(worker.producer::initTransactions);
        while (true) {
            ConsumerRecords<String, String> records = worker.consumer.poll(Duration.ofMillis(200));
            if (!records.isEmpty()) {
                worker.transaction(records);
            }
        }
    }

    private void transaction(ConsumerRecords<String, String> records) throws InterruptedException {
        producer.beginTransaction();
        try {
            for (ConsumerRecord<String, String> r : records) {
                producer.send(new ProducerRecord<>(out, r.key(), r.value()));
            }
            producer.sendOffsetsToTransaction(next(records), consumer.groupMetadata());
            if (untilHang-- == 0) {
                producer.flush();
                tell("open", records);
                Thread.currentThread().join();
            }
            if (random.nextInt(5) > 0) {
                retrying(producer::commitTransaction);
                tell("committed", records);
                return;
            }
        } catch (KafkaException e) {
            System.err.println("aborts: " + e);
        }
        retrying(producer::abortTransaction);
        rewind();
        tell("aborted", records);
    }

    /** Waits for a broker that is gone: the outcome is only known when the same call ends well. */
    private void retrying(Runnable call) {
        while (true) {
            try {
                call.run();
                return;
            } catch (TimeoutException e) {
                System.err.println("again: " + e);
            }
        }
    }

    private static Map<TopicPartition, OffsetAndMetadata> next(ConsumerRecords<String, String> records) {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        for (ConsumerRecord<String, String> r : records) {
            offsets.put(new TopicPartition(r.topic(), r.partition()), new OffsetAndMetadata(r.offset() + 1));
        }
        return offsets;
    }

    /** Goes back to what is committed. */
    private void rewind() {
        Set<TopicPartition> assigned = consumer.assignment();
        Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(assigned);
        for (TopicPartition p : assigned) {
            OffsetAndMetadata at = committed.get(p);
            if (at == null) {
                consumer.seekToBeginning(List.of(p));
            } else {
                consumer.seek(p, at);
            }
        }
    }

    private static void tell(String what, ConsumerRecords<String, String> records) {
        System.out.println(what + " " + records.count());
    }
}
