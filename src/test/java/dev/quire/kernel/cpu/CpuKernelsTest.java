package dev.quire.kernel.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.kernel.Batch;
import dev.quire.kernel.BatchLimits;
import dev.quire.kernel.Kernels;
import dev.quire.kernel.ModelShape;
import dev.quire.kernel.cpu.TinyModel.Part;
import dev.quire.tensor.TensorType;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What the CPU kernels refuse, and in which words.
class CpuKernelsTest {
    private final Batch batch = new Batch(TinyModel.LIMITS);
    private Kernels kernels;

    @BeforeEach
    void open() {
        kernels = CpuKernels.open(TinyModel.SHAPE, TinyModel.LIMITS, 1, "auto");
        new TinyModel(TensorType.Q8_0, 1).load(kernels);
        valid();
    }

    @AfterEach
    void close() {
        kernels.close();
        kernels.close();
    }

    private void valid() {
        TinyModel.fill(batch, new Part(TinyModel.tokens(1, 30), 0, 30, TinyModel.blocks(0, 1)));
    }

    private void refuses(String message, Consumer<Batch> damage) {
        valid();
        damage.accept(batch);
        var e = assertThrows(IllegalArgumentException.class, () -> kernels.beginStep(batch));
        assertEquals(message, e.getMessage());
        valid();
        TinyModel.step(kernels, batch);
    }

    @Test
    void beginStep_brokenBatch_isRefusedAndTheNextStepWorks() {
        refuses("token must be in the vocabulary: index=3, token=211, vocabulary=211", b -> b.token.put(3, 211));
        refuses("positions must end at context_len - 1: token=3, position=7, expected=3", b -> b.position.put(3, 7));
        refuses("slot must be the block table's or -1: index=3, slot=99, expected=3", b -> b.slot.put(3, 99));
        refuses("block must be in the pool: seq=0, entry=1, block=160, blocks=160", b -> b.blockTable.put(1, 160));
        refuses(
                "query_start must begin at 0 and end at tokens: first=0, last=31, tokens=30",
                b -> b.queryStart.put(1, 31));
        refuses(
                "context_len must hold the new tokens and fit: seq=0, context_len=641, query_len=30, "
                        + "context_length=640, table_tokens=640",
                b -> b.contextLength.put(0, 641));
        refuses("logit_row must be a token: row=0, logit_row=30, tokens=30", b -> b.logitRow.put(0, 30));
        refuses("plan must be within the limits: rows=17, max_rows=16", b -> b.rows = 17);
        refuses("plan must be within the limits: tokens=65, max_tokens=64, seqs=1, max_seqs=4", b -> b.tokens = 65);
        refuses("temperature must be in its range: row=0, temperature=-1", b -> b.temperature.put(0, -1f));
        refuses("top_p must be in its range: row=0, top_p=0", b -> b.topP.put(0, 0f));
        refuses("logprobs must be between -1 and 20: row=0, logprobs=21", b -> b.logprobs.put(0, 21));
        refuses("history must be within its limit: historyStart=250, historyLength=7, limit=256", b -> {
            b.historyStart.put(0, 250);
            b.historyLength.put(0, 7);
        });
    }

    @Test
    void beginStep_sequencesThatContradictTheTokens_areRefused() {
        refuses("token must be in the vocabulary: index=29, token=-1, vocabulary=211", b -> b.token.put(29, -1));
        refuses("block must be in the pool: seq=0, entry=0, block=-1, blocks=160", b -> b.blockTable.put(0, -1));
        refuses("slot must be the block table's or -1: index=0, slot=-2, expected=0", b -> b.slot.put(0, -2));
        refuses(
                "context_len must hold the new tokens and fit: seq=0, context_len=29, query_len=30, "
                        + "context_length=640, table_tokens=640",
                b -> b.contextLength.put(0, 29));
        refuses(
                "query_start must begin at 0 and end at tokens: first=1, last=30, tokens=30",
                b -> b.queryStart.put(0, 1));
        refuses(
                "query_start must begin at 0 and end at tokens: first=0, last=29, tokens=30",
                b -> b.queryStart.put(1, 29));
        refuses("query_start must not fall or exceed tokens: seq=0, query_start=0, next=31, tokens=30", b -> {
            two(b);
            b.queryStart.put(1, 31);
        });
        refuses("query_start must not fall or exceed tokens: seq=0, query_start=0, next=-1, tokens=30", b -> {
            two(b);
            b.queryStart.put(1, -1);
        });
        refuses("plan must be within the limits: tokens=30, max_tokens=64, seqs=5, max_seqs=4", b -> b.sequences = 5);
        refuses("tokens must belong to a sequence: tokens=30, seqs=0", b -> b.sequences = 0);
    }

    /// A second, empty sequence behind the first.
    private static void two(Batch batch) {
        batch.sequences = 2;
        batch.queryStart.put(2, batch.tokens);
        batch.contextLength.put(1, 0);
    }

    /// The context may be shorter than the table's room, and the table shorter than the context.
    @Test
    void beginStep_contextBeyondTheModelsOrTheTables_isRefused() {
        for (int[] lengths : new int[][] {{630, 40}, {640, 39}}) {
            ModelShape shape = TinyModel.SHAPE.withContextLength(lengths[0]);
            var limits = new BatchLimits(64, 4, 16, lengths[1], 256, 64);
            int most = Math.min(lengths[0], lengths[1] * 16);
            try (Kernels other = CpuKernels.open(shape, limits, 1, "auto")) {
                new TinyModel(TensorType.Q8_0, 1).load(other);
                var last = new Batch(limits);
                for (int length = most + 1; length >= most; length--) {
                    last.clear();
                    last.tokens = 1;
                    last.sequences = 1;
                    last.token.put(0, 1);
                    last.position.put(0, length - 1);
                    last.slot.put(0, -1);
                    last.queryStart.put(1, 1);
                    last.contextLength.put(0, length);
                    if (length > most) {
                        assertThrows(IllegalArgumentException.class, () -> other.beginStep(last));
                    }
                }
                other.beginStep(last);
                other.endStep();
            }
        }
    }

    @Test
    void beginStep_rowThatCannotBeSampled_isRefused() {
        refuses("logit_row must be a token: row=0, logit_row=-1, tokens=30", b -> b.logitRow.put(0, -1));
        refuses("plan must be within the limits: rows=-1, max_rows=16", b -> b.rows = -1);
        refuses(
                "temperature must be in its range: row=0, temperature=inf",
                b -> b.temperature.put(0, Float.POSITIVE_INFINITY));
        refuses("top_p must be in its range: row=0, top_p=1.5", b -> b.topP.put(0, 1.5f));
        refuses("min_p must be in its range: row=0, min_p=1.5", b -> b.minP.put(0, 1.5f));
        refuses("min_p must be in its range: row=0, min_p=-1", b -> b.minP.put(0, -1f));
        refuses(
                "presence_penalty must be in its range: row=0, presence_penalty=inf",
                b -> b.presencePenalty.put(0, Float.POSITIVE_INFINITY));
        refuses(
                "frequency_penalty must be in its range: row=0, frequency_penalty=-inf",
                b -> b.frequencyPenalty.put(0, Float.NEGATIVE_INFINITY));
        refuses(
                "repetition_penalty must be in its range: row=0, repetition_penalty=0",
                b -> b.repetitionPenalty.put(0, 0f));
        refuses("top_k and prompt_len must not be negative: row=0, top_k=-1, prompt_len=0", b -> b.topK.put(0, -1));
        refuses(
                "top_k and prompt_len must not be negative: row=0, top_k=0, prompt_len=-1",
                b -> b.promptLength.put(0, -1));
        refuses("logprobs must be between -1 and 20: row=0, logprobs=-2", b -> b.logprobs.put(0, -2));
        refuses(
                "scored_token must be in the vocabulary or -1: row=0, scored_token=211, vocabulary=211",
                b -> b.scoredToken.put(0, 211));
        refuses(
                "scored_token must be in the vocabulary or -1: row=0, scored_token=-2, vocabulary=211",
                b -> b.scoredToken.put(0, -2));
        refuses("history must be in the vocabulary: row=0, token=211, vocabulary=211", b -> {
            b.historyLength.put(0, 2);
            b.history.put(0, 1);
            b.history.put(1, 211);
        });
        refuses("bias_token must be in the vocabulary: row=0, token=-1, vocabulary=211", b -> {
            b.biasLength.put(0, 1);
            b.biasToken.put(0, -1);
        });
        refuses("bias_value must be in its range: row=0, bias_value=inf", b -> {
            b.biasLength.put(0, 1);
            b.biasToken.put(0, 1);
            b.biasValue.put(0, Float.POSITIVE_INFINITY);
        });
        refuses("bias must be within its limit: biasStart=64, biasLength=1, limit=64", b -> {
            b.biasStart.put(0, 64);
            b.biasLength.put(0, 1);
        });
        refuses(
                "history must be within its limit: historyStart=0, historyLength=-1, limit=256",
                b -> b.historyLength.put(0, -1));
    }

    @Test
    void copyBlocks_outsideThePool_isRefused() {
        int[] good = {0, 1};
        for (int[] bad : new int[][] {{0, 160}, {-1, 0}}) {
            assertThrows(IllegalArgumentException.class, () -> kernels.copyBlocks(bad, good, 2));
            assertThrows(IllegalArgumentException.class, () -> kernels.copyBlocks(good, bad, 2));
        }
    }

    @Test
    void step_callOutOfOrder_isRefused() {
        var e = assertThrows(IllegalStateException.class, () -> kernels.embed());
        assertEquals("calls of a step must be in order: call=embed, call_index=0, due=-1", e.getMessage());
        kernels.beginStep(batch);
        assertThrows(IllegalStateException.class, () -> kernels.beginStep(batch));
        assertThrows(IllegalStateException.class, () -> kernels.attentionInput(0));
        kernels.embed();
        assertThrows(IllegalStateException.class, () -> kernels.attentionInput(1));
        assertThrows(IllegalStateException.class, () -> kernels.attentionInput(2));
        kernels.attentionInput(0);
        kernels.endStep();
        assertThrows(IllegalStateException.class, () -> kernels.endStep());
        TinyModel.step(kernels, batch);
    }

    @Test
    void open_unknownIsa_isRefused() {
        var e = assertThrows(
                IllegalArgumentException.class, () -> CpuKernels.open(TinyModel.SHAPE, TinyModel.LIMITS, 1, "sse"));
        assertEquals("isa must be auto, scalar, avx2, avx512, vnni or amx: isa=sse", e.getMessage());
        assertTrue(CpuKernels.cores() >= 1);
    }

    @Test
    void beginStep_batchOfOtherLimits_isRefused() {
        Batch other = new Batch(new BatchLimits(64, 4, 16, 39, 256, 64));
        assertThrows(IllegalArgumentException.class, () -> kernels.beginStep(other));
    }

    @Test
    void calls_afterClose_areRefused() {
        kernels.close();
        var e = assertThrows(IllegalStateException.class, () -> kernels.blockBytes());
        assertEquals("kernels must be open: closed=true", e.getMessage());
    }
}
