import { createFaults } from '../wire/faults.ts';
import { openJournal, type Shelf } from '../wire/journal.ts';
import { type Answer, type Call, type Handler, type Routes, startServer } from '../wire/server.ts';
import { WebhookSender } from '../wire/webhooks.ts';
import { openAccount } from './account.ts';
import { type CertificateWishes, makeSigner, type Signer } from './certificate.ts';
import type { Paypal } from './context.ts';
import { controlRoutes } from './control.ts';
import { answerTo, failure, notFound, PaypalError } from './errors.ts';
import { eventOf, transmission } from './events.ts';
import { captureOrder, createOrder, getOrder, tick } from './orders.ts';
import { postPage, showPage } from './page.ts';
import { getCapture, getRefund, refundCapture } from './payments.ts';
import { createTokens, type Tokens } from './tokens.ts';

export type PaypalSimulatorSettings = {
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  /** Path of a JSONL file: what was told, and the key that signs, survive a restart. */
  readonly journal?: string | undefined;
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  /** Where webhooks go, and what PayPal calls that: it is part of what is signed. */
  readonly webhook?: { readonly url: string; readonly id: string } | undefined;
  /** Under which browsers and programs reach it, where that is another address. */
  readonly publicUrl?: string | undefined;
  readonly retriesMs?: readonly number[];
};

export type PaypalSimulator = {
  readonly url: string;
  /** When no webhook waits for its first try. */
  quiet(): Promise<void>;
  close(): Promise<void>;
};

const TICK_MS = 250;
const YEAR_MS = 365 * 24 * 60 * 60 * 1_000;
/** A client may take notifications that are days old, because PayPal repeats them so long. */
const STALE_MS = 4 * 24 * 60 * 60 * 1_000;

/** A PayPal of one account on a socket: the API, the page to approve, the webhooks and a control address. No money moves. */
export async function startPaypal(settings: PaypalSimulatorSettings = {}): Promise<PaypalSimulator> {
  const journal = openJournal(settings.journal);
  const keys = journal.shelf<Signer>('signer');
  const first = keys.values().at(-1) ?? (await addSigner(keys, {}));
  const signing = { current: first };
  const paypal: Paypal = {
    url: settings.publicUrl ?? '',
    account: openAccount(journal),
    requests: journal.shelf('request'),
    wishes: { wrongs: {}, lies: [] },
    tell(kind, resource) {
      if (settings.webhook === undefined) return;
      const event = eventOf(paypal.url, { kind, resource, lies: paypal.wishes.lies });
      sender.send({ ...event, to: settings.webhook.url });
    },
  };
  const certUrl = (): string => `${paypal.url}/v1/notifications/certs/${signing.current.id}`;
  const sender = new WebhookSender({
    shelf: journal.shelf('webhook'),
    sign: (message, { at, forged }) =>
      transmission(message, {
        signer: signing.current,
        webhookId: settings.webhook?.id ?? '',
        certUrl: paypal.wishes.certUrl ?? certUrl(),
        at,
        forged,
      }),
    staleMs: STALE_MS,
    ...(settings.retriesMs && { retriesMs: settings.retriesMs }),
  });
  const faults = createFaults(failure);
  const { clientId = 'simulated-client', clientSecret = 'simulated-secret' } = settings;
  const tokens = createTokens({ clientId, clientSecret }, journal.shelf('token'));
  const server = await startServer({
    port: settings.port,
    host: settings.host,
    faults,
    routes: {
      ...apiRoutes(paypal, tokens),
      'GET /v1/notifications/certs/:id': ({ params }) => certificate(keys, params.id),
      ...controlRoutes({
        paypal,
        sender,
        faults,
        tokens,
        async rotate(wishes) {
          signing.current = await addSigner(keys, wishes);
          return { certUrl: certUrl() };
        },
      }),
    },
    missing: () => answerTo(notFound()),
  });
  if (paypal.url === '') paypal.url = server.url;
  const ticking = setInterval(() => tick(paypal), TICK_MS);
  ticking.unref();
  return {
    url: server.url,
    quiet: () => sender.quiet(),
    async close() {
      clearInterval(ticking);
      sender.close();
      await server.close();
    },
  };
}

/** The name real certificates are issued to; by whom is said in the certificate itself. */
async function addSigner(keys: Shelf<Signer>, wishes: Partial<CertificateWishes>): Promise<Signer> {
  const signer = await makeSigner({
    commonName: 'messageverificationcerts.sandbox.paypal.com',
    notBefore: new Date(Date.now() - 24 * 60 * 60 * 1_000),
    notAfter: new Date(Date.now() + YEAR_MS),
    ...wishes,
  });
  keys.put(signer.id, signer);
  return signer;
}

function certificate(keys: Shelf<Signer>, id: string | undefined): Answer {
  const signer = keys.get(id ?? '');
  if (signer === undefined) return answerTo(notFound());
  return { status: 200, headers: { 'content-type': 'application/x-pem-file' }, body: signer.certificate };
}

function apiRoutes(paypal: Paypal, tokens: Tokens): Routes {
  /** With a token that counts, and errors in PayPal's form. */
  const api = (work: (paypal: Paypal, call: Call) => Answer): Handler => {
    return (call) => {
      try {
        tokens.check(call);
        return work(paypal, call);
      } catch (error) {
        if (error instanceof PaypalError) return answerTo(error);
        throw error;
      }
    };
  };
  return {
    'POST /v1/oauth2/token': (call) => tokens.grant(call),
    'POST /v2/checkout/orders': api(createOrder),
    'GET /v2/checkout/orders/:id': api(getOrder),
    'POST /v2/checkout/orders/:id/capture': api(captureOrder),
    'GET /v2/payments/captures/:id': api(getCapture),
    'POST /v2/payments/captures/:id/refund': api(refundCapture),
    'GET /v2/payments/refunds/:id': api(getRefund),
    'GET /checkoutnow': (call) => showPage(paypal, call),
    'POST /checkoutnow': (call) => postPage(paypal, call),
  };
}
