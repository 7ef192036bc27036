package dev.quire.tokenizer;

import com.hubspot.jinjava.el.TypeConvertingMapELResolver;
import com.hubspot.jinjava.el.ext.JinjavaBeanELResolver;
import com.hubspot.jinjava.el.ext.JinjavaListELResolver;
import com.hubspot.jinjava.lib.Importable;
import com.hubspot.jinjava.objects.PyWrapper;
import com.hubspot.jinjava.util.ForLoop;
import java.util.List;
import java.util.Set;
import jinjava.javax.el.ArrayELResolver;
import jinjava.javax.el.CompositeELResolver;
import jinjava.javax.el.ELContext;

/// What an expression of a template may reach: entries of maps and lists, `loop`, Jinjava's own filters, tests and
/// collections, and Python's methods of strings. Properties and methods of all other objects are not there, so that no
/// expression leads from a value to a class, a file or a thread.
final class TemplateAccess extends CompositeELResolver {
    /// Python's methods of lists and dictionaries, as Jinjava's collections have them.
    private static final Set<String> COLLECTION_METHODS = Set.of(
            "append", "copy", "count", "extend", "get", "index", "insert", "items", "keys", "pop", "update", "values");

    TemplateAccess() {
        add(new ArrayELResolver(true));
        add(new JinjavaListELResolver(true));
        add(new TypeConvertingMapELResolver(true));
        add(new Methods());
    }

    private static final class Methods extends JinjavaBeanELResolver {
        Methods() {
            super(true);
        }

        @Override
        public Object getValue(ELContext context, Object base, Object property) {
            if (base == null || isKnown(base)) {
                return super.getValue(context, base, property);
            }
            context.setPropertyResolved(true);
            return null;
        }

        @Override
        public Object invoke(
                ELContext context, Object base, Object method, Class<?>[] parameterTypes, Object[] parameters) {
            if (isKnown(base)
                    && (!(base instanceof PyWrapper) || COLLECTION_METHODS.contains(String.valueOf(method)))) {
                return super.invoke(context, base, method, parameterTypes, parameters);
            }
            if (base instanceof String text) {
                context.setPropertyResolved(true);
                return PythonStrings.invoke(
                        text, String.valueOf(method), parameters == null ? List.of() : List.of(parameters));
            }
            throw new ChatTemplateException("method must be one of a string, list or map: method=" + method);
        }

        /// `Importable`: filters, tests, functions and macros; `PyWrapper`: lists, maps and namespaces.
        private static boolean isKnown(Object base) {
            return base instanceof Importable || base instanceof PyWrapper || base instanceof ForLoop;
        }
    }
}
