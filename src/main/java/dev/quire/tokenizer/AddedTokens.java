package dev.quire.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;

/// Finds the names of added tokens in a text: the leftmost, of those the longest, as Hugging Face's added vocabulary
/// does. A trie over UTF-8 bytes; a byte with which no name begins costs one table look-up.
///
/// UTF-8 synchronises itself, so that a name found as bytes is a name found as characters. Immutable.
final class AddedTokens {
    /// Takes a text apart, from left to right.
    interface Parts {
        /// Text between added tokens; not empty.
        void text(int start, int end);

        void token(int token);
    }

    private static final int NONE = -1;

    private final AddedToken[] added;
    private final int[] roots = new int[256]; // first byte → node, or NONE
    private int nodes;
    private byte[] labels = new byte[64];
    private int[] children = new int[64]; // first child of a node, or NONE
    private int[] siblings = new int[64]; // next child of the same parent, or NONE
    private int[] ends = new int[64]; // index of the added token that ends at the node, or NONE
    private int[] depths = new int[64]; // bytes from the root to the node

    AddedTokens(Collection<AddedToken> tokens) {
        added = tokens.toArray(AddedToken[]::new);
        Arrays.fill(roots, NONE);
        for (int i = 0; i < added.length; i++) {
            byte[] name = added[i].name().getBytes(StandardCharsets.UTF_8);
            if (name.length > 0) {
                add(name, i);
            }
        }
    }

    boolean isEmpty() {
        return nodes == 0;
    }

    /// Hands `text[start, end)` over in parts.
    void split(byte[] text, int start, int end, Parts parts) {
        int left = start; // what has not been handed over begins here
        int i = start;
        while (i < end) {
            int node = roots[text[i] & 0xFF] == NONE ? NONE : longestAt(text, i, end);
            if (node == NONE) {
                i++;
                continue;
            }
            AddedToken token = added[ends[node]];
            int from = i;
            int to = i + depths[node];
            i = to;
            if (token.singleWord() && touchesWord(text, start, from, to, end)) {
                continue;
            }
            if (token.stripsLeft()) {
                from = Math.max(WhiteSpace.before(text, start, from), left);
            }
            if (token.stripsRight()) {
                to = WhiteSpace.after(text, to, end);
            }
            if (left < from) {
                parts.text(left, from);
            }
            parts.token(token.token());
            left = to;
        }
        if (left < end) {
            parts.text(left, end);
        }
    }

    private static boolean touchesWord(byte[] text, int start, int from, int to, int end) {
        return (from > start && WhiteSpace.isWord(Utf8.codePointBefore(text, start, from)))
                || (to < end && WhiteSpace.isWord(Utf8.codePoint(text, to)));
    }

    /// The node of the longest name that begins at `text[start]`, or NONE.
    private int longestAt(byte[] text, int start, int end) {
        int node = roots[text[start] & 0xFF];
        int longest = NONE;
        for (int i = start + 1; node != NONE; i++) {
            longest = ends[node] == NONE ? longest : node;
            if (i == end) {
                break;
            }
            node = child(node, text[i]);
        }
        return longest;
    }

    private void add(byte[] name, int index) {
        int first = name[0] & 0xFF;
        if (roots[first] == NONE) {
            roots[first] = newNode(name[0], 1);
        }
        int node = roots[first];
        for (int i = 1; i < name.length; i++) {
            int child = child(node, name[i]);
            if (child == NONE) {
                child = newNode(name[i], i + 1);
                siblings[child] = children[node];
                children[node] = child;
            }
            node = child;
        }
        if (ends[node] == NONE) { // of equal names the first
            ends[node] = index;
        }
    }

    private int child(int parent, byte label) {
        int node = children[parent];
        while (node != NONE && labels[node] != label) {
            node = siblings[node];
        }
        return node;
    }

    private int newNode(byte label, int depth) {
        if (nodes == labels.length) {
            labels = Arrays.copyOf(labels, 2 * nodes);
            children = Arrays.copyOf(children, 2 * nodes);
            siblings = Arrays.copyOf(siblings, 2 * nodes);
            ends = Arrays.copyOf(ends, 2 * nodes);
            depths = Arrays.copyOf(depths, 2 * nodes);
        }
        labels[nodes] = label;
        children[nodes] = NONE;
        siblings[nodes] = NONE;
        ends[nodes] = NONE;
        depths[nodes] = depth;
        return nodes++;
    }
}
