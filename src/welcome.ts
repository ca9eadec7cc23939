import type { Config } from './config.ts';
import { type Demo, ussdUrls } from './demo.ts';

/** What is printed once the platform is ready. */
type Ready = {
  readonly url: string;
  readonly demo: Demo | undefined;
  readonly platform: { readonly config: Pick<Config, 'env'> };
};

const SHOWN_EACH = 3;

/** One line for scripts. */
export function welcomeJson({ url, demo }: Ready): object {
  if (!demo) return { ready: true, url };
  const vouchers = demo.vouchers.map(({ operator, pin, amount, currency }) => ({ operator, pin, amount, currency }));
  return { ready: true, url, ussd: ussdUrls(demo, url), vouchers, partner: demo.partner };
}

/** Where to go and what to try. */
export function welcomeText({ url, demo, platform }: Ready): string {
  const lines = [
    '',
    `Sapar is ready: ${url}`,
    `  API description   ${url}/openapi.json`,
    `  health            ${url}/health`,
    '',
  ];
  if (!demo) {
    lines.push('Next: npm run -s sapar -- partners create NAME --as YOU', '');
    return lines.join('\n');
  }
  const urls = ussdUrls(demo, url);
  const cards = Object.keys(urls).map((operator) => {
    const byAmount = new Map(
      demo.vouchers.filter((card) => card.operator === operator).map((card) => [card.amount, card]),
    );
    const shown = [...byAmount.values()]
      .slice(0, SHOWN_EACH)
      .map((card) => `${grouped(card.pin)} (${card.amount} ${card.currency})`);
    return `  ${operator.padEnd(8)} ${shown.join('   ')}`;
  });
  const [operator] = Object.keys(urls);
  // Neither a card shown above nor one that the phone in the browser offers first: each is good when its turn comes.
  const tried = demo.vouchers.findLast((card) => card.operator === operator);
  lines.push(
    `Top up online:          ${url}/en/topup   (中文: /zh/topup · Русский: /ru/topup · Қазақша: /kk/topup)`,
    '  paid with simulated cards or PayPal; 77051234802 is refused by its operator, 77071234900 is never answered',
    ...mailboxLine(platform.config.env.SAPAR_MAILBOX_URL),
    `A phone in the browser: ${url}/en/phone`,
    ...phoneLine(platform.config.env.SAPAR_PHONES_URL),
    '',
    'Demo cards to redeem (dial the code, type the PIN, answer 1):',
    ...cards,
    '',
    "USSD gateway addresses (Africa's Talking form):",
    ...Object.entries(urls).map(([operator, address]) => `  ${operator.padEnd(8)} ${address}`),
    '',
    'A kiosk and a bank pay into a number, over OSMP and Kaspi:',
    ...demo.agents.map(agentLine(url)),
    '',
    `Demo partner ${demo.partner.id}, API key: ${demo.partner.key}`,
    '',
    'Try:',
    `  curl ${urls[operator ?? ''] ?? url} -d sessionId=try1 -d 'serviceCode=*111#' -d phoneNumber=+77011234567 -d text=${tried?.pin ?? ''}`,
    `  curl ${url}/v1/topups -H 'Authorization: Bearer ${demo.partner.key}' -H 'Idempotency-Key: try-1' -H 'Content-Type: application/json' -d '{"msisdn":"77011234567","amount":"1000.00","currency":"KZT"}'`,
    '',
    'Ctrl-C stops it. kill -9 loses nothing.',
    '',
  );
  return lines.join('\n');
}

/** Behind the simulated SMS centre, which speaks SMPP to the platform. */
function phoneLine(url: string | undefined): string[] {
  return url === undefined ? [] : [`One on an operator's network: npm run -s sapar -- simulate phone --at ${url}`];
}

/** Told by the simulated letter box alone. */
function mailboxLine(url: string | undefined): string[] {
  return url === undefined ? [] : [`  letters to payers arrive at ${url}`];
}

const simulators = { osmp: 'kiosk', kaspi: 'kaspi' } as const;

function agentLine(url: string) {
  return ({ name, protocol }: Demo['agents'][number]): string =>
    `  npm run -s sapar -- simulate ${simulators[protocol]} 7011234567 500 --url ${url}/${protocol}/${name}`;
}

function grouped(pin: string): string {
  return pin.replace(/(\d{4})(?=\d)/g, '$1 ');
}
