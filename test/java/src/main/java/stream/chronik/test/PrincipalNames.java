package stream.chronik.test;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import org.apache.kafka.common.security.ssl.SslPrincipalMapper;

/**
 * What Apache Kafka's rules of ssl.principal.mapping.rules make of names. Standard input is JSON, a list of {"rules": text, "name": text};
 * standard output is the same with "refused", whether the rules are refused, and "want", the name that comes of it, null where there is
 * none.
 */
public final class PrincipalNames {
    private PrincipalNames() {
    }

    public static void main(String[] args) throws Exception {
        ObjectMapper json = new ObjectMapper();
        ArrayNode vectors = (ArrayNode) json.readTree(System.in);
        for (JsonNode vector : vectors) {
            apply((ObjectNode) vector);
        }
        System.out.println(json.writeValueAsString(vectors));
    }

    private static void apply(ObjectNode vector) {
        vector.put("refused", false).putNull("want");
        SslPrincipalMapper mapper;
        try {
            mapper = SslPrincipalMapper.fromRules(vector.get("rules").asText());
        } catch (RuntimeException e) {
            vector.put("refused", true);
            return;
        }
        try {
            vector.put("want", mapper.getName(vector.get("name").asText()));
        } catch (IOException | RuntimeException e) {
            vector.putNull("want");
        }
    }
}
