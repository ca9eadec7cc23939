import { hash, timingSafeEqual } from 'node:crypto';
import { limits } from '../../base/limits.ts';
import { type Msisdn, parseMsisdn } from '../../base/msisdn.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Secret } from '../../base/secret.ts';

/** What stands behind an address, and the secrets that open it: two while one follows the other. */
export type Guarded<T> = { readonly behind: T; readonly secrets: readonly Secret[] };

/**
 * Opens by the secret in an address. An unknown place and a wrong secret are the same refusal: time tells neither how much of a secret was
 * right, nor which of them, nor whether the place is known.
 */
export function secretDoors<T>(doors: ReadonlyMap<string, Guarded<T>>): (place: string, secret: string) => T {
  // Secrets are compared through hashes, which have one length; made once.
  const accepted = new Map(
    [...doors].map(([place, { secrets }]) => [place, secrets.map((secret) => digest(secret.reveal()))]),
  );
  return (place, secret) => {
    const door = doors.get(place);
    const given = digest(secret);
    const matches = (accepted.get(place) ?? nobody).filter((one) => timingSafeEqual(given, one)).length;
    if (!door || matches === 0) throw new Refusal('ussd.unknown_gateway');
    return door.behind;
  };
}

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

const nobody = [digest('')];

const SESSION = /^[\x21-\x7e]+$/;

/** A dialogue's name as a gateway gives it; `field` is its own word for it. */
export function parseSession(session: string, field: string): string {
  if (session.length > limits.ussdSessionIdLengthMax || !SESSION.test(session))
    throw new Refusal('request.invalid', { field });
  return session;
}

/** Undefined for a real number that is not ours to serve, a roaming visitor's say: that is told to the person. */
export function parseCaller(text: string, field: string): Msisdn | undefined {
  try {
    return parseMsisdn(text);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.code === 'msisdn.invalid') throw new Refusal('request.invalid', { field });
    return undefined;
  }
}
