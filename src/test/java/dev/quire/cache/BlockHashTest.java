package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;

/// The vectors are those of Python's xxhash: `src/test/scripts/block_hash_vectors.py`.
class BlockHashTest {
    private static JsonNode vectors(String name) throws IOException {
        try (var file = BlockHashTest.class.getResourceAsStream("/cache/block_hash.json")) {
            JsonNode vectors = new ObjectMapper().readTree(file).get(name);
            assertTrue(vectors.size() > 2);
            return vectors;
        }
    }

    private static int[] tokens(JsonNode vector) {
        return StreamSupport.stream(vector.get("tokens").spliterator(), false)
                .mapToInt(JsonNode::asInt)
                .toArray();
    }

    @Test
    void of_blocksOfEachLength_isXxh64SeededWithTheParent() throws IOException {
        for (JsonNode vector : vectors("blocks")) {
            int[] token = tokens(vector);
            long parent = vector.get("parent").asLong();
            assertEquals(
                    vector.get("hash").asLong(),
                    BlockHash.of(parent, token, 0, token.length),
                    "length=" + token.length);
        }
    }

    @Test
    void of_tokensInTheMiddleOfAnArray_readsThoseAlone() throws IOException {
        for (JsonNode vector : vectors("blocks")) {
            int[] token = tokens(vector);
            int[] longer = new int[token.length + 9];
            Arrays.fill(longer, 77);
            System.arraycopy(token, 0, longer, 5, token.length);
            assertEquals(
                    vector.get("hash").asLong(),
                    BlockHash.of(vector.get("parent").asLong(), longer, 5, token.length));
        }
    }

    @Test
    void of_chainOfBlocks_isTheHashOfThePrefix() throws IOException {
        JsonNode chain = vectors("chain");
        int[] token = tokens(chain);
        int blockSize = chain.get("blockSize").asInt();
        long hash = BlockHash.root(chain.get("salt").asText());
        int from = 0;
        for (JsonNode expected : chain.get("hashes")) {
            hash = BlockHash.of(hash, token, from, blockSize);
            assertEquals(expected.asLong(), hash, "from=" + from);
            from += blockSize;
        }
        assertEquals(token.length, from);
    }

    @Test
    void root_salts_areTheHashOfTheirUtf16Units() throws IOException {
        for (JsonNode vector : vectors("roots")) {
            String salt = vector.get("salt").asText();
            assertEquals(vector.get("hash").asLong(), BlockHash.root(salt), salt);
        }
    }

    @Test
    void of_oneTokenOrTheParentChanged_isAnotherHash() {
        var random = new Random(1);
        int[] token = random.ints(40).toArray();
        long hash = BlockHash.of(3, token, 0, token.length);
        assertNotEquals(hash, BlockHash.of(4, token, 0, token.length));
        for (int i = 0; i < token.length; i++) {
            token[i] ^= 1 << random.nextInt(32);
            assertNotEquals(hash, BlockHash.of(3, token, 0, token.length), "token=" + i);
            hash = BlockHash.of(3, token, 0, token.length);
        }
    }
}
