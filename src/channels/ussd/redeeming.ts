import { limits } from '../../base/limits.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Secret } from '../../base/secret.ts';
import { endOfBar, type Language } from '../../i18n/index.ts';
import type { Redemption } from '../../topups/index.ts';
import { withWord } from './dialling.ts';
import { holdCode } from './memory.ts';
import { type Screen, screens } from './screens.ts';
import { heldBy, type Talk, type TalkDeps, type Turn } from './turn.ts';

/**
 * Asks for the card's value to be credited to the number that is speaking. Safe to ask again, whoever asks: the same card credits the
 * same number once, and a repeat is told so.
 */
export async function redeemTurn(deps: TalkDeps, talk: Talk, asked: { code: Secret; typedAt: string }): Promise<Turn> {
  const { msisdn, gateway } = talk;
  talk.onRedeem();
  try {
    const redemption = await deps.topups.redeem({
      pin: asked.code,
      target: msisdn,
      caller: msisdn,
      channel: 'ussd',
      gateway: gateway.operator,
      operator: gateway.operator,
      apiKey: undefined,
    });
    return creditedTurn(talk.language, redemption, asked.typedAt);
  } catch (error) {
    const refused = error instanceof Refusal ? refusedTurn(deps, talk.language, error) : undefined;
    if (refused) return refused;
    if (!(error instanceof Refusal)) deps.onError?.(error);
    const held = holdCode(deps.keyring, asked.code, { ...heldBy(talk), typedAt: asked.typedAt });
    return { show: screens.unknown(talk.language), place: { at: 'asked', code: held } };
  }
}

/** A repeat of the yes that finds the card credited since it was typed is told of the credit, not of the repeat. */
function creditedTurn(language: Language, redemption: Redemption, typedAt: string): Turn {
  const { values, balance, reference, redeemedAt: at } = redemption;
  if (redemption.status === 'already_credited' && at < typedAt) {
    return { show: screens.already(language, { balance, at: new Date(at) }), place: { at: 'ended' } };
  }
  const credit = { values: values.map(({ unit, amount }) => ({ unit, amount })), balance, reference, at };
  return { show: screens.credited(language, credit), place: { at: 'ended' }, credit };
}

/** A definite no, in short words. Undefined for what leaves the outcome open: then nothing is claimed. */
function refusedTurn(deps: TalkDeps, language: Language, refusal: Refusal): Turn | undefined {
  if (refusal.code === 'voucher.refused') return { show: screens.refused(language), place: { at: 'refused' } };
  const show = finalNo(deps, language, refusal);
  return show && { show, place: { at: 'ended' } };
}

/** A definite no that ends the matter, as a screen; undefined for any other. */
export function finalNo(
  deps: Pick<TalkDeps, 'catalogue'>,
  language: Language,
  { code, details }: Refusal,
): Screen | undefined {
  switch (code) {
    case 'voucher.wrong_operator':
      return wrongOperator(deps, language, String(details.operator ?? ''));
    case 'voucher.guess_barred': {
      const until = endOfBar(details);
      return until ? screens.barred(language, { until }) : screens.barredByStaff(language);
    }
    case 'voucher.daily_limit':
      return screens.dailyLimit(language, { max: String(details.max ?? limits.redemptionsPerDayMax) });
    case 'subscriber.closed':
      return screens.closed(language);
    case 'system.busy':
      return screens.busy(language);
    default:
      return undefined;
  }
}

function wrongOperator({ catalogue }: Pick<TalkDeps, 'catalogue'>, language: Language, name: string): Screen {
  const operator = catalogue.parseOperator(name);
  const code = (catalogue.dialCode(operator, 'redeem') ?? catalogue.dialCode(operator, 'menu'))?.code;
  return screens.wrongOperator(language, {
    operator: catalogue.operator(operator).names[language],
    code: code === undefined ? undefined : withWord(code, language),
  });
}
