import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FEED_PATH, startBank } from './bank/bank.ts';
import { startMailbox } from './mailbox/mailbox.ts';
import { startOperators } from './operators/operators.ts';
import { startPaypal } from './paypal/index.ts';
import { startSandbox } from './sandbox/index.ts';
import { startSmsc } from './smsc/smsc.ts';
import { startStripe } from './stripe/index.ts';

// node simulators/main.ts --dir DIR --platform http://127.0.0.1:8080
//
// Payment providers, operators, a central bank and a letter box as programs of their own, on loopback sockets: no money moves. Prints one JSON line, the
// settings under which a platform reaches them, and ends when its standard input does. What they were told outlives a restart.

const { values } = parseArgs({ options: { dir: { type: 'string' }, platform: { type: 'string' } } });
const { dir, platform } = values;
if (dir === undefined || platform === undefined) throw new Error('--dir DIR and --platform URL are needed');
mkdirSync(dir, { recursive: true, mode: 0o700 });

/** What a first start has drawn is kept: addresses of pages stay good, signatures too. */
type Kept = { readonly secrets: Record<string, string>; readonly ports: Record<string, number> };
const file = join(dir, 'kept.json');
const kept: Kept = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { secrets: {}, ports: {} };

function secret(name: string): string {
  kept.secrets[name] ??= randomBytes(24).toString('hex');
  return kept.secrets[name];
}

type Started = { readonly url: string; close(): Promise<void> };

/** On the port of before, or on any where somebody else has taken that one meanwhile. */
async function start<S extends Started>(
  name: string,
  open: (place: { port: number; journal: string }) => Promise<S>,
): Promise<S> {
  const journal = join(dir ?? '', `${name}.jsonl`);
  const server = await open({ port: kept.ports[name] ?? 0, journal }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return open({ port: 0, journal });
    throw error;
  });
  kept.ports[name] = Number(new URL(server.url).port);
  return server;
}

const SMPP_PASSWORD_MAX = 8;

/** The platform's end of the SMS centre, as an operator of the platform would write it. */
function gatewaysText(): string {
  return `smpp:
  - id: kcell-demo
    operator: kcell
    host: 127.0.0.1
    port: ${smsc.port}
    systemId: sapar
    password: ${JSON.stringify(secret('smsc').slice(0, SMPP_PASSWORD_MAX))}
    systemType: USSD
    use: [ussd, sms]
    codes: ['*111#']
    sender: '111'
`;
}

const stripeSecret = `whsec_${secret('stripe webhook')}`;
const paypalWebhook = `WH-${secret('paypal webhook').slice(0, 17).toUpperCase()}`;
const [stripe, paypal, sandbox, operators, bank, mailbox, smsc] = await Promise.all([
  start('stripe', (place) =>
    startStripe({
      ...place,
      key: `sk_test_${secret('stripe')}`,
      webhooks: [{ url: `${platform}/callbacks/stripe`, secrets: [stripeSecret] }],
    }),
  ),
  start('paypal', (place) =>
    startPaypal({
      ...place,
      clientId: 'simulated-client',
      clientSecret: secret('paypal'),
      webhook: { url: `${platform}/callbacks/paypal`, id: paypalWebhook },
    }),
  ),
  start('sandbox', (place) =>
    startSandbox({ ...place, secret: secret('sandbox'), webhookUrl: `${platform}/callbacks/sandbox` }),
  ),
  start('operators', (place) =>
    startOperators({
      ...place,
      osmp: { user: 'sapar', password: secret('osmp') },
      dtone: { key: 'simulated', secret: secret('dtone') },
    }),
  ),
  start('bank', (place) => startBank(place)),
  start('mailbox', (place) => startMailbox({ ...place, smtpPort: place.port === 0 ? 0 : (kept.ports.smtp ?? 0) })),
  start('smsc', ({ port, journal }) =>
    startSmsc({
      ...{ controlPort: port, port: port === 0 ? 0 : kept.ports.smpp, journal },
      ...{ systemId: 'sapar', password: secret('smsc').slice(0, SMPP_PASSWORD_MAX), code: '111' },
    }),
  ),
]);
kept.ports.smpp = smsc.port;
const gateways = join(dir, 'gateways.yaml');
writeFileSync(gateways, gatewaysText(), { mode: 0o600 });

const settings = {
  STRIPE_SECRET_KEY: `sk_test_${secret('stripe')}`,
  STRIPE_WEBHOOK_SECRET: stripeSecret,
  STRIPE_API_URL: stripe.url,
  PAYPAL_CLIENT_ID: 'simulated-client',
  PAYPAL_CLIENT_SECRET: secret('paypal'),
  PAYPAL_WEBHOOK_ID: paypalWebhook,
  PAYPAL_API_URL: paypal.url,
  PAYPAL_CERT_ORIGIN: paypal.url,
  SANDBOX_URL: sandbox.url,
  SANDBOX_SECRET: secret('sandbox'),
  OSMP_URL: `${operators.url}/osmp`,
  OSMP_USER: 'sapar',
  OSMP_PASSWORD: secret('osmp'),
  DTONE_URL: `${operators.url}/dtone/v1`,
  DTONE_KEY: 'simulated',
  DTONE_SECRET: secret('dtone'),
  DTONE_PRODUCTS: 'tele2=6006',
  DTONE_CALLBACK_URL: `${platform}/callbacks/dtone`,
  SAPAR_ROUTES: 'beeline=osmp,tele2=dtone',
  SAPAR_GATEWAYS: gateways,
  SAPAR_PHONES_URL: smsc.url,
  SAPAR_RATES_URL: `${bank.url}${FEED_PATH}`,
  SMTP_URL: `smtp://127.0.0.1:${mailbox.smtpPort}`,
  SMTP_FROM: 'Sapar <no-reply@sapar.example>',
  SAPAR_SITE_URL: platform,
  SAPAR_MAILBOX_URL: mailbox.url,
};
kept.ports.smtp = mailbox.smtpPort;
writeFileSync(`${file}.draft`, JSON.stringify(kept), { mode: 0o600 });
renameSync(`${file}.draft`, file);
process.stdout.write(`${JSON.stringify({ settings })}\n`);

const stop = (): void => {
  Promise.all([stripe, paypal, sandbox, operators, bank, mailbox, smsc].map((one) => one.close())).then(
    () => process.exit(0),
    () => process.exit(1),
  );
};
process.stdin.once('end', stop).once('error', stop).resume();
process.once('SIGTERM', stop);
// The terminal's Ctrl-C is for the platform, which ends us when it has drained.
process.on('SIGINT', () => undefined);
