import { formatAmount } from '../../base/money.ts';
import { type Msisdn, parseMsisdn } from '../../base/msisdn.ts';
import { orRefusal, Refusal } from '../../base/refusal.ts';
import type { AccountForm, AgentSettings } from '../../parties/index.ts';
import { type Parameters, readParameters } from './parameters.ts';

/** What an agent asks, in our words. What could not be read is undefined, and `refusal` says what is wrong first. */
export type Ask = {
  readonly command: 'check' | 'pay' | undefined;
  /** As it was sent; undefined where it is no name that could be answered to. */
  readonly txnId: string | undefined;
  readonly txnDate: Date | undefined;
  readonly account: Msisdn | { readonly unreadable: string };
  readonly amountMinor: bigint | undefined;
  readonly refusal: Refusal | undefined;
};

const names = new Set(['command', 'txn_id', 'txn_date', 'account', 'sum']);

/** Reads a query or a form of one of the check/pay protocols, by what was agreed on with this agent. Never throws. */
export function readAsk(text: string, txnIdDigitsMax: number, settings: AgentSettings): Ask {
  const parameters = readParameters(text, names);
  const command = commandOf(parameters.values.get('command'));
  const txnId = parameters.values.get('txn_id');
  const txnDate = momentOf(parameters.values.get('txn_date') ?? '', settings.zoneMinutes);
  const accountText = parameters.values.get('account') ?? '';
  const account = orRefusal(() => numberOf(accountText, settings.accountForms));
  const amountMinor = sumOf(parameters.values.get('sum') ?? '');
  const isNamed = txnId !== undefined && txnId.length <= txnIdDigitsMax && /^\d+$/.test(txnId);
  const malformed =
    defectOf(parameters, command) ??
    (isNamed ? undefined : 'txn_id') ??
    (command === 'pay' && txnDate === undefined ? 'txn_date' : undefined);
  return {
    command,
    txnId: isNamed ? txnId : undefined,
    txnDate,
    account: account instanceof Refusal ? { unreadable: accountText } : account,
    amountMinor,
    refusal:
      (malformed === undefined ? undefined : new Refusal('request.invalid', { field: malformed })) ??
      (account instanceof Refusal ? account : undefined) ??
      (command === 'check' && !settings.checkSum ? undefined : refusalOfSum(amountMinor, settings)),
  };
}

function commandOf(text: string | undefined): Ask['command'] {
  return text === 'check' || text === 'pay' ? text : undefined;
}

/** The sum of a check may be anything where it is a dummy, but even that is said once. */
function defectOf({ defects }: Parameters, command: Ask['command']): string | undefined {
  const [defect] = defects;
  return defect ?? (command === undefined ? 'command' : undefined);
}

const DIGITS = /^(\+?)(\d{10,11})$/;

/** Ten digits of a number in a form that was agreed on: another is a wrong format, also where we could read it. */
function numberOf(text: string, forms: readonly AccountForm[]): Msisdn {
  // A plus that nobody has encoded arrives as a space.
  const [, plus = '', digits = ''] = DIGITS.exec(text.replace(/^ /, '+')) ?? [];
  const form = formOf(plus, digits);
  if (form === undefined || !forms.includes(form)) throw new Refusal('account.format');
  return parseMsisdn(`7${digits.slice(-10)}`);
}

function formOf(plus: string, digits: string): AccountForm | undefined {
  if (digits.length === 10) return plus === '' ? 'national' : undefined;
  if (digits.startsWith('7')) return plus === '' ? 'seven' : 'plus';
  return digits.startsWith('8') && plus === '' ? 'eight' : undefined;
}

/** `10`, `10.4`, `10.45`; zeros after that say nothing new. */
function sumOf(text: string): bigint | undefined {
  const [, whole, fraction = ''] = /^(\d{1,12})(?:\.(\d{1,2})0{0,6})?$/.exec(text) ?? [];
  return whole === undefined ? undefined : BigInt(whole + fraction.padEnd(2, '0'));
}

function refusalOfSum(amountMinor: bigint | undefined, settings: AgentSettings): Refusal | undefined {
  if (amountMinor === undefined) return new Refusal('amount.invalid');
  if (amountMinor < settings.sumMinorMin) return new Refusal('amount.too_small', detailsOf(settings));
  return amountMinor > settings.sumMinorMax ? new Refusal('amount.too_large', detailsOf(settings)) : undefined;
}

/** What the words of a refusal may name: the same at every repeat, for as long as the settings are. */
export function detailsOf({ sumMinorMin, sumMinorMax }: AgentSettings): { min: string; max: string } {
  return { min: formatAmount(sumMinorMin, 'KZT'), max: formatAmount(sumMinorMax, 'KZT') };
}

const MINUTE_MS = 60_000;

/** `20261124153000`, by the agent's clock. */
function momentOf(text: string, zoneMinutes: number): Date | undefined {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text) ?? [];
  if (year === undefined) return undefined;
  const written = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const local = new Date(written);
  // The 30th of February is read as another day, and hour 24 as the next one.
  if (Number.isNaN(local.getTime()) || local.toISOString() !== written) return undefined;
  return new Date(local.getTime() - zoneMinutes * MINUTE_MS);
}
