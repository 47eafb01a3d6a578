package stream.chronik.test;

import java.io.FileInputStream;
import java.io.InputStream;
import java.util.HashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;

/** Puts static members out of a group. Usage: BOOTSTRAP CLIENT_PROPERTIES GROUP INSTANCE_ID... */
public final class RemoveMembers {
    private RemoveMembers() {
    }

    public static void main(String[] args) throws Exception {
        Properties client = new Properties();
        try (InputStream in = new FileInputStream(args[1])) {
            client.load(in);
        }
        client.put("bootstrap.servers", args[0]);
        Set<MemberToRemove> members = new HashSet<>();
        for (String instance : List.of(args).subList(3, args.length)) {
            members.add(new MemberToRemove(instance));
        }
        try (Admin admin = Admin.create(client)) {
            admin.removeMembersFromConsumerGroup(args[2], new RemoveMembersFromConsumerGroupOptions(members)).all().get();
        }
    }
}
