import * as m from '../../../messages/compiled/messages.js';
import {
  fitsUssd,
  formatDay,
  formatMoneyPhone,
  formatQuantityPhone,
  formatShort,
  type Language,
  languageNames,
  languages,
  type Quantity,
} from '../../i18n/index.ts';
import type { Bucket, Movement } from '../../parties/index.ts';
import type { UssdLimits } from './gateway.ts';

/**
 * What is to be said, before it meets a limit: versions from the fullest to the shortest. The first that fits is shown; where none
 * does, the last one is paged. A menu waits for an answer; a final screen ends the dialogue.
 */
export type Screen = { readonly kind: 'menu' | 'final'; readonly versions: readonly string[] };

/** One screen as the gateway carries it, and the pages that follow when the person asks for more. */
export type Shown = { readonly text: string; readonly end: boolean; readonly rest: readonly string[] };

/** What a redemption came to, as screens tell it; kept so that a redial can tell it again. */
export type Credit = {
  readonly values: readonly Quantity[];
  readonly balance: string;
  readonly reference: string;
  readonly at: string;
};

export const moreKey = '0';

export function show(screen: Screen, limits: UssdLimits, language: Language): Shown {
  const limit = limits[screen.kind];
  const whole = screen.versions.find((text) => fitsUssd(text, limit));
  const shortest = screen.versions.at(-1) ?? '';
  // Menus fit (gateway.ts): paging one would make its own keys ambiguous.
  if (whole !== undefined || screen.kind === 'menu')
    return { text: whole ?? shortest, end: screen.kind === 'final', rest: [] };
  const [text = '', ...rest] = paginate(shortest, limits, m.ussd_next({}, { locale: language }));
  return { text, end: false, rest };
}

/** Pages that fit: all but the last carry the key for more, the last one ends. Breaks at lines, else at words, else anywhere. */
function paginate(text: string, limits: UssdLimits, next: string): string[] {
  const pages: string[] = [];
  let rest = text;
  while (!fitsUssd(rest, limits.final)) {
    const fits = (length: number): boolean => fitsUssd(`${rest.slice(0, length).trimEnd()}\n${next}`, limits.menu);
    const cut = breakBefore(rest, '\n', fits) ?? breakBefore(rest, ' ', fits) ?? longest(rest, fits);
    pages.push(`${rest.slice(0, cut).trimEnd()}\n${next}`);
    rest = rest.slice(cut).trimStart();
  }
  return [...pages, rest];
}

function breakBefore(text: string, mark: string, fits: (length: number) => boolean): number | undefined {
  for (let at = text.lastIndexOf(mark); at > 0; at = text.lastIndexOf(mark, at - 1)) if (fits(at)) return at;
  return undefined;
}

function longest(text: string, fits: (length: number) => boolean): number {
  let length = text.length;
  while (length > 1 && !fits(length)) length -= 1;
  return length;
}

const menu = (...versions: string[]): Screen => ({ kind: 'menu', versions });
const final = (...versions: string[]): Screen => ({ kind: 'final', versions });

/** Under their own names, in every language the same. */
const languageList = languages.map((language, index) => `${index + 1} ${languageNames[language]}`).join('\n');

/** Every screen there is. A test walks this table in every language, at every limit. */
export const screens = {
  main: (locale: Language) => menu(m.ussd_main({}, { locale })),
  mainAgain: (locale: Language) => menu(m.ussd_main_again({}, { locale })),
  more: (locale: Language) => menu(m.ussd_more({}, { locale })),
  language: (_: Language) => menu(languageList),
  code: (locale: Language) => menu(m.ussd_code({}, { locale })),
  codeLength: (locale: Language) => menu(m.ussd_code_length({}, { locale })),
  cancelled: (locale: Language) => menu(m.ussd_cancelled({}, { locale })),
  confirm: (locale: Language, { tail }: { tail: string }) => menu(m.ussd_confirm({ tail }, { locale })),
  resume: (locale: Language, { tail }: { tail: string }) => menu(m.ussd_resume({ tail }, { locale })),
  refused: (locale: Language) => menu(m.ussd_refused({}, { locale })),
  credited: creditedScreen,
  already: (locale: Language, { balance, at }: { balance: string; at: Date }) =>
    final(m.ussd_already({ time: formatShort(at, locale), balance: formatMoneyPhone(balance, locale) }, { locale })),
  told: toldScreen,
  unknown: (locale: Language) => final(m.ussd_unknown({}, { locale })),
  busy: (locale: Language) => final(m.ussd_busy({}, { locale })),
  unavailable: (locale: Language) => final(m.ussd_unavailable({}, { locale })),
  barred: (locale: Language, { until }: { until: Date }) =>
    final(m.ussd_barred({ time: formatShort(until, locale) }, { locale })),
  barredByStaff: (locale: Language) => final(m.ussd_barred_staff({}, { locale })),
  dailyLimit: (locale: Language, { max }: { max: string }) => final(m.ussd_daily_limit({ max }, { locale })),
  closed: (locale: Language) => final(m.ussd_closed({}, { locale })),
  wrongOperator: (locale: Language, { operator, code }: { operator: string; code: string | undefined }) =>
    final(
      code === undefined
        ? m.ussd_wrong_operator_no_code({ operator }, { locale })
        : m.ussd_wrong_operator({ operator, code }, { locale }),
    ),
  notServed: (locale: Language) => final(m.ussd_not_served({}, { locale })),
  balance: balanceScreen,
  noBalance: (locale: Language) => final(m.ussd_balance_none({ balance: formatMoneyPhone('0', locale) }, { locale })),
  movements: (locale: Language, { movements }: { movements: readonly Movement[] }) =>
    final(
      movements.map((movement) => movementLine(movement, locale)).join('\n') || m.ussd_movements_none({}, { locale }),
    ),
  help: helpScreen,
} as const;

function creditedScreen(locale: Language, { values, balance, reference }: Omit<Credit, 'at'>): Screen {
  const amounts = values.map((value) => formatQuantityPhone(value, locale));
  const ending = [
    m.ussd_balance({ balance: formatMoneyPhone(balance, locale) }, { locale }),
    m.ussd_reference({ reference }, { locale }),
  ];
  const full = m.ussd_credited(
    { amount: amounts.join(', '), balance: formatMoneyPhone(balance, locale), reference },
    { locale },
  );
  return final(
    full,
    [`+${amounts.join(' +')}`, ...ending].join('\n'),
    [...amounts.map((amount) => `+${amount}`), ...ending].join('\n'),
  );
}

/** The news of a credit whose own last screen may have been lost, above the question for the next card. */
function toldScreen(locale: Language, { values, reference }: Pick<Credit, 'values' | 'reference'>): Screen {
  const amount = values.map((value) => formatQuantityPhone(value, locale)).join(', ');
  return menu(m.ussd_told({ amount }, { locale }), m.ussd_told_reference({ reference }, { locale }));
}

/** Money first, one bucket a line, each with its end where it has one. */
function balanceScreen(locale: Language, { buckets }: { buckets: readonly Bucket[] }): Screen {
  const isMoney = (bucket: Bucket): boolean => bucket.unit === 'KZT' && bucket.expiresAt === null;
  const lines = [...buckets]
    .sort((a, b) => Number(isMoney(b)) - Number(isMoney(a)))
    .map((bucket) => {
      const amount = formatQuantityPhone(bucket, locale);
      if (isMoney(bucket)) return m.ussd_balance({ balance: amount }, { locale });
      if (bucket.expiresAt === null) return amount;
      return m.ussd_until({ amount, date: formatDay(new Date(bucket.expiresAt), locale) }, { locale });
    });
  return final(lines.join('\n'));
}

function movementLine(movement: Movement, locale: Language): string {
  const amount = formatQuantityPhone(movement, locale);
  const change = movement.amount.startsWith('-') ? amount : `+${amount}`;
  return `${formatShort(new Date(movement.at), locale)} ${change} ${kindOf(movement.kind, locale)}`;
}

function kindOf(kind: string, locale: Language): string {
  switch (kind) {
    case 'voucher':
      return m.ussd_movement_voucher({}, { locale });
    case 'topup':
    case 'agent_topup':
      return m.ussd_movement_topup({}, { locale });
    case 'credit_expiry':
      return m.ussd_movement_expiry({}, { locale });
    default:
      return m.ussd_movement_other({}, { locale });
  }
}

/** Whom to call, what to keep, how it is done: in the order in which somebody in trouble needs it. */
function helpScreen(locale: Language, { hotline, code }: { hotline: string | undefined; code: string }): Screen {
  const lines = [m.ussd_help_card({}, { locale }), m.ussd_help_redeem({ code }, { locale })];
  if (hotline !== undefined) lines.unshift(m.ussd_help_hotline({ number: hotline }, { locale }));
  return final(lines.join('\n'));
}
