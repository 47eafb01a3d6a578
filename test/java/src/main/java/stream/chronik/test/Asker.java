package stream.chronik.test;

import java.net.InetAddress;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.apache.kafka.server.authorizer.AuthorizableRequestContext;

/** A request of a principal from an address, as an authorizer sees it. */
record Asker(KafkaPrincipal principal, InetAddress clientAddress) implements AuthorizableRequestContext {
    @Override
    public String listenerName() {
        return "SASL_SSL";
    }

    @Override
    public SecurityProtocol securityProtocol() {
        return SecurityProtocol.SASL_SSL;
    }

    @Override
    public int requestType() {
        return ApiKeys.METADATA.id;
    }

    @Override
    public int requestVersion() {
        return 0;
    }

    @Override
    public String clientId() {
        return "test";
    }

    @Override
    public int correlationId() {
        return 0;
    }
}
