#!/usr/bin/env python3
"""Makes the vectors of BlockHash with the xxhash package.

    pip install xxhash==4.1.0
    python3 src/test/scripts/block_hash_vectors.py

writes src/test/resources/cache/block_hash.json:

    blocks  tokens, the parent's hash and theirs, of random blocks of 0 to 70 tokens: every length of a last stripe
    chain   the hashes of consecutive blocks of 16 tokens after the root of a salt, each the seed of the next
    roots   salts and their hashes: the UTF-16 units of the text as numbers of 32 bits, seed 0

Hashes are written as signed numbers of 64 bits, as Java has them. --seed S gives other tokens, --out another file.
"""

import argparse
import json
import os
import random
import struct

import xxhash

EDGES = [0, 1, -1, 2**31 - 1, -(2**31), 0x7FFFFFFF - 1]
SALTS = ["", "a", "tenant-7", "eight ch", "seven c", "żółw", "\u6771\u4eac", "\U0001f422 and \U0001f407", "x" * 100]
BLOCK_SIZE = 16


def signed(value):
    return struct.unpack("<q", struct.pack("<Q", value))[0]


def block_hash(tokens, parent):
    data = struct.pack(f"<{len(tokens)}i", *tokens)
    return signed(xxhash.xxh64_intdigest(data, seed=parent % 2**64))


def root(salt):
    units = salt.encode("utf-16-le")
    return block_hash([unit for (unit,) in struct.iter_unpack("<H", units)], 0)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seed", type=int, default=6)
    options.add_argument("--out", default="src/test/resources/cache/block_hash.json")
    arguments = options.parse_args()
    rng = random.Random(arguments.seed)
    blocks = []
    for count in range(71):
        tokens = [rng.choice(EDGES) if rng.random() < 0.2 else rng.randrange(256_000) for _ in range(count)]
        parent = rng.choice([0, -1, rng.randrange(-(2**63), 2**63)])
        blocks.append({"tokens": tokens, "parent": parent, "hash": block_hash(tokens, parent)})
    salt = "chain"
    tokens = [rng.randrange(256_000) for _ in range(8 * BLOCK_SIZE)]
    hashes = []
    parent = root(salt)
    for start in range(0, len(tokens), BLOCK_SIZE):
        parent = block_hash(tokens[start : start + BLOCK_SIZE], parent)
        hashes.append(parent)
    vectors = {
        "blocks": blocks,
        "chain": {"salt": salt, "blockSize": BLOCK_SIZE, "tokens": tokens, "hashes": hashes},
        "roots": [{"salt": text, "hash": root(text)} for text in SALTS],
    }
    os.makedirs(os.path.dirname(arguments.out), exist_ok=True)
    with open(arguments.out, "w", encoding="utf-8") as file:
        json.dump(vectors, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
