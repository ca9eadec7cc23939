import { m } from '../../../messages/compiled/messages.js';
import type { Language } from '../language.ts';
import { limits } from '../limits.ts';
import { markSpent, showCards } from './cards.server.ts';
import { dialWith, readDialled } from './dialled.ts';
import { type Exchange, sendStep } from './gateway.server.ts';
import { type Ledger, movementsSince, readLedger, showLedger } from './ledger.server.ts';
import { formatNumber, type NumberRead, readNumber } from './number.ts';
import type { Desk } from './phones.server.ts';
import { readScreen } from './screen.ts';
import type { CallView, ExchangeView, PhoneView, Problem } from './view.ts';

/** The phone before anything is dialled, with the ledger's view of the number it starts with. */
export async function idlePhone(desk: Desk): Promise<PhoneView> {
  return lying(desk, { number: desk.phone.number, code: desk.phone.menuCode });
}

/** Dials what is in the form, or a card's code in one go when its button was pressed. Each call is a new session. */
export async function dial(desk: Desk, form: FormData): Promise<PhoneView> {
  const { menuCode } = desk.phone;
  const card = field(form, 'card');
  const number = field(form, 'number');
  const code = card === '' ? field(form, 'code') : dialWith(menuCode, card);
  const read = numberOf(number);
  const dialled =
    code.length > limits.dialledLengthMax ? ({ kind: 'unreadable' } as const) : readDialled(code, menuCode);
  if (read.kind !== 'mobile' || dialled.kind !== 'reaches') {
    const problems = [...numberProblems(read, desk), ...codeProblems(dialled.kind, desk)];
    return { ...(await lying(desk, { number, code })), problems };
  }
  const session = `demo-${crypto.randomUUID()}`;
  return take(desk, { session, msisdn: read.msisdn, text: dialled.text, code: card === '' ? code : menuCode });
}

/** Sends one more input. The whole path travels with it, so the input is appended to what was sent before. */
export async function answer(desk: Desk, form: FormData): Promise<PhoneView> {
  const call = callIn(form);
  if (!call) return idlePhone(desk);
  const card = field(form, 'card');
  const input = card === '' ? field(form, 'answer') : card;
  const text = call.text === '' ? input : `${call.text}*${input}`;
  const fits = input !== '' && input.length <= limits.answerLengthMax && text.length <= limits.pathLengthMax;
  if (!fits) return still(desk, call, input);
  return take(desk, { ...call, text });
}

/** Sends the last step again, byte for byte, as networks do when a reply is lost; says whether anything moved. */
export async function repeat(desk: Desk, form: FormData): Promise<PhoneView> {
  const call = callIn(form);
  return call ? take(desk, { ...call, repeated: true }) : idlePhone(desk);
}

/** Hangs up as a lost signal does: the platform hears nothing, and the dialogue can be taken up again by redialling. */
export async function hangUp(desk: Desk, form: FormData): Promise<PhoneView> {
  const call = callIn(form);
  if (!call) return idlePhone(desk);
  const phone = await lying(desk, { number: formatNumber(call.msisdn), code: call.code });
  return { ...phone, notice: m.phone_notice_hung_up({}, { locale: desk.visitor.language }) };
}

/** A call as the page's hidden fields carry it. */
type Call = {
  readonly session: string;
  readonly msisdn: string;
  readonly text: string;
  readonly code: string;
  readonly reply?: string;
  readonly repeated?: true;
};

async function take(desk: Desk, call: Call): Promise<PhoneView> {
  const { phone, visitor } = desk;
  const { session, msisdn, text } = call;
  const before = await readLedger(msisdn, visitor);
  const exchange = await sendStep({ gateway: phone.gateway, serviceCode: phone.menuCode, session, msisdn, text });
  const after = await readLedger(msisdn, visitor);
  const fresh = movementsSince(before, after);
  if (fresh?.some((movement) => movement.kind === 'voucher')) markSpent(text.split('*'));
  const { language } = visitor;
  return {
    number: formatNumber(msisdn),
    code: call.code,
    call: callView(call, exchange, language),
    problems: [],
    notice: call.repeated && repeatNotice({ call, exchange, before, after }, language),
    exchange: exchangeView(exchange, language),
    ledger: showLedger(after, language, fresh),
    cards: showCards(phone.operator, language),
  };
}

/** The phone with no call. The ledger shows the number typed, or the phone's own while that cannot be read. */
async function lying(desk: Desk, typed: { number: string; code: string }): Promise<PhoneView> {
  const { phone, visitor } = desk;
  const read = [typed.number, phone.number].map(numberOf).find((one) => one.kind === 'mobile');
  const ledger = await readLedger(read?.msisdn ?? '', visitor);
  return {
    number: typed.number,
    code: typed.code,
    call: undefined,
    problems: [],
    notice: undefined,
    exchange: undefined,
    ledger: showLedger(ledger, visitor.language),
    cards: showCards(phone.operator, visitor.language),
  };
}

/** The screen as it was, with a word about the input that cannot be sent. Nothing goes over the wire. */
async function still(desk: Desk, call: Call, input: string): Promise<PhoneView> {
  const { language } = desk.visitor;
  const locale = { locale: language };
  const text = input === '' ? m.phone_problem_answer_empty({}, locale) : m.phone_problem_answer_long({}, locale);
  const phone = await lying(desk, { number: formatNumber(call.msisdn), code: call.code });
  const shown = callShown(call, call.reply ?? '', language);
  return { ...phone, call: { ...shown, answer: input }, problems: [{ field: 'answer', text }] };
}

function callView(call: Call, { reply }: Exchange, language: Language): CallView {
  const locale = { locale: language };
  if (reply.kind === 'silent') {
    return { ...callShown(call, '', language), trouble: m.phone_trouble_silent({}, locale) };
  }
  const body = reply.status === 200 ? reply.body : '';
  const shown = callShown(call, body, language);
  return shown.screen
    ? shown
    : { ...shown, trouble: m.phone_trouble_unreadable({ status: String(reply.status) }, locale) };
}

function callShown({ session, text }: Call, reply: string, language: Language): CallView {
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

function sizeOf({ length, lengthMax, alphabet }: { length: number; lengthMax: number; alphabet: string }) {
  return { length: String(length), max: String(lengthMax), alphabet };
}

type Repeat = { readonly call: Call; readonly exchange: Exchange; readonly before: Ledger; readonly after: Ledger };

function repeatNotice({ call, exchange, before, after }: Repeat, language: Language): string | undefined {
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

function exchangeView({ address, form, reply }: Exchange, language: Language): ExchangeView {
  const locale = { locale: language };
  const lines = form.replaceAll('&', '\n&').split('\n');
  if (reply.kind === 'silent')
    return { address, form: lines, status: m.phone_wire_silent({}, locale), reply: undefined };
  const status = m.phone_wire_status({ status: String(reply.status), ms: String(reply.tookMs) }, locale);
  return { address, form: lines, status, reply: reply.body };
}

function numberProblems(read: NumberRead, { visitor }: Desk): Problem[] {
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

function codeProblems(kind: 'reaches' | 'elsewhere' | 'unreadable', { phone, visitor }: Desk): Problem[] {
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

function field(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value.trim() : '';
}

function numberOf(typed: string): NumberRead {
  return typed.length > limits.numberLengthMax ? { kind: 'invalid' } : readNumber(typed);
}

/** The call in the hidden fields; undefined when somebody has written them by hand and wrongly. */
function callIn(form: FormData): Call | undefined {
  const read = numberOf(field(form, 'number'));
  const session = field(form, 'session');
  const text = field(form, 'text');
  // Forms travel with CRLF, whatever the field held.
  const reply = String(form.get('reply') ?? '').replaceAll('\r\n', '\n');
  const code = field(form, 'code');
  const sound =
    /^demo-[0-9a-f-]{36}$/.test(session) &&
    text.length <= limits.pathLengthMax &&
    reply.length <= limits.gatewayReplyLengthMax &&
    code.length <= limits.dialledLengthMax;
  return sound && read.kind === 'mobile' ? { session, msisdn: read.msisdn, text, code, reply } : undefined;
}
