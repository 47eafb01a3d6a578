package stream.chronik.test;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.security.kerberos.KerberosName;
import org.apache.kafka.common.security.kerberos.KerberosShortNamer;

/**
 * What Apache Kafka's rules of sasl.kerberos.principal.to.local.rules make of Kerberos names. Standard input is JSON, a list of
 * {"realm": the default realm, "rules": [...], "names": [...]}; standard output is the same with "refused", whether the rules are
 * refused, and "short", the short name of each name, null where there is none.
 */
public final class KerberosNames {
    private KerberosNames() {
    }

    public static void main(String[] args) throws Exception {
        ObjectMapper json = new ObjectMapper();
        ArrayNode sets = (ArrayNode) json.readTree(System.in);
        for (JsonNode set : sets) {
            apply((ObjectNode) set);
        }
        System.out.println(json.writeValueAsString(sets));
    }

    private static void apply(ObjectNode set) {
        List<String> rules = new ArrayList<>();
        set.get("rules").forEach(rule -> rules.add(rule.asText()));
        ArrayNode results = set.putArray("short");
        KerberosShortNamer namer;
        try {
            namer = KerberosShortNamer.fromUnparsedRules(set.get("realm").asText(), rules);
        } catch (RuntimeException e) {
            set.put("refused", true);
            return;
        }
        set.put("refused", false);
        for (JsonNode name : set.get("names")) {
            results.add(shortName(namer, name.asText()));
        }
    }

    private static String shortName(KerberosShortNamer namer, String name) {
        try {
            return namer.shortName(KerberosName.parse(name));
        } catch (IOException | RuntimeException e) {
            return null;
        }
    }
}
