import type { Uuid } from '../base/ids.ts';
import { type Keyring, mac128 } from '../base/keyring.ts';
import { limits } from '../base/limits.ts';
import { Refusal } from '../base/refusal.ts';
import { Secret } from '../base/secret.ts';

/** Full-width digits (Chinese keyboards) and Arabic-Indic ones read as digits. */
const ZERO_BASES = [0xff10, 0x0660, 0x06f0];

/**
 * Reads a PIN as people write it: with spaces, hyphens, in groups, in full-width digits. Refuses `pin.invalid`
 * what cannot be one; that says nothing about any card and counts as no guess.
 */
export function parsePin(text: string): Secret {
  if (text.length > limits.pinDigitsMax * 3) throw new Refusal('pin.invalid');
  let digits = '';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0x30 && code <= 0x39) digits += character;
    else {
      const base = ZERO_BASES.find((zero) => code >= zero && code <= zero + 9);
      if (base !== undefined) digits += String(code - base);
      else if (!/[\s\-.\u2010-\u2015\u200b\u00a0]/u.test(character)) throw new Refusal('pin.invalid');
    }
  }
  if (digits.length < limits.pinDigitsMin || digits.length > limits.pinDigitsMax) throw new Refusal('pin.invalid');
  return new Secret(digits);
}

/** The MACs a PIN may be stored under: one a live key, newest first. */
export function macsOf(keyring: Keyring, pin: Secret): Uuid[] {
  // Revealed only into the keyed hash.
  return keyring.pinKeys.map(({ key }) => mac128(key, pin.reveal()));
}
