import { limits } from '../../base/limits.ts';
import { HEADER_OCTETS } from './pdu.ts';

/**
 * Cuts a stream of octets into PDUs, however they arrive. Holds one PDU that is not whole yet at most: a length that no PDU has ends
 * the stream, because where the next one would begin is not known.
 */
export class FrameReader {
  readonly #max: number;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(max: number = limits.smppPduOctetsMax) {
    this.#max = max;
  }

  /** The PDUs that are whole now; undefined when the stream makes no sense any more. */
  push(chunk: Buffer): Buffer[] | undefined {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    const frames: Buffer[] = [];
    for (;;) {
      const length = this.#next();
      if (length === undefined) return frames;
      if (length < HEADER_OCTETS || length > this.#max) return undefined;
      if (this.#length < length) return frames;
      frames.push(this.#take(length));
    }
  }

  #next(): number | undefined {
    if (this.#length < 4) return undefined;
    let [first = Buffer.alloc(0)] = this.#chunks;
    if (first.length < 4) {
      first = Buffer.concat(this.#chunks);
      this.#chunks = [first];
    }
    return first.readUInt32BE(0);
  }

  #take(length: number): Buffer {
    const [first = Buffer.alloc(0)] = this.#chunks;
    const whole = first.length >= length ? first : Buffer.concat(this.#chunks);
    const behind = first.length >= length ? this.#chunks.slice(1) : [];
    const rest = whole.subarray(length);
    this.#chunks = rest.length > 0 ? [rest, ...behind] : behind;
    this.#length -= length;
    return whole.subarray(0, length);
  }
}
