package dev.quire.tokenizer;

import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import java.time.LocalDateTime;
import java.time.format.TextStyle;
import java.util.Locale;

/// The functions that Transformers gives to chat templates. Static, because Jinjava calls them by reflection.
final class TemplateFunctions {
    /// Characters of a format; dates need a dozen.
    private static final int LONGEST_FORMAT = 200;

    private TemplateFunctions() {}

    static ELFunctionDefinition[] all() {
        return new ELFunctionDefinition[] {
            new ELFunctionDefinition("", "raise_exception", TemplateFunctions.class, "raise", Object.class),
            new ELFunctionDefinition("", "strftime_now", TemplateFunctions.class, "now", Object.class)
        };
    }

    /// `raise_exception(text)`: how a template refuses messages.
    static Object raise(Object text) {
        throw new ChatTemplateException(String.valueOf(text));
    }

    /// `strftime_now(format)`: the local time.
    static String now(Object format) {
        return format(String.valueOf(format), LocalDateTime.now());
    }

    /// Python's `strftime` in the C locale, for the codes that dates in prompts use.
    static String format(String format, LocalDateTime time) {
        if (format.length() > LONGEST_FORMAT) {
            throw new ChatTemplateException(
                    "time format must be at most " + LONGEST_FORMAT + " characters long: length=" + format.length());
        }
        var text = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            if (format.charAt(i) != '%' || i + 1 == format.length()) {
                text.append(format.charAt(i));
            } else {
                text.append(field(format.charAt(++i), time));
            }
        }
        return text.toString();
    }

    private static String field(char code, LocalDateTime time) {
        int hour = time.getHour() % 12 == 0 ? 12 : time.getHour() % 12;
        return switch (code) {
            case 'Y' -> String.valueOf(time.getYear());
            case 'y' -> "%02d".formatted(time.getYear() % 100);
            case 'm' -> "%02d".formatted(time.getMonthValue());
            case 'd' -> "%02d".formatted(time.getDayOfMonth());
            case 'e' -> "%2d".formatted(time.getDayOfMonth());
            case 'j' -> "%03d".formatted(time.getDayOfYear());
            case 'H' -> "%02d".formatted(time.getHour());
            case 'I' -> "%02d".formatted(hour);
            case 'M' -> "%02d".formatted(time.getMinute());
            case 'S' -> "%02d".formatted(time.getSecond());
            case 'p' -> time.getHour() < 12 ? "AM" : "PM";
            case 'B' -> time.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'b' -> time.getMonth().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'A' -> time.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'a' -> time.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'F' -> format("%Y-%m-%d", time);
            case 'T' -> format("%H:%M:%S", time);
            case '%' -> "%";
            default -> throw new ChatTemplateException("time format must use codes of YymdejHIMSpBbAaFT: code=" + code);
        };
    }
}
