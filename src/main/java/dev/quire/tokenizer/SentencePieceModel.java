package dev.quire.tokenizer;

import dev.quire.format.ModelFileException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// SentencePiece's own file: a protocol buffer (google/sentencepiece, `src/sentencepiece_model.proto`), of which only
/// what encoding needs is read.
///
/// - `unknown`, `bos`, `eos`: ids; negative where there is none
record SentencePieceModel(
        List<String> names,
        List<Double> scores,
        List<Long> types,
        boolean addsPrefix,
        boolean collapsesBlanks,
        int unknown,
        int bos,
        int eos) {
    private static final int BPE = 2;

    static SentencePieceModel read(Path file, byte[] bytes) {
        return new Reading(file).read(bytes);
    }

    /// One message, field by field (protobuf.dev, "Encoding").
    private static final class Message {
        private static final int VARINT = 0;
        private static final int FIXED_64 = 1;
        private static final int BYTES = 2;
        private static final int FIXED_32 = 5;

        private final Path file;
        private final ByteBuffer bytes;
        private final int offset; // of the message in the file
        private int field;
        private int wire;
        private long number;
        private int length;

        Message(Path file, ByteBuffer bytes, int offset) {
            this.file = file;
            this.bytes = bytes.order(ByteOrder.LITTLE_ENDIAN);
            this.offset = offset;
        }

        /// Goes to the next field; false at the end.
        boolean next() {
            if (!bytes.hasRemaining()) {
                return false;
            }
            long tag = varint();
            field = (int) (tag >>> 3);
            wire = (int) tag & 7;
            switch (wire) {
                case VARINT -> number = varint();
                case FIXED_64 -> require(Long.BYTES);
                case FIXED_32 -> require(Integer.BYTES);
                case BYTES -> {
                    long size = varint();
                    if (size < 0 || size > bytes.remaining()) {
                        throw refusal("field must end inside the file", "bytes=" + Long.toUnsignedString(size));
                    }
                    require((int) size);
                }
                default -> throw refusal("file must be a SentencePiece model", "wireType=" + wire);
            }
            if (wire == FIXED_32) {
                number = bytes.getInt(bytes.position() - Integer.BYTES);
            }
            return true;
        }

        int field() {
            return field;
        }

        int integer() {
            require(wire == VARINT);
            return (int) number;
        }

        float real() {
            require(wire == FIXED_32);
            return Float.intBitsToFloat((int) number);
        }

        String text() {
            try {
                return StandardCharsets.UTF_8.newDecoder().decode(slice()).toString();
            } catch (CharacterCodingException e) {
                throw refusal("name must be UTF-8", "field=" + field);
            }
        }

        Message message() {
            return new Message(file, slice(), offset + bytes.position() - length);
        }

        int length() {
            require(wire == BYTES);
            return length;
        }

        private ByteBuffer slice() {
            return bytes.slice(bytes.position() - length(), length);
        }

        private void require(boolean expected) {
            if (!expected) {
                throw refusal("file must be a SentencePiece model", "field=" + field + ", wireType=" + wire);
            }
        }

        private void require(int size) {
            if (size > bytes.remaining()) {
                throw refusal("field must end inside the file", "bytes=" + size);
            }
            length = size;
            bytes.position(bytes.position() + size);
        }

        private long varint() {
            long value = 0;
            for (int shift = 0; shift < Long.SIZE; shift += 7) {
                if (!bytes.hasRemaining()) {
                    throw refusal("number must end inside the file", "field=" + field);
                }
                byte next = bytes.get();
                value |= (next & 0x7FL) << shift;
                if (next >= 0) {
                    return value;
                }
            }
            throw refusal("number must have at most ten bytes", "field=" + field);
        }

        private ModelFileException refusal(String what, String found) {
            return new ModelFileException(
                    what + ": " + found + ", offset=" + (offset + bytes.position()) + ", file=" + file);
        }
    }

    private static final class Reading {
        private final Path file;
        private final List<String> names = new ArrayList<>();
        private final List<Double> scores = new ArrayList<>();
        private final List<Long> types = new ArrayList<>();
        private boolean addsPrefix = true;
        private boolean collapsesBlanks = true;
        private int model = 1;
        private int unknown = 0;
        private int bos = 1;
        private int eos = 2;

        Reading(Path file) {
            this.file = file;
        }

        SentencePieceModel read(byte[] bytes) {
            var root = new Message(file, ByteBuffer.wrap(bytes), 0);
            while (root.next()) {
                switch (root.field()) {
                    case 1 -> piece(root.message());
                    case 2 -> training(root.message());
                    case 3 -> normalization(root.message());
                    default -> {}
                }
            }
            if (model != BPE) {
                throw refusal("SentencePiece model must be BPE", "model_type=" + modelName());
            }
            return new SentencePieceModel(names, scores, types, addsPrefix, collapsesBlanks, unknown, bos, eos);
        }

        private void piece(Message piece) {
            String name = "";
            double score = 0;
            long type = TokenType.NORMAL.number();
            while (piece.next()) {
                switch (piece.field()) {
                    case 1 -> name = piece.text();
                    case 2 -> score = piece.real();
                    case 3 -> type = piece.integer();
                    default -> {}
                }
            }
            names.add(name);
            scores.add(score);
            types.add(type);
        }

        private void training(Message training) {
            while (training.next()) {
                switch (training.field()) {
                    case 3 -> model = training.integer();
                    case 24 -> requireNot(training.integer() != 0, "treat_whitespace_as_suffix");
                    case 40 -> unknown = training.integer();
                    case 41 -> bos = training.integer();
                    case 42 -> eos = training.integer();
                    default -> {}
                }
            }
        }

        private void normalization(Message rules) {
            String name = "";
            while (rules.next()) {
                switch (rules.field()) {
                    case 1 -> name = rules.text();
                    case 2 -> {
                        if (rules.length() > 0) {
                            throw refusal("text must need no normalization", "normalizer=" + Names.quoted(name));
                        }
                    }
                    case 3 -> addsPrefix = rules.integer() != 0;
                    case 4 -> collapsesBlanks = rules.integer() != 0;
                    case 5 -> requireNot(rules.integer() == 0, "escape_whitespaces=false");
                    default -> {}
                }
            }
        }

        private String modelName() {
            return switch (model) {
                case 1 -> "unigram";
                case 3 -> "word";
                case 4 -> "char";
                default -> Integer.toString(model);
            };
        }

        private void requireNot(boolean found, String what) {
            if (found) {
                throw refusal("SentencePiece model must have no unusual blanks", what);
            }
        }

        private ModelFileException refusal(String what, String found) {
            return new ModelFileException(what + ": " + found + ", file=" + file);
        }
    }
}
