import { createFaults, type Fault, readFaults } from '../wire/faults.ts';
import { openJournal } from '../wire/journal.ts';
import { type Answer, type Call, ControlError, json, jsonOf, type Server, startServer } from '../wire/server.ts';
import { type Misbehaviour, misbehaviours, type Owed, readMisbehaviour, WebhookSender } from '../wire/webhooks.ts';
import { Book, type Credit, type Transaction } from './book.ts';
import { type DtoneSettings, dtoneRoutes } from './dtone.ts';
import { transactionView } from './dtone_view.ts';
import { type OsmpSettings, osmpRoutes } from './osmp.ts';
import { type ReloadlySettings, reloadlyRoutes, Tokens } from './reloadly.ts';

export type OperatorsSettings = {
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  /** JSON lines: what was asked for and credited outlives a restart. */
  readonly journal?: string | undefined;
  /** Stretches the waits of the suffix table: 0.01 for a test in a hurry. */
  readonly pace?: number;
  readonly osmp?: OsmpSettings;
  readonly dtone?: DtoneSettings;
  readonly reloadly?: Partial<ReloadlySettings>;
};

/** What can be asked for at the control address; what is not named stays as it is. */
export type OperatorsControl = {
  readonly faults?: readonly Fault[];
  /** So many ends are still told as "under way", although the number was credited. */
  readonly hesitate?: number;
  /** Whether the float still pays for anything. */
  readonly funds?: boolean;
  /** How callbacks misbehave. */
  readonly callbacks?: Misbehaviour;
  /** Every token issued so far is worthless. */
  readonly revokeTokens?: boolean;
};

export type Operators = Server & {
  /** As the product is configured with them. */
  readonly osmpUrl: string;
  readonly dtoneUrl: string;
  readonly reloadlyUrl: string;
  readonly reloadlyAuthUrl: string;
  set(control: OperatorsControl): void;
  credits(): Credit[];
  /** When every callback that is owed was tried once. */
  quiet(): Promise<void>;
};

/** A callback about a transaction that ends at once comes after the answer that it was accepted, as it does in life. */
const CALLBACK_MS = 250;

/**
 * Operators elsewhere, one program on three wires: an OSMP provider at `/osmp`, DT One at `/dtone/v1`, Reloadly at `/reloadly` and `/reloadly-auth`. One book
 * of credited numbers; the last three digits of a number say how its top-up ends (endings.ts). `POST /_control` sets `OperatorsControl`;
 * `GET /_control/credits` lists what was credited, `GET /_control/transactions` everything that was asked for.
 */
export async function startOperators(settings: OperatorsSettings = {}): Promise<Operators> {
  const journal = openJournal(settings.journal);
  const callbacks = new WebhookSender({ shelf: journal.shelf<Owed>('owed'), sign: () => ({}) });
  callbacks.misbehave({ delayMs: CALLBACK_MS });
  const book = new Book({ journal, pace: settings.pace ?? 1, onEnd: (ended) => callBack(callbacks, ended) });
  const tokens = new Tokens();
  const faults = createFaults(failure);
  const set: Operators['set'] = (control) => {
    if (control.faults !== undefined) faults.set(control.faults);
    if (control.hesitate !== undefined) book.hesitations = control.hesitate;
    if (control.funds !== undefined) book.hasFunds = control.funds;
    if (control.callbacks !== undefined) callbacks.misbehave({ delayMs: CALLBACK_MS, ...control.callbacks });
    if (control.revokeTokens) tokens.revokeAll();
  };
  const state = () => ({
    faults: faults.list(),
    hesitate: book.hesitations,
    funds: book.hasFunds,
    callbacks: callbacks.misbehaviour,
    attempts: callbacks.attempts,
  });
  const server = await startServer({
    port: settings.port,
    host: settings.host,
    faults,
    routes: {
      ...osmpRoutes(book, settings.osmp ?? {}),
      ...dtoneRoutes(book, settings.dtone ?? { key: 'simulator', secret: 'simulator' }),
      ...reloadlyRoutes(
        book,
        { clientId: 'simulator', clientSecret: 'simulator', tokenSeconds: 3_600, ...settings.reloadly },
        tokens,
      ),
      'GET /': () => front,
      'GET /_control': () => json(200, state()),
      'POST /_control': (call) => {
        set(readControl(call));
        return json(200, state());
      },
      'GET /_control/credits': () => json(200, { credits: book.credits() }),
      'GET /_control/transactions': () => json(200, { transactions: book.all() }),
    },
  });
  return {
    ...server,
    osmpUrl: `${server.url}/osmp`,
    dtoneUrl: `${server.url}/dtone/v1`,
    reloadlyUrl: `${server.url}/reloadly`,
    reloadlyAuthUrl: `${server.url}/reloadly-auth`,
    set,
    credits: () => book.credits(),
    quiet: () => callbacks.quiet(),
    close: async () => {
      book.close();
      callbacks.close();
      await server.close();
    },
  };
}

/** In the words of both JSON wires at once; OSMP knows no failure but a status. */
function failure(status: number): Answer {
  return json(status, {
    errors: [{ code: 1009001, message: 'Simulated failure' }],
    errorCode: 'PROVIDER_INTERNAL_ERROR',
    message: 'Simulated failure',
  });
}

/** DT One posts the whole transaction, unsigned. */
function callBack(callbacks: WebhookSender, ended: Transaction): void {
  if (ended.callbackUrl === undefined) return;
  callbacks.send({ id: String(ended.id), to: ended.callbackUrl, body: JSON.stringify(transactionView(ended)) });
}

function readControl({ body }: Call): OperatorsControl {
  const { faults, hesitate, funds, callbacks, revokeTokens, ...rest } = jsonOf(body);
  if (Object.keys(rest).length > 0) throw new ControlError(`nothing is called ${Object.keys(rest).join(', ')}`);
  if (hesitate !== undefined && typeof hesitate !== 'number') throw new ControlError('hesitate is a number');
  if (funds !== undefined && typeof funds !== 'boolean') throw new ControlError('funds is true or false');
  return {
    ...(faults !== undefined && { faults: readFaults(faults) }),
    ...(hesitate !== undefined && { hesitate }),
    ...(funds !== undefined && { funds }),
    ...(callbacks !== undefined && { callbacks: readCallbacks(callbacks) }),
    ...(revokeTokens === true && { revokeTokens }),
  };
}

function readCallbacks(value: unknown): Misbehaviour {
  if (typeof value !== 'object' || value === null) throw new ControlError('callbacks is an object');
  const unknown = Object.keys(value).filter((name) => !misbehaviours.includes(name));
  if (unknown.length > 0) throw new ControlError(`callbacks have no ${unknown.join(', ')}`);
  return readMisbehaviour({ ...value });
}

const front = {
  status: 200,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: '<!doctype html><html lang="en"><meta charset="utf-8"><title>Simulated operators</title><p>These are simulated operators. No phone is credited and no money moves.</html>',
};
