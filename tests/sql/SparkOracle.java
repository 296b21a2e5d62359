/* What Spark's own parser makes of statements, as JSON lines: the judge of tests/sql.
 *
 * usage: SparkOracle {tokens|parse|cost|make|facts}; in {"id","sql","conf"}, out one line for each.
 *   tokens  the lexer's tokens, spans in code points
 *   parse   class, relations after CTE scoping, and whether the text parses at all
 *   cost    nanoseconds of this thread per warm parse, for all statements together (one line)
 *   make    statements made at random from the grammar itself: "make SEED COUNT RULE DEPTH", no input
 *   facts   the tokens and the sets of words that the grammar knows (one line, no input)
 */
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.antlr.v4.runtime.CharStreams;
import org.antlr.v4.runtime.Token;
import org.apache.spark.sql.catalyst.parser.SqlBaseLexer;
import org.apache.spark.sql.catalyst.parser.SqlBaseParser;
import org.apache.spark.sql.catalyst.parser.UpperCaseCharStream;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.execution.SparkSqlParser;
import org.apache.spark.sql.internal.SQLConf;

public class SparkOracle {
    static final ObjectMapper json = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        var out = new BufferedWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8), 1 << 16);
        if (args[0].equals("facts")) {
            out.write(json.writeValueAsString(facts()) + "\n");
            out.flush();
            return;
        }
        if (args[0].equals("make")) {
            var maker = new Maker(Long.parseLong(args[1]), Integer.parseInt(args[4]));
            for (int i = 0; i < Integer.parseInt(args[2]); i++)
                out.write(json.writeValueAsString(json.createObjectNode().put("id", i).put("sql", maker.make(args[3]))) + "\n");
            out.flush();
            return;
        }
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        List<JsonNode> requests = new ArrayList<>();
        for (String line; (line = in.readLine()) != null;) {
            JsonNode request = json.readTree(line);
            if (args[0].equals("cost")) {
                requests.add(request);
                continue;
            }
            ObjectNode answer = args[0].equals("tokens") ? tokens(request) : parse(request);
            out.write(json.writeValueAsString(answer) + "\n");
            out.flush();
        }
        if (args[0].equals("cost"))
            out.write(json.writeValueAsString(cost(requests)) + "\n");
        out.flush();
    }

    static ObjectNode facts() {
        ObjectNode answer = json.createObjectNode();
        ArrayNode tokens = answer.putArray("tokens");
        var vocabulary = SqlBaseParser.VOCABULARY;
        for (int type = 1; type <= vocabulary.getMaxTokenType(); type++)
            tokens.add(json.createArrayNode().add(vocabulary.getSymbolicName(type)).add(vocabulary.getLiteralName(type)));
        var parser = new SqlBaseParser(null);
        var atn = parser.getATN();
        for (String rule : new String[] {"nonReserved", "ansiNonReserved", "strictNonReserved"}) {
            int index = List.of(parser.getRuleNames()).indexOf(rule);
            var state = atn.ruleToStartState[index].transition(0).target;
            while (state.transition(0).isEpsilon())
                state = state.transition(0).target;
            ArrayNode names = answer.putArray(rule);
            for (int type : state.transition(0).label().toArray())
                names.add(vocabulary.getSymbolicName(type));
        }
        return answer;
    }

    static ObjectNode tokens(JsonNode request) {
        var lexer = new SqlBaseLexer(new UpperCaseCharStream(CharStreams.fromString(request.get("sql").asText())));
        lexer.removeErrorListeners();
        ObjectNode answer = json.createObjectNode();
        answer.set("id", request.get("id"));
        ArrayNode list = answer.putArray("tokens");
        for (Token token = lexer.nextToken(); token.getType() != Token.EOF; token = lexer.nextToken())
            if (token.getChannel() == Token.DEFAULT_CHANNEL)
                list.add(json.createArrayNode().add(SqlBaseLexer.VOCABULARY.getSymbolicName(token.getType()))
                    .add(token.getStartIndex()).add(token.getStopIndex() + 1));
        return answer;
    }

    /* The settings hold while the statement is parsed. */
    static SQLConf settings(JsonNode request) {
        SQLConf conf = new SQLConf();
        if (request.hasNonNull("conf"))
            request.get("conf").fields().forEachRemaining(e -> conf.setConfString(e.getKey(), e.getValue().asText()));
        return conf;
    }

    static LogicalPlan plan(JsonNode request, SQLConf conf) {
        return (LogicalPlan) SQLConf.withExistingConf(conf,
            (scala.Function0<Object>) () -> new SparkSqlParser().parsePlan(request.get("sql").asText()));
    }

    static ObjectNode parse(JsonNode request) {
        ObjectNode answer = json.createObjectNode();
        answer.set("id", request.get("id"));
        try {
            SQLConf conf = settings(request);
            Reader reader = new Reader(conf.caseSensitiveAnalysis());
            LogicalPlan plan = plan(request, conf);
            reader.walk(plan);
            answer.put("ok", true);
            answer.put("root", plan.getClass().getSimpleName());
            ArrayNode base = answer.putArray("base");
            new java.util.TreeSet<>(reader.base).forEach(name -> base.add(parts(name)));
            ArrayNode targets = answer.putArray("targets");
            new java.util.TreeSet<>(reader.targets).forEach(name -> targets.add(parts(name)));
            ArrayNode constants = answer.putArray("constants");
            new java.util.TreeSet<>(reader.constants).forEach(name -> constants.add(parts(name)));
            answer.put("dynamic", reader.dynamic);
            answer.put("query", reader.isQuery(plan));
        } catch (Throwable wrong) {
            answer.put("ok", false);
            answer.put("error", wrong.getClass().getSimpleName() + ": " + String.valueOf(wrong.getMessage()).strip());
        }
        return answer;
    }

    static ArrayNode parts(String name) {
        ArrayNode array = json.createArrayNode();
        for (String part : name.split("\u0000", -1))
            array.add(part);
        return array;
    }

    /* Finds relations in a plan by walking all that its nodes hold, with the CTEs in scope. */
    static class Reader {
        final Set<String> base = new HashSet<>(), targets = new HashSet<>();
        final Set<String> constants = new HashSet<>(); // what IDENTIFIER('a' || 'b') names
        final Deque<String> ctes = new ArrayDeque<>();
        final boolean caseSensitive;
        boolean dynamic;

        Reader(boolean caseSensitive) {
            this.caseSensitive = caseSensitive;
        }

        boolean isQuery(LogicalPlan plan) {
            String name = plan.getClass().getName();
            return !(plan instanceof org.apache.spark.sql.catalyst.plans.logical.Command)
                && !name.endsWith("ParsedStatement") && !name.contains("InsertInto");
        }

        boolean inScope(String name) {
            for (String cte : ctes)
                if (caseSensitive ? cte.equals(name) : cte.equalsIgnoreCase(name))
                    return true;
            return false;
        }

        void relation(org.apache.spark.sql.catalyst.analysis.UnresolvedRelation relation, boolean target) {
            List<String> names = new ArrayList<>();
            for (Iterator<String> i = iterator(relation.multipartIdentifier()); i.hasNext();)
                names.add(i.next());
            if (target)
                targets.add(String.join("\u0000", names));
            else if (names.size() > 1 || !inScope(names.get(0)))
                base.add(String.join("\u0000", names));
        }

        /* A Scala collection as Java sees it; Spark 3.5 and 4.0 have different versions of Scala. */
        @SuppressWarnings("unchecked")
        static <T> Iterator<T> iterator(Object seq) {
            var inner = ((scala.collection.Iterable<?>) seq).iterator();
            return new Iterator<T>() {
                public boolean hasNext() {
                    return inner.hasNext();
                }

                public T next() {
                    return (T) inner.next();
                }
            };
        }

        void with(org.apache.spark.sql.catalyst.plans.logical.UnresolvedWith with) {
            int depth = ctes.size();
            boolean recursive = false;
            try {
                recursive = (Boolean) with.getClass().getMethod("allowRecursion").invoke(with);
            } catch (ReflectiveOperationException old) {
                // Spark 3.5 has no recursion
            }
            for (Iterator<scala.Product> i = iterator(with.cteRelations()); i.hasNext();) {
                scala.Product named = i.next();
                String name = (String) named.productElement(0);
                if (recursive)
                    ctes.push(name);
                walk(named.productElement(1));
                if (!recursive)
                    ctes.push(name);
            }
            walk(with.child());
            while (ctes.size() > depth)
                ctes.pop();
        }

        /* IDENTIFIER(...): a constant, or what only running the statement can tell. */
        void identifier(scala.Product plan) {
            try {
                var value = (org.apache.spark.sql.catalyst.expressions.Expression) plan.productElement(0);
                String text = String.valueOf(value.eval(null));
                List<String> names = new ArrayList<>();
                var parser = org.apache.spark.sql.catalyst.parser.CatalystSqlParser$.MODULE$;
                for (Iterator<String> i = iterator(parser.parseMultipartIdentifier(text)); i.hasNext();)
                    names.add(i.next());
                constants.add(String.join("\u0000", names));
            } catch (Exception unknown) {
                dynamic = true;
            }
        }

        void walk(Object thing) {
            if (thing instanceof org.apache.spark.sql.catalyst.analysis.UnresolvedRelation relation) {
                relation(relation, false);
            } else if (thing instanceof org.apache.spark.sql.catalyst.plans.logical.UnresolvedWith with) {
                with(with);
            } else if (thing instanceof org.apache.spark.sql.catalyst.plans.logical.InsertIntoStatement insert
                && insert.table() instanceof org.apache.spark.sql.catalyst.analysis.UnresolvedRelation table) {
                relation(table, true);
                walk(insert.query());
            } else if (thing instanceof org.apache.spark.sql.catalyst.trees.TreeNode<?> || thing instanceof scala.Option
                || thing instanceof scala.Tuple2 || thing instanceof scala.util.Either) {
                if (thing.getClass().getSimpleName().matches("(Plan|Expression)WithUnresolvedIdentifier"))
                    identifier((scala.Product) thing);
                for (var i = ((scala.Product) thing).productIterator(); i.hasNext();)
                    walk(i.next());
            } else if (thing instanceof scala.collection.Map<?, ?> || thing instanceof scala.collection.Seq<?>) {
                for (Iterator<Object> i = iterator(thing); i.hasNext();)
                    walk(i.next());
            } else if (thing instanceof scala.Product product && thing.getClass().getName().startsWith("org.apache.spark.sql.catalyst")
                && !thing.getClass().getName().contains(".types.")) {
                for (var i = product.productIterator(); i.hasNext();)
                    walk(i.next());
            }
        }
    }

    /* Walks the grammar's network at random and writes down the tokens that it passes. Where it is deep, it
     * takes the shortest way out. */
    static class Maker {
        static final String[] NAMES = {"a", "b", "c", "t1", "t2", "t3", "db", "`q r`", "x1", "y"};
        static final String[] NUMBERS = {"1", "2", "10"};
        final java.util.Random random;
        final int depth;
        final SqlBaseParser parser = new SqlBaseParser(null);
        final org.antlr.v4.runtime.atn.ATN atn = parser.getATN();
        final int[] cost = new int[atn.states.size()]; // tokens from a state to the end of its rule
        StringBuilder text;
        int budget;

        Maker(long seed, int depth) {
            random = new java.util.Random(seed);
            this.depth = depth;
            java.util.Arrays.fill(cost, 1 << 20);
            for (var stop : atn.ruleToStopState)
                cost[stop.stateNumber] = 0;
            for (boolean changed = true; changed;) {
                changed = false;
                for (var state : atn.states) {
                    if (state == null || state instanceof org.antlr.v4.runtime.atn.RuleStopState)
                        continue;
                    for (var transition : state.getTransitions()) {
                        int found = price(transition);
                        if (found < cost[state.stateNumber]) {
                            cost[state.stateNumber] = found;
                            changed = true;
                        }
                    }
                }
            }
        }

        int price(org.antlr.v4.runtime.atn.Transition transition) {
            if (transition instanceof org.antlr.v4.runtime.atn.RuleTransition rule)
                return Math.min(1 << 20, 1 + cost[rule.target.stateNumber] + cost[rule.followState.stateNumber]);
            return Math.min(1 << 20, (transition.isEpsilon() ? 0 : 1) + cost[transition.target.stateNumber]);
        }

        String make(String rule) {
            text = new StringBuilder();
            budget = 30 + random.nextInt(100);
            rule(List.of(parser.getRuleNames()).indexOf(rule), 0);
            return text.toString().strip();
        }

        void rule(int index, int level) {
            if (shortcut(parser.getRuleNames()[index], level))
                return;
            var state = (org.antlr.v4.runtime.atn.ATNState) atn.ruleToStartState[index];
            while (!(state instanceof org.antlr.v4.runtime.atn.RuleStopState)) {
                var transition = choose(state, level);
                if (transition instanceof org.antlr.v4.runtime.atn.RuleTransition rule) {
                    rule(rule.ruleIndex, level + 1);
                    state = rule.followState;
                    continue;
                }
                if (!transition.isEpsilon())
                    token(transition);
                state = transition.target;
            }
        }

        /* What the builders behind the grammar would mostly refuse, and what would be the same word each time. */
        boolean shortcut(String rule, int level) {
            String name = NAMES[random.nextInt(NAMES.length)];
            switch (rule) {
            case "identifier":
            case "strictIdentifier":
                if (random.nextInt(40) == 0)
                    return false;
                emit(name);
                return true;
            case "errorCapturingIdentifierExtra":
                return true;
            case "identifierReference":
                if (random.nextInt(50) == 0)
                    return false;
                emit(random.nextInt(3) == 0 ? "db ." : "");
                emit(name);
                return true;
            case "functionName":
                if (random.nextInt(20) == 0)
                    return false;
                emit(random.nextBoolean() ? "f" : "db . g");
                return true;
            case "primaryExpression":
                if (level <= depth && random.nextInt(4) > 0)
                    return false;
                emit(random.nextInt(3) == 0 ? "1" : random.nextInt(3) == 0 ? "t1 . x" : name);
                return true;
            case "queryOrganization":
                return random.nextInt(3) > 0;
            case "rowFormat":
                return random.nextInt(8) > 0;
            case "hint":
                return random.nextInt(2) > 0;
            default:
                return false;
            }
        }

        org.antlr.v4.runtime.atn.Transition choose(org.antlr.v4.runtime.atn.ATNState state, int level) {
            var ways = state.getTransitions();
            if (ways.length == 1)
                return ways[0];
            boolean loop = state instanceof org.antlr.v4.runtime.atn.StarLoopEntryState
                || state instanceof org.antlr.v4.runtime.atn.PlusLoopbackState;
            if (level > depth || budget < 0 || (loop && random.nextInt(3) > 0)) {
                var best = ways[0];
                for (var way : ways)
                    if (price(way) < price(best))
                        best = way;
                return best;
            }
            return ways[random.nextInt(ways.length)];
        }

        void token(org.antlr.v4.runtime.atn.Transition transition) {
            if (transition instanceof org.antlr.v4.runtime.atn.WildcardTransition
                || transition instanceof org.antlr.v4.runtime.atn.NotSetTransition) {
                emit("w");
                return;
            }
            int[] types = transition.label().toArray();
            int type = types[random.nextInt(types.length)];
            String name = SqlBaseParser.VOCABULARY.getSymbolicName(type);
            String literal = SqlBaseParser.VOCABULARY.getLiteralName(type);
            if (literal != null)
                emit(literal.substring(1, literal.length() - 1));
            else if (type != Token.EOF)
                emit(example(name));
        }

        String example(String name) {
            switch (name) {
            case "STRING_LITERAL": return random.nextBoolean() ? "'s'" : "r'x'";
            case "DOUBLEQUOTED_STRING": return "\"d\"";
            case "BIGINT_LITERAL": return "1L";
            case "SMALLINT_LITERAL": return "1S";
            case "TINYINT_LITERAL": return "1Y";
            case "INTEGER_VALUE": return NUMBERS[random.nextInt(NUMBERS.length)];
            case "EXPONENT_VALUE": return "1e3";
            case "DECIMAL_VALUE": return "1.5";
            case "FLOAT_LITERAL": return "1.0F";
            case "DOUBLE_LITERAL": return "1.0D";
            case "BIGDECIMAL_LITERAL": return "1.0BD";
            case "IDENTIFIER": return NAMES[random.nextInt(NAMES.length)];
            case "BACKQUOTED_IDENTIFIER": return "`q r`";
            case "EQ": return random.nextBoolean() ? "=" : "==";
            case "LTE": return "<=";
            case "GTE": return ">=";
            case "NOT": return "NOT";
            case "TEMPORARY": return random.nextBoolean() ? "TEMP" : "TEMPORARY";
            case "RLIKE": return random.nextBoolean() ? "RLIKE" : "REGEXP";
            default: return "w";
            }
        }

        void emit(String word) {
            budget--;
            text.append(word).append(' ');
        }
    }

    /* Three rounds to warm up, then the mean of as many as fill two seconds. */
    static ObjectNode cost(List<JsonNode> requests) {
        List<JsonNode> good = new ArrayList<>();
        for (JsonNode request : requests)
            if (parse(request).get("ok").asBoolean())
                good.add(request);
        for (int round = 0; round < 3; round++)
            for (JsonNode request : good)
                plan(request, settings(request));
        var thread = ManagementFactory.getThreadMXBean();
        long began = thread.getCurrentThreadCpuTime(), spent = 0;
        int rounds = 0;
        for (; spent < 2_000_000_000L; rounds++) {
            for (JsonNode request : good)
                plan(request, settings(request));
            spent = thread.getCurrentThreadCpuTime() - began;
        }
        ObjectNode answer = json.createObjectNode();
        answer.put("statements", good.size());
        answer.put("ns", (double) spent / rounds / Math.max(1, good.size()));
        return answer;
    }
}
