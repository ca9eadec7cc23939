import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { type Msisdn, parseMsisdn } from '../../base/msisdn.ts';
import { orRefusal, Refusal } from '../../base/refusal.ts';
import type { CtrlClient } from '../../wire/gsup/index.ts';

/** The number of a SIM; `not_served` for a real one that is not ours to credit, or none at all. */
export type SimNumber = Msisdn | 'not_served';

export type SimNumbers = {
  /** Throws when the HLR does not say: then nobody knows whose phone this is. */
  numberOf(imsi: string): Promise<SimNumber>;
  /** What was believed until now may have changed: the HLR was away. */
  forget(): void;
};

type Kept = { readonly number: Msisdn; readonly at: number };

/**
 * An external USSD entity learns the IMSI alone; the number is asked of the HLR. An answer is believed for `keptMs`, because a SIM can be
 * given another number and a card must not credit whoever has the old one; a SIM without a number is asked after again each time.
 * Phones that dial at the same moment share one question.
 */
export function simNumbers(deps: { ctrl: Pick<CtrlClient, 'get'>; clock: Clock; keptMs: number }): SimNumbers {
  const kept = new Map<string, Kept>();
  const asked = new Map<string, Promise<SimNumber>>();
  let era = 0;
  const ask = async (imsi: string): Promise<SimNumber> => {
    const before = era;
    const value = await deps.ctrl.get(`subscriber.by-imsi-${imsi}.msisdn`);
    const number = value === undefined ? 'not_served' : numberIn(value);
    if (number !== 'not_served' && deps.keptMs > 0 && era === before) keep(imsi, number);
    return number;
  };
  const keep = (imsi: string, number: Msisdn): void => {
    // The oldest goes first: a Map keeps the order in which its keys came.
    kept.delete(imsi);
    const [oldest] = kept.size >= limits.gsupNumbersMax ? kept.keys() : [];
    if (oldest !== undefined) kept.delete(oldest);
    kept.set(imsi, { number, at: deps.clock.now().getTime() });
  };
  return {
    async numberOf(imsi) {
      const known = kept.get(imsi);
      if (known && deps.clock.now().getTime() - known.at < deps.keptMs) return known.number;
      const asking = asked.get(imsi) ?? ask(imsi);
      asked.set(imsi, asking);
      try {
        return await asking;
      } finally {
        if (asked.get(imsi) === asking) asked.delete(imsi);
      }
    },
    forget() {
      era += 1;
      kept.clear();
      asked.clear();
    },
  };
}

/** `none` and a foreign number are answers; neither is a number that can be credited here. */
function numberIn(value: string): SimNumber {
  const number = orRefusal(() => parseMsisdn(value));
  return number instanceof Refusal ? 'not_served' : number;
}
