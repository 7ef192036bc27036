package dev.quire.tokenizer;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.filter.Filter;
import java.util.Map;

/// Jinja's `tojson(indent=…)` as Transformers overrides it: {@link PythonJson}, without escapes for HTML.
final class ToJsonFilter implements Filter {
    private static final int LARGEST_INDENT = 16;

    private final int longest;

    ToJsonFilter(int longest) {
        this.longest = longest;
    }

    @Override
    public String getName() {
        return "tojson";
    }

    @Override
    public Object filter(Object value, JinjavaInterpreter interpreter, String... arguments) {
        return PythonJson.compact(value, longest);
    }

    @Override
    public Object filter(
            Object value, JinjavaInterpreter interpreter, Object[] arguments, Map<String, Object> namedArguments) {
        if (!(namedArguments.get("indent") instanceof Number indent)) {
            return PythonJson.compact(value, longest);
        }
        if (indent.longValue() < 0 || indent.longValue() > LARGEST_INDENT) {
            throw new ChatTemplateException("indent must be 0 to " + LARGEST_INDENT + ": indent=" + indent);
        }
        return PythonJson.indented(value, indent.intValue(), longest);
    }
}
