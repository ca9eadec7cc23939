import { createHmac, randomBytes } from 'node:crypto';
import { createFaults } from '../wire/faults.ts';
import { openJournal } from '../wire/journal.ts';
import { startServer } from '../wire/server.ts';
import { type Message, WebhookSender } from '../wire/webhooks.ts';
import { Account } from './account.ts';
import { apiRoutes } from './api.ts';
import { controlRoutes } from './control.ts';
import { WireError } from './errors.ts';
import type { StripeEvent } from './objects.ts';
import { pageRoutes } from './page.ts';

export type StripeSimulatorSettings = {
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  /** Path of a JSONL file: what was told survives a restart. */
  readonly journal?: string | undefined;
  /** The secret key it accepts; any `sk_test_…` where nothing is said. */
  readonly key?: string | undefined;
  /** Where events go, signed with each of the secrets (two while one is being exchanged). More can be added through the API. */
  readonly webhooks?: readonly { readonly url: string; readonly secrets: readonly string[] }[];
  /** Under which a browser reaches its pages, where that is another address. */
  readonly publicUrl?: string | undefined;
  readonly retriesMs?: readonly number[];
};

export type StripeSimulator = {
  readonly url: string;
  /** When no event waits for its first try. */
  quiet(): Promise<void>;
  close(): Promise<void>;
};

const TICK_MS = 250;

/** A Stripe of one account on a socket: the API, the hosted page, the webhooks and a control address. No money moves. */
export async function startStripe(settings: StripeSimulatorSettings = {}): Promise<StripeSimulator> {
  const journal = openJournal(settings.journal);
  const webhooks = settings.webhooks ?? [];
  const endpoints = (type: string): string[] => [
    ...webhooks.map(({ url }) => url),
    ...account.endpoints
      .values()
      .filter(({ enabled_events }) => enabled_events.includes('*') || enabled_events.includes(type))
      .map(({ url }) => url),
  ];
  const account = new Account(journal, (event) => {
    for (const to of endpoints(event.type)) sender.send({ id: event.id, to, body: bodyOf(event) });
  });
  const secretsOf = (url: string): readonly string[] =>
    webhooks.find((endpoint) => endpoint.url === url)?.secrets ??
    account.endpoints
      .values()
      .filter((endpoint) => endpoint.url === url)
      .map(({ secret }) => secret);
  const sender = new WebhookSender({
    shelf: journal.shelf('webhook'),
    sign: (message, { at, forged }) =>
      sign(message, at, forged ? [randomBytes(16).toString('hex')] : secretsOf(message.to)),
    ...(settings.retriesMs && { retriesMs: settings.retriesMs }),
  });
  const faults = createFaults((status) => new WireError(status, 'An error happened in the simulator.').answer);
  let origin = settings.publicUrl ?? '';
  const server = await startServer({
    port: settings.port,
    host: settings.host,
    faults,
    routes: {
      ...apiRoutes({ account, journal, key: settings.key, pageOf: (id) => `${origin}/c/pay/${id}` }),
      ...pageRoutes(account),
      ...controlRoutes(account, sender, faults),
    },
    missing: ({ method, path }) => new WireError(404, `Unrecognized request URL (${method}: ${path}).`, {}).answer,
  });
  if (origin === '') origin = server.url;
  const ticking = setInterval(() => account.tick(), TICK_MS);
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

/** Indented, as Stripe sends it: whoever checks the signature of something they parsed and wrote again will notice. */
function bodyOf(event: StripeEvent): string {
  return JSON.stringify(event, null, 2);
}

function sign({ body }: Message, at: Date, secrets: readonly string[]): Record<string, string> {
  const t = Math.floor(at.getTime() / 1_000);
  const signatures = secrets.map((secret) => `v1=${createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')}`);
  // In test mode there is one of a scheme that proves nothing, too.
  const other = `v0=${randomBytes(32).toString('hex')}`;
  return { 'stripe-signature': [`t=${t}`, ...signatures, other].join(','), 'user-agent': 'Stripe/1.0 (simulator)' };
}
