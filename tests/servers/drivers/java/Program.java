// pgjdbc, driven by JSON lines: a request on stdin, its answer on stdout.
// The requests are those of tests/servers/drivers/programs.py. The parser below reads what that
// module writes, no more: this program has no other library than the driver.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

public class Program {
    private static final Map<String, Connection> OPEN = new HashMap<>();
    private static final Map<String, Map<String, PreparedStatement>> PREPARED = new HashMap<>();

    public static void main(String[] argv) throws Exception {
        PrintStream replies = System.out;
        System.setOut(System.err);
        BufferedReader in =
            new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Object said;
            try {
                said = answer(asMap(new Reader(line).value()));
            } catch (Throwable error) {
                said = said(error);
            }
            StringBuilder text = new StringBuilder();
            write(text, said);
            replies.println(text);
            replies.flush();
        }
    }

    private static Object answer(Map<String, Object> request) throws Exception {
        String as = (String) request.get("as");
        switch ((String) request.get("do")) {
            case "versions":
                return Map.of("pgjdbc", org.postgresql.util.DriverInfo.DRIVER_VERSION);
            case "open":
                OPEN.put(as, DriverManager.getConnection((String) request.get("dsn"),
                    settings(request)));
                PREPARED.put(as, new HashMap<>());
                return Map.of();
            case "run":
                return Map.of("rows", run(OPEN.get(as), PREPARED.get(as),
                    (String) request.get("sql"), asList(request.get("args"))));
            case "close":
                PREPARED.remove(as);
                OPEN.remove(as).close();
                return Map.of();
            default:
                return stress(request);
        }
    }

    private static Properties settings(Map<String, Object> request) {
        Properties made = new Properties();
        if (request.get("settings") != null) {
            asMap(request.get("settings")).forEach((k, v) -> made.put(k, String.valueOf(v)));
        }
        return made;
    }

    // A statement object is kept for each text, as connection pools do it; prepareThreshold
    // counts the executions of one object.
    private static List<Object> run(Connection conn, Map<String, PreparedStatement> kept,
            String sql, List<Object> args) throws SQLException {
        PreparedStatement ready = kept.get(sql);
        if (ready == null) {
            ready = conn.prepareStatement(sql.replaceAll("\\$\\d+", "?"));
            kept.put(sql, ready);
        }
        for (int i = 0; i < args.size(); i++) {
            if (args.get(i) instanceof Long) {
                ready.setInt(i + 1, (int) (long) (Long) args.get(i));
            } else {
                ready.setString(i + 1, (String) args.get(i));
            }
        }
        List<Object> rows = new ArrayList<>();
        if (ready.execute()) {
            ResultSet found = ready.getResultSet();
            while (found.next()) {
                List<Object> row = new ArrayList<>();
                for (int c = 1; c <= found.getMetaData().getColumnCount(); c++) {
                    row.add(found.getString(c));
                }
                rows.add(row);
            }
        }
        return rows;
    }

    private static Object stress(Map<String, Object> request) throws Exception {
        List<Object> texts = asList(request.get("statements"));
        List<Object> offsets = asList(request.get("offsets"));
        long rounds = (Long) request.get("rounds");
        Map<String, Integer> seen = new TreeMap<>();
        List<Thread> threads = new ArrayList<>();
        for (int n = 0; n < texts.size(); n++) {
            String sql = (String) texts.get(n);
            Long offset = (Long) offsets.get(n);
            long first = (Long) asList(request.get("firsts")).get(n);
            threads.add(new Thread(() -> client(request, sql, offset, first, rounds, seen)));
        }
        for (Thread thread : threads) {
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        int right = seen.getOrDefault("right", 0);
        int wrong = seen.getOrDefault("wrong", 0);
        seen.remove("right");
        seen.remove("wrong");
        return Map.of("right", right, "wrong", wrong, "errors", seen);
    }

    private static void client(Map<String, Object> request, String sql, Long offset, long first,
            long rounds, Map<String, Integer> seen) {
        try (Connection conn = DriverManager.getConnection((String) request.get("dsn"),
                settings(request))) {
            Map<String, PreparedStatement> kept = new HashMap<>();
            for (long k = first; k < first + rounds; k++) {
                String word;
                try {
                    List<Object> rows = run(conn, kept, sql, List.of(k));
                    boolean right = offset == null || (!rows.isEmpty()
                        && asList(rows.get(0)).get(0).equals(String.valueOf(k + offset)));
                    word = right ? "right" : "wrong";
                } catch (SQLException error) {
                    word = (String) said(error).get("error");
                }
                count(seen, word);
            }
        } catch (SQLException error) {
            count(seen, (String) said(error).get("error"));
        }
    }

    private static void count(Map<String, Integer> seen, String word) {
        synchronized (seen) {
            seen.merge(word, 1, Integer::sum);
        }
    }

    private static Map<String, Object> said(Throwable error) {
        String code = error instanceof SQLException ? ((SQLException) error).getSQLState() : "";
        String text = String.valueOf(error.getMessage()).replaceAll("\\s+", " ");
        Map<String, Object> made = new LinkedHashMap<>();
        made.put("error", text);
        made.put("code", code == null ? "" : code);
        return made;
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> asMap(Object value) {
        return (Map<String, Object>) value;
    }

    @SuppressWarnings("unchecked")
    private static List<Object> asList(Object value) {
        return (List<Object>) value;
    }

    private static void write(StringBuilder out, Object value) {
        if (value instanceof Map) {
            String before = "{";
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                out.append(before);
                write(out, entry.getKey());
                out.append(':');
                write(out, entry.getValue());
                before = ",";
            }
            out.append(before.equals("{") ? "{}" : "}");
        } else if (value instanceof List) {
            String before = "[";
            for (Object item : (List<?>) value) {
                out.append(before);
                write(out, item);
                before = ",";
            }
            out.append(before.equals("[") ? "[]" : "]");
        } else if (value instanceof String) {
            out.append('"');
            for (char c : ((String) value).toCharArray()) {
                if (c == '"' || c == '\\') {
                    out.append('\\').append(c);
                } else if (c < ' ' || c > '~') {
                    out.append(String.format("\\u%04x", (int) c));
                } else {
                    out.append(c);
                }
            }
            out.append('"');
        } else {
            out.append(value);
        }
    }

    private static final class Reader {
        private final String text;
        private int at;

        Reader(String text) {
            this.text = text;
        }

        Object value() {
            skip();
            char c = text.charAt(at);
            if (c == '{') {
                Map<String, Object> made = new LinkedHashMap<>();
                for (at++; more('}'); ) {
                    String key = (String) value();
                    skip();
                    at++;
                    made.put(key, value());
                }
                return made;
            }
            if (c == '[') {
                List<Object> made = new ArrayList<>();
                for (at++; more(']'); ) {
                    made.add(value());
                }
                return made;
            }
            if (c == '"') {
                return string();
            }
            int from = at;
            while (at < text.length() && ",]} ".indexOf(text.charAt(at)) < 0) {
                at++;
            }
            String word = text.substring(from, at);
            switch (word) {
                case "null": return null;
                case "true": return Boolean.TRUE;
                case "false": return Boolean.FALSE;
                default: return Long.valueOf(word);
            }
        }

        private boolean more(char end) {
            skip();
            if (text.charAt(at) == ',') {
                at++;
                skip();
            }
            if (text.charAt(at) != end) {
                return true;
            }
            at++;
            return false;
        }

        private void skip() {
            while (text.charAt(at) == ' ') {
                at++;
            }
        }

        private String string() {
            StringBuilder made = new StringBuilder();
            for (at++; text.charAt(at) != '"'; at++) {
                char c = text.charAt(at);
                if (c != '\\') {
                    made.append(c);
                    continue;
                }
                c = text.charAt(++at);
                if (c == 'u') {
                    made.append((char) Integer.parseInt(text.substring(at + 1, at + 5), 16));
                    at += 4;
                } else {
                    made.append(c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c);
                }
            }
            at++;
            return made.toString();
        }
    }
}
