package dev.quire.template;

import java.time.LocalDateTime;
import java.time.format.TextStyle;
import java.time.temporal.IsoFields;
import java.util.Locale;

/// Python's `strftime` in the C locale.
final class Strftime {
    /// Characters of a format; dates need a dozen.
    private static final int LONGEST_FORMAT = 1_000;

    private Strftime() {}

    static String format(String format, LocalDateTime time) {
        if (format.length() > LONGEST_FORMAT) {
            throw new TemplateException(
                    "time format must not be longer: length=" + format.length() + ", longest=" + LONGEST_FORMAT);
        }
        var text = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            if (format.charAt(i) != '%' || i + 1 == format.length()) {
                text.append(format.charAt(i));
            } else if (format.charAt(i + 1) == '-' && i + 2 < format.length()) {
                i += 2; // glibc's flag for no padding
                text.append(withoutPadding(field(format.charAt(i), time)));
            } else {
                text.append(field(format.charAt(++i), time));
            }
        }
        return text.toString();
    }

    private static String withoutPadding(String field) {
        String bare = field.replaceAll("^[0 ]+", "");
        return bare.isEmpty() ? "0" : bare;
    }

    private static String field(char code, LocalDateTime time) {
        int hour = time.getHour() % 12 == 0 ? 12 : time.getHour() % 12;
        return switch (code) {
            case 'Y' -> String.valueOf(time.getYear());
            case 'G' -> String.valueOf(time.get(IsoFields.WEEK_BASED_YEAR));
            case 'C' -> "%02d".formatted(time.getYear() / 100);
            case 'y' -> "%02d".formatted(time.getYear() % 100);
            case 'm' -> "%02d".formatted(time.getMonthValue());
            case 'd' -> "%02d".formatted(time.getDayOfMonth());
            case 'e' -> "%2d".formatted(time.getDayOfMonth());
            case 'j' -> "%03d".formatted(time.getDayOfYear());
            case 'H' -> "%02d".formatted(time.getHour());
            case 'I' -> "%02d".formatted(hour);
            case 'k' -> "%2d".formatted(time.getHour());
            case 'l' -> "%2d".formatted(hour);
            case 'M' -> "%02d".formatted(time.getMinute());
            case 'S' -> "%02d".formatted(time.getSecond());
            case 'f' -> "%06d".formatted(time.getNano() / 1_000);
            case 'p' -> time.getHour() < 12 ? "AM" : "PM";
            case 'P' -> time.getHour() < 12 ? "am" : "pm";
            case 'B' -> time.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'b', 'h' -> time.getMonth().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'A' -> time.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'a' -> time.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'u' -> String.valueOf(time.getDayOfWeek().getValue());
            case 'w' -> String.valueOf(time.getDayOfWeek().getValue() % 7);
            case 'U' ->
                "%02d".formatted((time.getDayOfYear() + 6 - time.getDayOfWeek().getValue() % 7) / 7);
            case 'W' ->
                "%02d".formatted((time.getDayOfYear() + 7 - time.getDayOfWeek().getValue()) / 7);
            case 'V' -> "%02d".formatted(time.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR));
            case 'z', 'Z' -> ""; // a local time without a zone has none
            case 'c' -> format("%a %b %e %H:%M:%S %Y", time);
            case 'x', 'D' -> format("%m/%d/%y", time);
            case 'X', 'T' -> format("%H:%M:%S", time);
            case 'F' -> format("%Y-%m-%d", time);
            case 'R' -> format("%H:%M", time);
            case 'r' -> format("%I:%M:%S %p", time);
            case 'n' -> "\n";
            case 't' -> "\t";
            case '%' -> "%";
            default -> "%" + code;
        };
    }
}
