import { m } from '../../../messages/compiled/messages.js';
import { limits } from '../limits.ts';
import { isUsed, markSpent, noteCard, showCards } from './cards.server.ts';
import { dialWith, readDialled } from './dialled.ts';
import { sendStep } from './gateway.server.ts';
import { movementsSince, readLedger, showLedger } from './ledger.server.ts';
import { formatNumber, type NumberRead, readNumber } from './number.ts';
import type { Desk } from './phones.server.ts';
import {
  type Call,
  codeProblems,
  numberProblems,
  repeatNotice,
  showCall,
  showExchange,
  showScreen,
} from './show.server.ts';
import type { PhoneView } from './view.ts';

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

async function take(desk: Desk, call: Call): Promise<PhoneView> {
  const { phone, visitor } = desk;
  const { session, msisdn, text } = call;
  const before = await readLedger(msisdn, visitor);
  const exchange = await sendStep({ gateway: phone.gateway, serviceCode: phone.menuCode, session, msisdn, text });
  const after = await readLedger(msisdn, visitor);
  const fresh = movementsSince(before, after);
  const inputs = text.split('*');
  noteCard(msisdn, inputs);
  const isAnswered = exchange.reply.kind !== 'silent' && exchange.reply.status === 200;
  const isCredited = fresh?.some((movement) => movement.kind === 'voucher') === true;
  if (isCredited || (isAnswered && isUsed(inputs))) markSpent(msisdn);
  const { language } = visitor;
  return {
    number: formatNumber(msisdn),
    code: call.code,
    call: showCall(call, exchange, language),
    problems: [],
    notice: call.repeated && repeatNotice({ call, exchange, before, after }, language),
    exchange: showExchange(exchange, language),
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
  const shown = showScreen(call, call.reply ?? '', language);
  return { ...phone, call: { ...shown, answer: input }, problems: [{ field: 'answer', text }] };
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
