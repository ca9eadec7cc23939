import { type Bank, startBank } from '../../simulators/bank/bank.ts';
import { type Mailbox, startMailbox } from '../../simulators/mailbox/mailbox.ts';
import { type Operators, startOperators } from '../../simulators/operators/operators.ts';
import { type PaypalSimulator, startPaypal } from '../../simulators/paypal/index.ts';
import { type StripeSimulator, startStripe } from '../../simulators/stripe/index.ts';
import { steppedClock } from '../../src/base/clock.ts';
import type { Alarm } from '../../src/topups/index.ts';
import { freePort } from './kills.ts';
import { openTestPlatform, serveOnSocket, type TestPlatform, type TestServer } from './platform.ts';
import { Shopper } from './shopper.ts';

/**
 * The platform at its HTTP door with Stripe, PayPal and operators on sockets of their own. Its clock stands still until it is moved, and its workers
 * work when they are told to: what is looked at is what there is, not what there is by now.
 */
export type Shop = {
  readonly platform: TestPlatform;
  readonly url: string;
  readonly shopper: Shopper;
  readonly stripe: StripeSimulator;
  readonly paypal: PaypalSimulator;
  readonly operators: Operators;
  readonly bank: Bank;
  readonly mailbox: Mailbox;
  readonly alarms: Alarm[];
  readonly stripeSecret: string;
  /** Moves our clock and those of the providers, who behave well from then on unless they are asked not to. */
  advance(ms: number, manners?: Readonly<Record<string, unknown>>): Promise<void>;
  /** Until nobody has anything to say or to do. */
  settle(): Promise<void>;
  control(party: 'stripe' | 'paypal' | 'operators', path: string, body?: unknown): Promise<Json>;
  close(): Promise<void>;
};

// biome-ignore lint/suspicious/noExplicitAny: an answer is read as a stranger's program would, without our types
type Json = any;

const SITE_KEY = 'service-key-of-the-site-for-this-test';
const STRIPE_SECRET = 'whsec_of_this_test';
const ROUNDS_MAX = 50;

export async function openShop(): Promise<Shop> {
  const port = await freePort();
  const callbacks = `http://127.0.0.1:${port}/callbacks`;
  const key = 'sk_test_of_this_test';
  const client = { clientId: 'client', clientSecret: 'secret-of-this-client' };
  const [stripe, paypal, operators, bank, mailbox] = await Promise.all([
    startStripe({ key, webhooks: [{ url: `${callbacks}/stripe`, secrets: [STRIPE_SECRET] }], retriesMs: [] }),
    startPaypal({ ...client, webhook: { url: `${callbacks}/paypal`, id: 'WEBHOOK1' }, retriesMs: [] }),
    startOperators({ pace: 0.001, dtone: { key: 'key', secret: 'secret-of-this-key' } }),
    startBank(),
    startMailbox(),
  ]);
  const clock = steppedClock(new Date());
  const alarms: Alarm[] = [];
  const platform = await openTestPlatform({
    clock,
    onAlarm: (alarm) => alarms.push(alarm),
    env: {
      STRIPE_SECRET_KEY: key,
      STRIPE_WEBHOOK_SECRET: STRIPE_SECRET,
      STRIPE_API_URL: stripe.url,
      PAYPAL_CLIENT_ID: client.clientId,
      PAYPAL_CLIENT_SECRET: client.clientSecret,
      PAYPAL_WEBHOOK_ID: 'WEBHOOK1',
      PAYPAL_API_URL: paypal.url,
      PAYPAL_CERT_ORIGIN: paypal.url,
      OSMP_URL: operators.osmpUrl,
      DTONE_URL: operators.dtoneUrl,
      DTONE_KEY: 'key',
      DTONE_SECRET: 'secret-of-this-key',
      DTONE_PRODUCTS: 'tele2=6006',
      SAPAR_ROUTES: 'beeline=osmp,tele2=dtone',
      SAPAR_RATES_URL: bank.feedUrl,
      SMTP_URL: `smtp://127.0.0.1:${mailbox.smtpPort}`,
      SMTP_FROM: 'Sapar <no-reply@sapar.example>',
      SAPAR_SITE_URL: 'https://topup.example',
    },
  });
  await platform.rates.refresh();
  const server: TestServer = await serveOnSocket(platform, port, { siteKey: SITE_KEY });
  const urls = { stripe: stripe.url, paypal: paypal.url, operators: operators.url };
  const control: Shop['control'] = async (party, path, body) => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(`${urls[party]}/_control${path}`, init);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${party} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  };
  return {
    platform,
    url: server.url,
    shopper: new Shopper(() => server.url, SITE_KEY),
    stripe,
    paypal,
    operators,
    bank,
    mailbox,
    alarms,
    stripeSecret: STRIPE_SECRET,
    control,
    async advance(ms, manners = {}) {
      clock.advance(ms);
      await control('stripe', '', { ...manners, advanceMs: ms });
      await control('paypal', '', { ...manners, advanceMs: ms });
    },
    async settle() {
      for (let round = 0; round < ROUNDS_MAX; round += 1) {
        await Promise.all([stripe.quiet(), paypal.quiet(), operators.quiet()]);
        if ((await platform.orders.workOnce()) === 0) return;
      }
      throw new Error('there is always something to do');
    },
    async close() {
      await server.close();
      await platform.close();
      await Promise.all([stripe, paypal, operators, bank, mailbox].map((one) => one.close()));
    },
  };
}
