import { assert } from '../../base/assert.ts';
import type { OperatorId } from '../../catalogue/index.ts';
import type { Language, UssdLimit } from '../../i18n/index.ts';

/** Room for a screen that asks and for one that ends: some networks give the last one less. */
export type UssdLimits = { readonly menu: UssdLimit; readonly final: UssdLimit };

/** One operator's link as this platform sees it. Set by whoever runs the platform, never by a request. */
export type UssdGateway = {
  readonly id: string;
  /** Whose network carries the dialogue: cards of others are turned away here, with the right code to dial. */
  readonly operator: OperatorId;
  /** For numbers that have not chosen one. */
  readonly language: Language;
  readonly limits: UssdLimits;
};

/** 160 octets, the most a USSD string can hold (3GPP TS 23.038, 5.1). */
export const networkLimits: UssdLimits = { menu: { gsm7: 182, ucs2: 80 }, final: { gsm7: 182, ucs2: 80 } };

/** osmo-hlr reads one length octet, which leaves 114 octets to a question and 112 to an answer. */
export const osmoLimits: UssdLimits = { menu: { gsm7: 130, ucs2: 57 }, final: { gsm7: 128, ucs2: 56 } };

/** Every menu is known to fit the least of these (screens.test.ts), so a smaller limit would cut texts: it is refused at start. */
export function ussdGateway(settings: Omit<UssdGateway, 'limits'> & { readonly limits?: UssdLimits }): UssdGateway {
  const limits = settings.limits ?? networkLimits;
  for (const kind of ['menu', 'final'] as const) {
    const { gsm7, ucs2 } = limits[kind];
    const least = osmoLimits[kind];
    assert(
      gsm7 >= least.gsm7 && ucs2 >= least.ucs2,
      `the ${kind} limit of USSD gateway ${settings.id} is at least ${least.gsm7} GSM-7 and ${least.ucs2} UCS-2 characters`,
    );
  }
  return { ...settings, limits };
}
