package dev.quire.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SamplingParametersTest {
    static Stream<Arguments> refused() {
        float nan = Float.NaN;
        return Stream.of(
                Arguments.of(-0.1f, 1f, 0, 0f, 0f, 0f, 1f, "temperature must be between 0.0 and 2.0: temperature=-0.1"),
                Arguments.of(nan, 1f, 0, 0f, 0f, 0f, 1f, "temperature must be between 0.0 and 2.0: temperature=NaN"),
                Arguments.of(1f, 0f, 0, 0f, 0f, 0f, 1f, "top_p must be above 0 and at most 1: top_p=0.0"),
                Arguments.of(1f, 1.1f, 0, 0f, 0f, 0f, 1f, "top_p must be between 0.0 and 1.0: top_p=1.1"),
                Arguments.of(1f, 1f, -2, 0f, 0f, 0f, 1f, "top_k must not be negative: top_k=-2"),
                Arguments.of(1f, 1f, 0, 2f, 0f, 0f, 1f, "min_p must be between 0.0 and 1.0: min_p=2.0"),
                Arguments.of(
                        1f,
                        1f,
                        0,
                        0f,
                        3f,
                        0f,
                        1f,
                        "presence_penalty must be between -2.0 and 2.0: presence_penalty=3.0"),
                Arguments.of(
                        1f,
                        1f,
                        0,
                        0f,
                        0f,
                        nan,
                        1f,
                        "frequency_penalty must be between -2.0 and 2.0: frequency_penalty=NaN"),
                Arguments.of(
                        1f,
                        1f,
                        0,
                        0f,
                        0f,
                        0f,
                        0f,
                        "repetition_penalty must be above 0 and finite: repetition_penalty=0.0"));
    }

    @ParameterizedTest
    @MethodSource("refused")
    void valueOutOfRange_isRefusedWithItsNameAndValue(
            float temperature,
            float topP,
            int topK,
            float minP,
            float presence,
            float frequency,
            float repetition,
            String message) {
        var e = assertThrows(
                IllegalArgumentException.class,
                () -> new SamplingParameters(
                        temperature, topP, topK, minP, presence, frequency, repetition, Map.of(), 0));
        assertEquals(message, e.getMessage());
    }

    @Test
    void logitBias_isBoundedInSizeAndValue() {
        var many = new HashMap<Integer, Float>();
        for (int i = 0; i <= SamplingParameters.MAX_BIASES; i++) {
            many.put(i, 1f);
        }
        var e = assertThrows(
                IllegalArgumentException.class, () -> new SamplingParameters(1, 1, 0, 0, 0, 0, 1, many, 0));
        assertEquals("logit_bias must have at most 300 entries: logit_bias.size=301", e.getMessage());
        e = assertThrows(
                IllegalArgumentException.class, () -> new SamplingParameters(1, 1, 0, 0, 0, 0, 1, Map.of(5, 101f), 0));
        assertEquals("logit_bias[5] must be between -100.0 and 100.0: logit_bias[5]=101.0", e.getMessage());
    }
}
