import { m } from '../../../messages/compiled/messages.js';
import type { Language } from '../language.ts';
import type { Dialled } from './dialled.ts';
import type { Exchange } from './gateway.server.ts';
import { type Ledger, movementsSince } from './ledger.server.ts';
import type { NumberRead } from './number.ts';
import type { Desk } from './phones.server.ts';
import { readScreen, type Screen } from './screen.ts';
import type { CallView, ExchangeView, Problem } from './view.ts';

// What a step came to, in the words of the page.

/** A call as the page's hidden fields carry it. */
export type Call = {
  readonly session: string;
  readonly msisdn: string;
  readonly text: string;
  readonly code: string;
  readonly reply?: string;
  readonly repeated?: true;
};

/** The call after a step: its screen, or why there is none. */
export function showCall(call: Call, { reply }: Exchange, language: Language): CallView {
  const locale = { locale: language };
  if (reply.kind === 'silent') {
    return { ...showScreen(call, '', language), trouble: m.phone_trouble_silent({}, locale) };
  }
  const body = reply.status === 200 ? reply.body : '';
  const shown = showScreen(call, body, language);
  return shown.screen
    ? shown
    : { ...shown, trouble: m.phone_trouble_unreadable({ status: String(reply.status) }, locale) };
}

/** The call with a reply that is known already. */
export function showScreen({ session, text }: Call, reply: string, language: Language): CallView {
  const screen = readScreen(reply);
  const size = screen && m.phone_screen_size(sizeOf(screen), { locale: language });
  return {
    state: screen?.state ?? 'silent',
    session,
    text,
    reply,
    answer: '',
    screen: screen && size !== undefined ? { ...screen, size } : undefined,
    trouble: undefined,
  };
}

function sizeOf({ length, lengthMax, alphabet }: Screen) {
  return { length: String(length), max: String(lengthMax), alphabet };
}

type Repeat = { readonly call: Call; readonly exchange: Exchange; readonly before: Ledger; readonly after: Ledger };

/** What a repeated step changed. Undefined where there is nothing to say. */
export function repeatNotice({ call, exchange, before, after }: Repeat, language: Language): string | undefined {
  const locale = { locale: language };
  if (exchange.reply.kind === 'silent') return undefined;
  const fresh = movementsSince(before, after);
  if (!fresh) return m.phone_notice_repeat_unread({}, locale);
  // A first try that got no answer may well be carried out by the second: then something moves, once.
  if (fresh.length > 0) return m.phone_notice_repeat_moved({}, locale);
  if (call.reply === '') return undefined; // there was no reply to compare with
  const same = exchange.reply.body === call.reply;
  return same ? m.phone_notice_repeat_same({}, locale) : m.phone_notice_repeat_other({}, locale);
}

export function showExchange({ address, form, reply }: Exchange, language: Language): ExchangeView {
  const locale = { locale: language };
  const lines = form.replaceAll('&', '\n&').split('\n');
  if (reply.kind === 'silent')
    return { address, form: lines, status: m.phone_wire_silent({}, locale), reply: undefined };
  const status = m.phone_wire_status({ status: String(reply.status), ms: String(reply.tookMs) }, locale);
  return { address, form: lines, status, reply: reply.body };
}

export function numberProblems(read: NumberRead, { visitor }: Desk): Problem[] {
  const locale = { locale: visitor.language };
  switch (read.kind) {
    case 'mobile':
      return [];
    case 'invalid':
      return [{ field: 'number', text: m.refusal_msisdn_invalid({}, locale) }];
    case 'russian':
      return [{ field: 'number', text: m.refusal_msisdn_russian({}, locale) }];
    case 'foreign':
      return [{ field: 'number', text: m.refusal_msisdn_foreign({}, locale) }];
    case 'landline':
      return [{ field: 'number', text: m.refusal_msisdn_landline({}, locale) }];
  }
}

export function codeProblems(kind: Dialled['kind'], { phone, visitor }: Desk): Problem[] {
  const locale = { locale: visitor.language };
  const code = phone.menuCode;
  switch (kind) {
    case 'reaches':
      return [];
    case 'elsewhere':
      return [{ field: 'code', text: m.phone_problem_code_elsewhere({ operator: phone.name, code }, locale) }];
    case 'unreadable':
      return [{ field: 'code', text: m.phone_problem_code({ code }, locale) }];
  }
}
