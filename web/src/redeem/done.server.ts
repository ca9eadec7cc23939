import type { Cookies } from '@sveltejs/kit';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { limits } from '../limits.ts';
import type { Redemption } from '../orders/api.server.ts';

/**
 * The outcome of a redemption has no address of its own that others might open, so it travels in a short-lived cookie: the page that shows it
 * may be read again, and never redeems again.
 */
const COOKIE = 'redeemed';

const Done = Type.Object({
  isRepeat: Type.Boolean(),
  reference: Type.String(),
  serial: Type.String(),
  value: Type.Object({ unit: Type.String(), amount: Type.String() }),
  balance: Type.Object({ currency: Type.String(), amount: Type.String() }),
  tail: Type.String(),
  at: Type.String(),
});
export type Done = Static<typeof Done>;

const shape = Compile(Done);

export function keepDone(
  cookies: Cookies,
  redemption: Redemption,
  { tail, secure }: { tail: string; secure: boolean },
): void {
  const { status, reference, serial, values, balance, currency, redeemedAt } = redemption;
  const [value = { unit: currency, amount: '0' }] = values;
  const done: Done = {
    isRepeat: status === 'already_credited',
    reference,
    serial,
    value: { unit: value.unit, amount: value.amount },
    balance: { currency, amount: balance },
    tail,
    at: redeemedAt,
  };
  cookies.set(COOKIE, Buffer.from(JSON.stringify(done)).toString('base64url'), {
    path: '/',
    maxAge: limits.redemptionShownSeconds,
    httpOnly: true,
    sameSite: 'lax',
    secure,
  });
}

/** What was kept last; undefined where there is none, or somebody has written it by hand. */
export function readDone(cookies: Pick<Cookies, 'get'>): Done | undefined {
  try {
    const done: unknown = JSON.parse(Buffer.from(cookies.get(COOKIE) ?? '', 'base64url').toString());
    return shape.Check(done) ? done : undefined;
  } catch {
    // Not ours: there is nothing to show.
    return undefined;
  }
}
