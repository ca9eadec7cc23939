import { randomBytes } from 'node:crypto';
import { FEED_PATH, startBank } from '../../simulators/bank/bank.ts';
import { startOperators } from '../../simulators/operators/operators.ts';
import { startPaypal } from '../../simulators/paypal/index.ts';
import { startSandbox } from '../../simulators/sandbox/index.ts';
import { startStripe } from '../../simulators/stripe/index.ts';
import { operatorPace } from './patience.ts';

// The parties outside, in a process of their own that nobody kills: what they remember is the truth the platform is measured by.

const [platform] = process.argv.slice(2);
const secret = (): string => randomBytes(24).toString('hex');
/** Short, as everything here; the last notifications are given up, as they are by the real ones. */
const retriesMs = [300, 700, 1_500, 3_000];

const stripeKey = `sk_test_${secret()}`;
const stripeSecret = `whsec_${secret()}`;
const paypal = { clientId: 'chaos', clientSecret: secret(), webhookId: 'WH-CHAOS' };
const sandboxSecret = `whsec_${randomBytes(24).toString('base64')}`;
const osmp = { user: 'sapar', password: secret() };
const dtone = { key: 'sapar', secret: secret() };

const servers = {
  stripe: await startStripe({
    key: stripeKey,
    webhooks: [{ url: `${platform}/callbacks/stripe`, secrets: [stripeSecret] }],
    retriesMs,
  }),
  paypal: await startPaypal({
    ...paypal,
    webhook: { url: `${platform}/callbacks/paypal`, id: paypal.webhookId },
    retriesMs,
  }),
  sandbox: await startSandbox({ secret: sandboxSecret, webhookUrl: `${platform}/callbacks/sandbox`, retriesMs }),
  operators: await startOperators({ pace: operatorPace, osmp, dtone }),
  bank: await startBank(),
};

/** As the platform is told them. */
const settings = {
  STRIPE_SECRET_KEY: stripeKey,
  STRIPE_WEBHOOK_SECRET: stripeSecret,
  STRIPE_API_URL: servers.stripe.url,
  PAYPAL_CLIENT_ID: paypal.clientId,
  PAYPAL_CLIENT_SECRET: paypal.clientSecret,
  PAYPAL_WEBHOOK_ID: paypal.webhookId,
  PAYPAL_API_URL: servers.paypal.url,
  PAYPAL_CERT_ORIGIN: servers.paypal.url,
  SANDBOX_URL: servers.sandbox.url,
  SANDBOX_SECRET: sandboxSecret,
  OSMP_URL: servers.operators.osmpUrl,
  OSMP_USER: osmp.user,
  OSMP_PASSWORD: osmp.password,
  DTONE_URL: servers.operators.dtoneUrl,
  DTONE_KEY: dtone.key,
  DTONE_SECRET: dtone.secret,
  DTONE_PRODUCTS: 'tele2=6006',
  DTONE_CALLBACK_URL: `${platform}/callbacks/dtone`,
  SAPAR_ROUTES: 'beeline=osmp,tele2=dtone',
  SAPAR_RATES_URL: `${servers.bank.url}${FEED_PATH}`,
};
export type Settings = typeof settings;

process.send?.({ settings, operatorsUrl: servers.operators.url });
// Ends with whoever started it.
process.on('disconnect', () => process.exit(0));
