import { limits } from '../../base/limits.ts';
import { parseAmount } from '../../base/money.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Secret } from '../../base/secret.ts';
import { isLanguage, type Language } from '../../i18n/index.ts';
import { parsePin } from '../../vouchers/index.ts';

/** What somebody wants who writes to us. */
export type SmsCommand =
  | { readonly kind: 'balance' | 'bad_pin' | 'stop' | 'start' | 'help' | 'unknown' }
  | { readonly kind: 'pin'; readonly pin: Secret }
  | { readonly kind: 'topup'; readonly amountMinor: bigint | undefined }
  | { readonly kind: 'language'; readonly wanted: Language | undefined };

/** `language` is that of the word which was used, where one language alone has it. */
export type ReadCommand = { readonly command: SmsCommand; readonly language: Language | undefined };

type Verb = Exclude<SmsCommand['kind'], 'bad_pin' | 'unknown'>;

/** Words in capitals. English ones are used by everybody and say nothing of the language. */
const table: Readonly<Record<Verb, Readonly<Partial<Record<Language, string>>>>> = {
  balance: { en: 'BAL BALANCE', ru: 'БАЛ БАЛАНС', kk: 'ТЕҢГЕРІМ ТЕНГЕРИМ', zh: '余额 查余额 查询余额' },
  pin: { en: 'PIN CODE CARD', ru: 'ПИН КОД КАРТА', zh: '密码 充值卡' },
  topup: { en: 'TOPUP TOP PAY', ru: 'ПОПОЛНИТЬ ПОПОЛНЕНИЕ', kk: 'ТОЛТЫРУ', zh: '充值' },
  stop: { en: 'STOP UNSUBSCRIBE', ru: 'СТОП', kk: 'ТОҚТА ТОКТА', zh: '停止 退订' },
  start: { en: 'START', ru: 'СТАРТ', kk: 'БАСТА', zh: '开始 订阅' },
  language: { en: 'LANG LANGUAGE', ru: 'ЯЗЫК', kk: 'ТІЛ ТИЛ', zh: '语言' },
  help: { en: 'HELP INFO', ru: 'ПОМОЩЬ ИНФО', kk: 'КӨМЕК КОМЕК', zh: '帮助' },
};

type Word = { readonly verb: Verb; readonly language: Language | undefined };

const words = new Map<string, Word>(
  (Object.keys(table) as Verb[]).flatMap((verb) =>
    Object.entries(table[verb]).flatMap(([language, list]) =>
      list
        .split(' ')
        .map((word): [string, Word] => [
          word,
          { verb, language: isLanguage(language) && language !== 'en' ? language : undefined },
        ]),
    ),
  ),
);

/** Names of languages as people write them. */
const languageWords = new Map<string, Language>([
  ...(['EN', 'ENG', 'ENGLISH', 'АНГЛ', '英语', '英文'] as const).map((word): [string, Language] => [word, 'en']),
  ...(['RU', 'RUS', 'РУ', 'РУС', 'РУССКИЙ', 'ОРЫС', '俄语'] as const).map((word): [string, Language] => [word, 'ru']),
  ...(['KK', 'KZ', 'KAZ', 'КЗ', 'КАЗ', 'ҚАЗ', 'КАЗАХСКИЙ', 'ҚАЗАҚША', '哈萨克语'] as const).map(
    (word): [string, Language] => [word, 'kk'],
  ),
  ...(['ZH', 'CN', '中文', '汉语', 'КИТ'] as const).map((word): [string, Language] => [word, 'zh']),
]);

/** A word, and what stands behind it, with or without a space: `PIN 1234…`, `код:1234…`, `充值1000`. */
const SHAPE = /^\s*(\p{L}+)[\s:;.,=#+*-]*(.*?)\s*$/su;

/** Reads a message as people write them: in any case, with full-width letters and digits, with a card's code alone. */
export function readCommand(text: string): ReadCommand {
  const unknown: ReadCommand = { command: { kind: 'unknown' }, language: undefined };
  if (text.length > limits.smsInputLengthMax) return unknown;
  const plain = text.normalize('NFKC');
  const alone = pinOf(plain);
  if (alone) return { command: { kind: 'pin', pin: alone }, language: undefined };
  const [, word = '', rest = ''] = SHAPE.exec(plain) ?? [];
  const known = words.get(word.toUpperCase());
  return known ? { command: commandOf(known.verb, rest), language: known.language } : unknown;
}

function commandOf(verb: Verb, rest: string): SmsCommand {
  switch (verb) {
    case 'pin': {
      const pin = pinOf(rest);
      return pin ? { kind: 'pin', pin } : { kind: 'bad_pin' };
    }
    case 'topup':
      return { kind: 'topup', amountMinor: amountOf(rest) };
    case 'language':
      return { kind: 'language', wanted: languageWords.get(rest.toUpperCase()) };
    default:
      return { kind: verb };
  }
}

function pinOf(text: string): Secret | undefined {
  return orNothing(() => parsePin(text));
}

/** `TOP UP 1000` names an amount as well; what cannot be read names none. */
function amountOf(rest: string): bigint | undefined {
  const digits = rest.replace(/^UP\b/i, '').replace(/[\s₸]|KZT|ТГ|ТЕНГЕ/giu, '');
  return digits === '' ? undefined : orNothing(() => parseAmount(digits, 'KZT'));
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}
