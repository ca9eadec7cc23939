import { limits } from '../../base/limits.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Secret } from '../../base/secret.ts';
import { languages } from '../../i18n/index.ts';
import { parsePin } from '../../vouchers/index.ts';
import { dialText } from './dialling.ts';
import { type HeldCode, holdCode, type Memory, openCode, type Place } from './memory.ts';
import { redeemTurn } from './redeeming.ts';
import { moreKey, screens } from './screens.ts';
import { heldBy, type Talk, type TalkDeps, type Turn } from './turn.ts';

/** The first step of a dialogue. `earlier` is what the number left unfinished, or was told, a moment ago. */
export function begin(
  deps: TalkDeps,
  talk: Talk,
  earlier: { memory: Memory; session: { gateway: string; session: string } } | undefined,
): Promise<Turn> | Turn {
  const { language } = talk;
  const place = earlier?.memory.place;
  if (earlier && (place?.at === 'asked' || place?.at === 'confirm' || place?.at === 'resume')) {
    const code = openCode(deps.keyring, place.code, earlier.session);
    // The yes was given before the answer was lost, so it is asked on: the same card credits the same number once.
    if (place.at === 'asked') return redeemTurn(deps, talk, { code, typedAt: place.code.typedAt });
    const held = holdCode(deps.keyring, code, { ...heldBy(talk), typedAt: place.code.typedAt });
    return { show: screens.resume(language, held), place: { at: 'resume', code: held } };
  }
  const credit = earlier?.memory.credit;
  if (credit && deps.clock.now().getTime() - Date.parse(credit.at) <= limits.ussdSessionMs) {
    return { show: screens.told(language, credit), place: { at: 'code' }, credit };
  }
  return main(talk);
}

/** A code dialled with something behind it: a card's code is credited at once, because dialling all of it was the yes. */
export function beginDirect(deps: TalkDeps, talk: Talk, text: string): Promise<Turn> | Turn {
  const typed = tidy(text);
  const code = codeIn(typed);
  return code ? redeemTurn(deps, talk, { code, typedAt: deps.clock.now().toISOString() }) : atMain(deps, talk, typed);
}

/** A later step: what was typed, taken at the place where the dialogue stands. A card's code is understood everywhere. */
export async function answer(
  deps: TalkDeps,
  talk: Talk,
  { place, text }: { place: Place; text: string },
): Promise<Turn> {
  const typed = tidy(text);
  switch (place.at) {
    case 'confirm':
      return atConfirm(deps, talk, { typed, held: place.code });
    case 'resume':
      if (typed === '1')
        return { show: screens.confirm(talk.language, place.code), place: { at: 'confirm', code: place.code } };
      if (typed === '2') return main(talk);
      return confirmIfCode(deps, talk, typed) ?? { show: screens.resume(talk.language, place.code), place };
    case 'refused':
      if (typed === '1') return { show: screens.code(talk.language), place: { at: 'code' } };
      if (typed === '2') return help(deps, talk);
      return confirmIfCode(deps, talk, typed) ?? { show: screens.refused(talk.language), place };
    case 'code':
      if (typed === '0') return main(talk);
      return confirmIfCode(deps, talk, typed) ?? { show: screens.codeLength(talk.language), place };
    case 'more':
      return atMore(deps, talk, typed);
    case 'language':
      return atLanguage(deps, talk, typed);
    case 'pages':
      if (typed === moreKey && place.rest.length > 0) return nextPage(place.rest);
      return atMain(deps, talk, typed);
    case 'main':
    case 'asked':
    case 'ended':
      return atMain(deps, talk, typed);
  }
}

function atMain(deps: TalkDeps, talk: Talk, typed: string): Promise<Turn> | Turn {
  switch (typed) {
    case '':
      return main(talk);
    case '1':
      return balance(deps, talk);
    case '0':
      return { show: screens.more(talk.language), place: { at: 'more' } };
    case '9':
      return { show: screens.language(talk.language), place: { at: 'language' } };
    default: {
      const turn = confirmIfCode(deps, talk, typed);
      if (turn) return turn;
      if (LIKE_A_CODE.test(typed)) return { show: screens.codeLength(talk.language), place: { at: 'code' } };
      return { show: screens.mainAgain(talk.language), place: { at: 'main' } };
    }
  }
}

function atMore(deps: TalkDeps, talk: Talk, typed: string): Promise<Turn> | Turn {
  switch (typed) {
    case '2':
      return movements(deps, talk);
    case '3':
    case '9':
      return { show: screens.language(talk.language), place: { at: 'language' } };
    case '4':
      return help(deps, talk);
    case '0':
      return main(talk);
    default:
      return confirmIfCode(deps, talk, typed) ?? { show: screens.more(talk.language), place: { at: 'more' } };
  }
}

/** Kept with the number where it has a subscriber, with the dialogue in any case. */
async function atLanguage(deps: TalkDeps, talk: Talk, typed: string): Promise<Turn> {
  if (typed === '0') return main(talk);
  const language = /^[1-9]$/.test(typed) ? languages[Number(typed) - 1] : undefined;
  if (!language) {
    return confirmIfCode(deps, talk, typed) ?? { show: screens.language(talk.language), place: { at: 'language' } };
  }
  await deps.subscribers.setLanguage(talk.msisdn, language);
  return { ...main({ language }), language };
}

function atConfirm(
  deps: TalkDeps,
  talk: Talk,
  { typed, held }: { typed: string; held: HeldCode },
): Promise<Turn> | Turn {
  if (typed === '1') {
    const code = openCode(deps.keyring, held, heldBy(talk));
    return redeemTurn(deps, talk, { code, typedAt: held.typedAt });
  }
  if (typed === '0') return { show: screens.cancelled(talk.language), place: { at: 'code' } };
  const asked = { show: screens.confirm(talk.language, held), place: { at: 'confirm', code: held } } as const;
  return confirmIfCode(deps, talk, typed) ?? asked;
}

function main({ language }: Pick<Talk, 'language'>): Turn {
  return { show: screens.main(language), place: { at: 'main' } };
}

async function balance(deps: TalkDeps, talk: Talk): Promise<Turn> {
  const buckets = await orNobody(deps.subscribers.balances(talk.msisdn));
  const show = buckets.length > 0 ? screens.balance(talk.language, { buckets }) : screens.noBalance(talk.language);
  return { show, place: { at: 'ended' } };
}

async function movements(deps: TalkDeps, talk: Talk): Promise<Turn> {
  const page = { limit: limits.ussdMovements };
  const rows = await orNobody(deps.subscribers.movements(talk.msisdn, page));
  return { show: screens.movements(talk.language, { movements: rows }), place: { at: 'ended' } };
}

/** A number that was never credited has nothing yet, which is no error on a phone. */
async function orNobody<T>(rows: Promise<T[]>): Promise<T[]> {
  try {
    return await rows;
  } catch (error) {
    if (error instanceof Refusal && error.code === 'subscriber.not_found') return [];
    throw error;
  }
}

function help(deps: TalkDeps, talk: Talk): Turn {
  const { operator } = talk.gateway;
  const screen = screens.help(talk.language, {
    hotline: deps.catalogue.hotline(operator)?.number,
    code: dialText(talk, deps.catalogue.dialCode(operator, 'redeem')?.code),
  });
  return { show: screen, place: { at: 'ended' } };
}

function nextPage(pages: readonly string[]): Turn {
  const [text = '', ...rest] = pages;
  return { show: { text, end: rest.length === 0, rest }, place: { at: 'ended' } };
}

function confirmIfCode(deps: TalkDeps, talk: Talk, typed: string): Turn | undefined {
  const code = codeIn(typed);
  if (!code) return undefined;
  const held = holdCode(deps.keyring, code, { ...heldBy(talk), typedAt: deps.clock.now().toISOString() });
  return { show: screens.confirm(talk.language, held), place: { at: 'confirm', code: held } };
}

/** Enough digits that somebody meant a code, and too few or too many to be one. */
const LIKE_A_CODE = /^\D*(\d\D*){5,}$/;

function codeIn(typed: string): Secret | undefined {
  try {
    return parsePin(typed);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

/** Full-width digits of Chinese keyboards become plain ones; what is longer than a USSD string is not read. */
function tidy(text: string): string {
  if (text.length > limits.ussdInputLengthMax) return '?';
  return text.normalize('NFKC').replace(/#$/, '').trim();
}
