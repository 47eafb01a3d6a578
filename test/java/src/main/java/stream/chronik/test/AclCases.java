package stream.chronik.test;

import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.acl.AccessControlEntryFilter;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourcePatternFilter;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.metadata.authorizer.StandardAcl;
import org.apache.kafka.server.authorizer.Action;

/**
 * Reads a file of steps for an authorizer, which a test has written. A step is a byte that names it, and then its fields: numbers are
 * big-endian, enums a byte with the protocol's number, texts their length in UTF-8 as two bytes (0xffff is null) and their bytes.
 */
final class AclCases implements Closeable {
    /** A new authorizer: super users as in super.users, a byte for allow.everyone.if.no.acl.found. */
    static final int NEW = 'n';
    /** An ACL is added: its number, the ACL. */
    static final int ADD = '+';
    /** An ACL is removed: its number, the ACL. */
    static final int REMOVE = '-';
    /** Who asks, for which action. */
    static final int ASK = '?';
    /** Who asks, operation, resource type: is there any resource of that type? */
    static final int ASK_ANY = 't';
    /** A filter: which ACLs does it match? */
    static final int FILTER = 'f';

    private static final int NULL_TEXT = 0xffff;

    private final DataInputStream in;
    private final Map<String, InetAddress> hosts = new HashMap<>();

    AclCases(String file) throws IOException {
        in = new DataInputStream(new BufferedInputStream(Files.newInputStream(Path.of(file)), 1 << 20));
    }

    /** The next step, or -1 at the end of the file. */
    int next() throws IOException {
        return in.read();
    }

    int number() throws IOException {
        return in.readInt();
    }

    boolean yes() throws IOException {
        return in.readUnsignedByte() != 0;
    }

    String text() throws IOException {
        int length = in.readUnsignedShort();
        return length == NULL_TEXT ? null : new String(in.readNBytes(length), StandardCharsets.UTF_8);
    }

    StandardAcl acl() throws IOException {
        ResourceType type = resourceType();
        String name = text();
        PatternType pattern = PatternType.fromCode(in.readByte());
        return new StandardAcl(type, name, pattern, text(), text(), operation(), AclPermissionType.fromCode(in.readByte()));
    }

    AclBindingFilter filter() throws IOException {
        ResourceType type = resourceType();
        String name = text();
        PatternType pattern = PatternType.fromCode(in.readByte());
        return new AclBindingFilter(new ResourcePatternFilter(type, name, pattern),
            new AccessControlEntryFilter(text(), text(), operation(), AclPermissionType.fromCode(in.readByte())));
    }

    Asker asker() throws IOException {
        KafkaPrincipal principal = new KafkaPrincipal(text(), text());
        String host = text();
        InetAddress address = hosts.get(host);
        if (address == null) {
            address = InetAddress.getByName(host); // an address in text, for which nobody is asked
            hosts.put(host, address);
        }
        return new Asker(principal, address);
    }

    Action action() throws IOException {
        AclOperation operation = operation();
        ResourcePattern resource = new ResourcePattern(resourceType(), text(), PatternType.LITERAL);
        return new Action(operation, resource, 1, false, false);
    }

    AclOperation operation() throws IOException {
        return AclOperation.fromCode(in.readByte());
    }

    ResourceType resourceType() throws IOException {
        return ResourceType.fromCode(in.readByte());
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
