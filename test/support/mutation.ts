// Inputs that were good once: bytes changed, cut out, doubled, moved and put in, by chance that can be repeated from its seed.

/** Bytes that parsers stumble over: ends, separators, escapes, signs, the beginnings of other encodings. */
const awkward = [
  0x00, 0x0a, 0x0d, 0x20, 0x25, 0x26, 0x2b, 0x2d, 0x2e, 0x3b, 0x3c, 0x3d, 0x3e, 0x7f, 0x80, 0xc0, 0xed, 0xff,
];

/** One to four changes. */
export function mutated(seed: Buffer, random: () => number): Buffer {
  let bytes = [...seed];
  const upTo = (count: number): number => Math.floor(random() * count);
  for (let changes = 1 + upTo(4); changes > 0; changes -= 1) {
    const at = upTo(bytes.length + 1);
    const length = 1 + upTo(8);
    const kind = upTo(6);
    if (kind === 0) bytes[Math.min(at, bytes.length - 1)] = upTo(256);
    else if (kind === 1) bytes.splice(at, 0, awkward[upTo(awkward.length)] ?? 0);
    else if (kind === 2) bytes.splice(at, length);
    else if (kind === 3) bytes.splice(at, 0, ...bytes.slice(at, at + length));
    else if (kind === 4) bytes.splice(upTo(bytes.length + 1), 0, ...bytes.splice(at, length));
    else bytes = bytes.slice(0, at);
  }
  return Buffer.from(bytes);
}
