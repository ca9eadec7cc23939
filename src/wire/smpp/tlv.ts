/** An optional parameter: what this program has no name for is carried as it is. */
export type Tlv = { readonly tag: number; readonly value: Uint8Array };

/** SMPP 3.4, 5.3.2, and the session TLV that USSD gateways agree on. */
export const tags = {
  sourceTelematicsId: 0x0010,
  receiptedMessageId: 0x001e,
  userMessageReference: 0x0204,
  sarReference: 0x020c,
  sarTotal: 0x020e,
  sarPart: 0x020f,
  interfaceVersion: 0x0210,
  messagePayload: 0x0424,
  messageState: 0x0427,
  ussdServiceOp: 0x0501,
  itsSessionInfo: 0x1383,
} as const;

const HEAD = 4;

/** The value of the first with this tag. */
export function tlvOf(tlvs: readonly Tlv[], tag: number): Uint8Array | undefined {
  return tlvs.find((one) => one.tag === tag)?.value;
}

/** An unsigned number of one, two or four octets; undefined where there is none, or one of another length. */
export function numberOf(tlvs: readonly Tlv[], tag: number, octets: 1 | 2 | 4): number | undefined {
  const value = tlvOf(tlvs, tag);
  if (value?.length !== octets) return undefined;
  return value.reduce((sum, octet) => sum * 256 + octet, 0);
}

export function octet(tag: number, value: number): Tlv {
  return { tag, value: Uint8Array.of(value & 0xff) };
}

export function twoOctets(tag: number, value: number): Tlv {
  return { tag, value: Uint8Array.of((value >> 8) & 0xff, value & 0xff) };
}

export function encodeTlvs(tlvs: readonly Tlv[]): Buffer {
  return Buffer.concat(
    tlvs.flatMap(({ tag, value }) => {
      const head = Buffer.alloc(HEAD);
      head.writeUInt16BE(tag, 0);
      head.writeUInt16BE(value.length, 2);
      return [head, value];
    }),
  );
}

/** Undefined where the last one is cut off. */
export function decodeTlvs(octets: Buffer): Tlv[] | undefined {
  const found: Tlv[] = [];
  let at = 0;
  while (at < octets.length) {
    if (octets.length - at < HEAD) return undefined;
    const tag = octets.readUInt16BE(at);
    const length = octets.readUInt16BE(at + 2);
    at += HEAD;
    if (octets.length - at < length) return undefined;
    found.push({ tag, value: Uint8Array.from(octets.subarray(at, at + length)) });
    at += length;
  }
  return found;
}
