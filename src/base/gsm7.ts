// 3GPP TS 23.038, 6.2.1: the default alphabet in the order of its codes; the place of the escape is not a character.
const ESCAPE = 0x1b;
const basic =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
/** TS 23.038, 6.2.1.1: the extension table; an escape goes before each, so it takes two places. */
const extended: readonly (readonly [number, string])[] = [
  [0x0a, '\f'],
  [0x14, '^'],
  [0x28, '{'],
  [0x29, '}'],
  [0x2f, '\\'],
  [0x3c, '['],
  [0x3d, '~'],
  [0x3e, ']'],
  [0x40, '|'],
  [0x65, '€'],
];

/** Character to its septets. */
const septetsOf = new Map<string, readonly number[]>([
  ...[...basic].flatMap((character, code): [string, number[]][] => (code === ESCAPE ? [] : [[character, [code]]])),
  ...extended.map(([code, character]): [string, number[]] => [character, [ESCAPE, code]]),
]);
const characterOf = [...basic];
const extendedOf = new Map(extended);

/** Places a text takes in the default alphabet; undefined when a character is not in it. */
export function gsm7Length(text: string): number | undefined {
  let length = 0;
  for (const character of text) {
    const septets = septetsOf.get(character);
    if (!septets) return undefined;
    length += septets.length;
  }
  return length;
}

/** One octet a septet, not packed, as SMPP carries it; undefined when a character is not in the alphabet. */
export function encodeGsm7(text: string): Uint8Array | undefined {
  const octets: number[] = [];
  for (const character of text) {
    const septets = septetsOf.get(character);
    if (!septets) return undefined;
    octets.push(...septets);
  }
  return Uint8Array.from(octets);
}

/**
 * The text of unpacked septets; the eighth bit is not looked at. An escape before a code that no table has shows the character of the basic
 * table (TS 23.038, 6.2.1.1), an escape at the end shows a space.
 */
export function decodeGsm7(octets: Uint8Array): string {
  let text = '';
  for (let at = 0; at < octets.length; at += 1) {
    const code = (octets[at] ?? 0) & 0x7f;
    if (code !== ESCAPE) {
      text += characterOf[code] ?? '';
      continue;
    }
    at += 1;
    const next = octets[at];
    if (next === undefined) return `${text} `;
    const second = next & 0x7f;
    text += extendedOf.get(second) ?? (second === ESCAPE ? ' ' : (characterOf[second] ?? ''));
  }
  return text;
}
