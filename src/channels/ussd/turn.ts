import type { Clock } from '../../base/clock.ts';
import type { Keyring } from '../../base/keyring.ts';
import type { Msisdn } from '../../base/msisdn.ts';
import type { Catalogue } from '../../catalogue/index.ts';
import type { Language } from '../../i18n/index.ts';
import type { Subscribers } from '../../parties/index.ts';
import type { Topups } from '../../topups/index.ts';
import type { UssdGateway } from './gateway.ts';
import type { Place } from './memory.ts';
import type { Credit, Screen, Shown } from './screens.ts';

/** What a dialogue may ask of the rest of the platform. */
export type TalkDeps = {
  readonly topups: Pick<Topups, 'redeem'>;
  readonly subscribers: Pick<Subscribers, 'refer' | 'read' | 'balances' | 'movements' | 'setLanguage'>;
  readonly catalogue: Pick<Catalogue, 'parseOperator' | 'operator' | 'dialCode' | 'hotline'>;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly onError?: (error: unknown) => void;
};

/** Who is speaking, through what, and in which language. */
export type Talk = {
  readonly gateway: UssdGateway;
  readonly session: string;
  readonly msisdn: Msisdn;
  readonly serviceCode: string;
  readonly language: Language;
  /** Called before money is asked to move: from then on no answer in time means "not known", not "not done". */
  readonly onRedeem: () => void;
};

/** What a step leads to: the next screen (or a page of one already made), and what the next answer will be taken for. */
export type Turn = {
  readonly show: Screen | Shown;
  readonly place: Place;
  readonly language?: Language;
  readonly credit?: Credit;
};

/** What a held card code is bound to. */
export function heldBy(talk: Talk): { gateway: string; session: string } {
  return { gateway: talk.gateway.id, session: talk.session };
}
