import * as m from '../../../messages/compiled/messages.js';
import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { Msisdn } from '../../base/msisdn.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Secret } from '../../base/secret.ts';
import type { Catalogue, OperatorId } from '../../catalogue/index.ts';
import { formatMoneyPhone, formatQuantityPhone, type Language } from '../../i18n/index.ts';
import type { TextMessages } from '../../notices/index.ts';
import type { Subscribers } from '../../parties/index.ts';
import type { Orders, Redemption, Topups } from '../../topups/index.ts';
import { dialText } from '../ussd/dialling.ts';
import { finalNo } from '../ussd/redeeming.ts';
import { screens } from '../ussd/screens.ts';
import { readCommand, type SmsCommand } from './command.ts';

/** One operator's SMS centre as people see it. */
export type SmsGateway = {
  readonly id: string;
  readonly operator: OperatorId;
  /** For numbers that have not chosen one. */
  readonly language: Language;
  /** What is dialled here instead of writing, `*111#`; the country pack's own where none is named. */
  readonly dialCode?: string | undefined;
};

export type SmsInput = { readonly gateway: SmsGateway; readonly from: Msisdn; readonly text: string };

export type SmsEngineDeps = {
  readonly topups: Pick<Topups, 'redeem'>;
  readonly subscribers: Pick<Subscribers, 'read' | 'balances' | 'setLanguage'>;
  readonly catalogue: Pick<Catalogue, 'parseOperator' | 'operator' | 'dialCode' | 'hotline'>;
  readonly messages: Pick<TextMessages, 'answer' | 'mayHint' | 'stop' | 'start'>;
  readonly clock: Clock;
  /** Where somebody can pay for a number; undefined where nobody can. */
  readonly links: { readonly siteUrl: string; readonly link: Orders['link'] } | undefined;
  readonly onCommand?: (operator: string, kind: SmsCommand['kind']) => void;
};

export type SmsEngine = {
  /**
   * Does what a message asks for, and owes the answer. Throws where that is not known to be done: the SMS centre then brings the message again,
   * which changes nothing twice, because a card credits a number once and a credit is told once.
   */
  take(input: SmsInput): Promise<void>;
};

/** Who has written, and in which language they are answered. */
type Writer = SmsInput & { readonly language: Language };

type Said = { readonly text: string; readonly event?: Redemption['id'] };

export function createSmsEngine(deps: SmsEngineDeps): SmsEngine {
  return {
    async take(input) {
      const { command, language } = readCommand(input.text);
      deps.onCommand?.(input.gateway.operator, command.kind);
      const known = await deps.subscribers.read(input.from);
      const writer: Writer = { ...input, language: known?.language ?? language ?? input.gateway.language };
      const said = await obey(deps, writer, command);
      if (said) await deps.messages.answer({ to: input.from, operator: input.gateway.operator, ...said });
    },
  };
}

async function obey(deps: SmsEngineDeps, writer: Writer, command: SmsCommand): Promise<Said | undefined> {
  const { from, language: locale } = writer;
  const by = { actor: 'subscriber' };
  switch (command.kind) {
    case 'pin':
      return redeem(deps, writer, command.pin);
    case 'bad_pin':
      return { text: m.sms_code_length({}, { locale }) };
    case 'balance':
      return { text: await balance(deps, writer) };
    case 'topup':
      return { text: await waysToTopUp(deps, writer, command.amountMinor) };
    case 'stop':
      await deps.messages.stop(from, by);
      return { text: m.sms_stopped({}, { locale }) };
    case 'start':
      await deps.messages.start(from, by);
      return { text: m.sms_started({}, { locale }) };
    case 'language':
      if (!command.wanted) return { text: m.sms_language_which({}, { locale }) };
      await deps.subscribers.setLanguage(from, command.wanted);
      return { text: m.sms_language({}, { locale: command.wanted }) };
    case 'help':
      return { text: help(deps, writer) };
    case 'unknown':
      return (await deps.messages.mayHint(from)) ? { text: m.sms_not_understood({}, { locale }) } : undefined;
  }
}

/** The same guess ladder as on USSD: a card's code is tried by the number that writes, for itself. */
async function redeem(deps: SmsEngineDeps, { from, gateway, language }: Writer, pin: Secret): Promise<Said> {
  try {
    const redemption = await deps.topups.redeem({
      pin,
      target: from,
      caller: from,
      channel: 'sms',
      gateway: gateway.operator,
      operator: gateway.operator,
      apiKey: undefined,
    });
    return credited(redemption, { language, now: deps.clock.now() });
  } catch (error) {
    const text = error instanceof Refusal ? refusedText(deps, language, error) : undefined;
    if (text === undefined) throw error;
    return { text };
  }
}

/** A card credited a moment ago was credited by this message, which the SMS centre has brought twice: told once. */
function credited(redemption: Redemption, { language: locale, now }: { language: Language; now: Date }): Said {
  const { id, values, reference, redeemedAt, status } = redemption;
  const balance = formatMoneyPhone(redemption.balance, locale);
  const isOld = now.getTime() - Date.parse(redeemedAt) > limits.smsRepeatMs;
  if (status === 'already_credited' && isOld)
    return { text: versionOf(screens.already(locale, { balance: redemption.balance, at: new Date(redeemedAt) })) };
  const amount = values.map((value) => formatQuantityPhone(value, locale)).join(', ');
  return { text: m.voucher_credited({ amount, balance, reference }, { locale }), event: id };
}

function refusedText(deps: SmsEngineDeps, locale: Language, refusal: Refusal): string | undefined {
  switch (refusal.code) {
    case 'voucher.refused':
      return m.sms_refused({}, { locale });
    case 'system.busy':
      return m.sms_busy({}, { locale });
    default: {
      const screen = finalNo(deps, locale, refusal);
      return screen && versionOf(screen);
    }
  }
}

/** The fullest: a message has more room than a screen. */
function versionOf({ versions }: { readonly versions: readonly string[] }): string {
  return versions[0] ?? '';
}

async function balance({ subscribers }: SmsEngineDeps, { from, language }: Writer): Promise<string> {
  const known = await subscribers.read(from);
  if (!known) return versionOf(screens.noBalance(language));
  return versionOf(screens.balance(language, { buckets: await subscribers.balances(from) }));
}

async function waysToTopUp(deps: SmsEngineDeps, writer: Writer, amountMinor: bigint | undefined): Promise<string> {
  const { gateway, language: locale } = writer;
  // Both do not fit two messages: whoever can pay online is told that.
  const link = await linkFor(deps, writer, amountMinor);
  if (link !== undefined) return m.sms_topup_link({ link }, { locale });
  const known = deps.catalogue.dialCode(gateway.operator, 'redeem')?.code;
  const code = dialText({ serviceCode: gateway.dialCode ?? '', language: locale }, known);
  return code === '' ? m.sms_topup_card({}, { locale }) : m.sms_topup({ code }, { locale });
}

/** A link of the number's own, with the amount where one can be sold. */
async function linkFor(
  { links }: SmsEngineDeps,
  { from, gateway }: Writer,
  amountMinor: bigint | undefined,
): Promise<string | undefined> {
  if (!links) return undefined;
  const recipient = { msisdn: from, operator: gateway.operator };
  try {
    const { id } = await links.link({ recipient, faceMinor: amountMinor });
    return `${links.siteUrl}/request/${id}`;
  } catch (error) {
    if (!(error instanceof Refusal) || amountMinor === undefined) throw error;
    const { id } = await links.link({ recipient, faceMinor: undefined });
    return `${links.siteUrl}/request/${id}`;
  }
}

function help({ catalogue }: SmsEngineDeps, { gateway, language: locale }: Writer): string {
  const hotline = catalogue.hotline(gateway.operator)?.number;
  const lines = [m.sms_help({}, { locale })];
  if (hotline !== undefined) lines.push(m.sms_help_hotline({ number: hotline }, { locale }));
  return lines.join('\n');
}
