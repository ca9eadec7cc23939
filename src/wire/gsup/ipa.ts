// Framing of Osmocom's core network protocols: a length, a stream, and what belongs to it.

/** What a frame holds: the link's own management, or a protocol above it. */
export const IPA_CCM = 0xfe;
export const IPA_OSMO = 0xee;
/** The first octet of an Osmocom frame. */
export const OSMO_CTRL = 0x00;
export const OSMO_GSUP = 0x05;

export const ccm = { ping: 0x00, pong: 0x01, idGet: 0x04, idResponse: 0x05, idAck: 0x06 } as const;

const HEADER_OCTETS = 3;
/** The length is two octets, so no frame is longer. */
const PAYLOAD_OCTETS_MAX = 0xffff;

export type IpaFrame = { readonly stream: number; readonly payload: Uint8Array };

export function encodeFrame({ stream, payload }: IpaFrame): Uint8Array {
  if (payload.length > PAYLOAD_OCTETS_MAX) throw new RangeError('a frame holds at most 65535 octets');
  const frame = new Uint8Array(HEADER_OCTETS + payload.length);
  new DataView(frame.buffer).setUint16(0, payload.length);
  frame[2] = stream;
  frame.set(payload, HEADER_OCTETS);
  return frame;
}

/** Takes octets as they come from a socket and gives whole frames. It never holds more than one frame that is not whole. */
export class FrameReader {
  #held: Uint8Array = new Uint8Array(0);

  read(octets: Uint8Array): IpaFrame[] {
    const all = this.#held.length === 0 ? octets : concat(this.#held, octets);
    const view = new DataView(all.buffer, all.byteOffset, all.byteLength);
    const frames: IpaFrame[] = [];
    let at = 0;
    while (all.length - at >= HEADER_OCTETS) {
      const end = at + HEADER_OCTETS + view.getUint16(at);
      if (end > all.length) break;
      frames.push({ stream: view.getUint8(at + 2), payload: all.slice(at + HEADER_OCTETS, end) });
      at = end;
    }
    this.#held = all.slice(at);
    return frames;
  }
}

/** Items of an identity, by their tags. */
const identityTags = { unitId: 0x08, unitName: 0x01, serialNumber: 0x00 } as const;

/** Who a peer says it is. The HLR knows it by its serial number; without a unit id it hangs up. */
export type Identity = { readonly name: string; readonly unitId: string };

export function encodeIdentity({ name, unitId }: Identity): Uint8Array {
  const items = [
    identityItem(identityTags.unitId, unitId),
    identityItem(identityTags.unitName, name),
    identityItem(identityTags.serialNumber, name),
  ];
  return concat(Uint8Array.of(ccm.idResponse), ...items);
}

/** Two octets of length, which count the tag, and a text that ends in a zero. */
function identityItem(tag: number, text: string): Uint8Array {
  const value = new TextEncoder().encode(`${text}\0`);
  const length = value.length + 1;
  return concat(Uint8Array.of(length >> 8, length & 0xff, tag), value);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
