package dev.quire.tokenizer;

import java.util.Arrays;

/// Finds the names of control and user-defined tokens in a text: the leftmost, of those the longest, as Hugging Face's
/// added vocabulary does. A trie over UTF-8 bytes; a byte with which no name begins costs one table look-up.
///
/// UTF-8 synchronises itself, so that a name found as bytes is a name found as characters. Immutable.
final class AddedTokens {
    private static final int NONE = -1;

    private final int[] roots = new int[256]; // first byte → node, or NONE
    private int nodes;
    private byte[] labels = new byte[64];
    private int[] children = new int[64]; // first child of a node, or NONE
    private int[] siblings = new int[64]; // next child of the same parent, or NONE
    private int[] tokens = new int[64]; // the token that ends at the node, or NONE

    AddedTokens(Vocabulary vocabulary) {
        Arrays.fill(roots, NONE);
        for (int token = 0; token < vocabulary.size(); token++) {
            if (vocabulary.type(token).isAdded() && vocabulary.length(token) > 0) {
                add(vocabulary.bytes(token), token);
            }
        }
    }

    /// The token with the longest name that begins at `text[start]`, or -1.
    int longestAt(byte[] text, int start) {
        int node = roots[text[start] & 0xFF];
        int longest = NONE;
        for (int i = start + 1; node != NONE; i++) {
            longest = tokens[node] == NONE ? longest : tokens[node];
            if (i == text.length) {
                break;
            }
            node = child(node, text[i]);
        }
        return longest;
    }

    private void add(byte[] name, int token) {
        int first = name[0] & 0xFF;
        if (roots[first] == NONE) {
            roots[first] = newNode(name[0]);
        }
        int node = roots[first];
        for (int i = 1; i < name.length; i++) {
            int child = child(node, name[i]);
            if (child == NONE) {
                child = newNode(name[i]);
                siblings[child] = children[node];
                children[node] = child;
            }
            node = child;
        }
        tokens[node] = token;
    }

    private int child(int parent, byte label) {
        int node = children[parent];
        while (node != NONE && labels[node] != label) {
            node = siblings[node];
        }
        return node;
    }

    private int newNode(byte label) {
        if (nodes == labels.length) {
            labels = Arrays.copyOf(labels, 2 * nodes);
            children = Arrays.copyOf(children, 2 * nodes);
            siblings = Arrays.copyOf(siblings, 2 * nodes);
            tokens = Arrays.copyOf(tokens, 2 * nodes);
        }
        labels[nodes] = label;
        children[nodes] = NONE;
        siblings[nodes] = NONE;
        tokens[nodes] = NONE;
        return nodes++;
    }
}
