import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { request as requestTls } from 'node:https';

// A payment network as an agent's program is: it asks whether a payment would be taken, takes the payer's money, and then asks for the payment until
// it is told what became of it.

/** What one answer says. */
export type Told = {
  readonly result: number;
  readonly prvTxn: string | undefined;
  readonly comment: string;
  /** For the payer's screen. */
  readonly fields: readonly string[];
};

/** One of the check/pay protocols, from the network's side. */
export type Wire = {
  readonly methods: readonly ('GET' | 'POST')[];
  readonly txnIdDigits: number;
  /** Results after which the network asks again. */
  readonly again: ReadonlySet<number>;
  /** Undefined where it is no answer. */
  read(body: string, type: string): Told | undefined;
};

export type NetworkSettings = {
  readonly wire: Wire;
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** A register of what was paid is added to this file. */
  readonly register?: string | undefined;
  readonly say: (line: string) => void;
};

/** How it misbehaves, and how long it asks. */
export type Manners = {
  /** It hangs up on so many answers of each payment before it listens. */
  readonly hangUps: number;
  /** So many of the same at once. */
  readonly copies: number;
  /** Whether it asks before it takes the money. */
  readonly checks: boolean;
  readonly patienceMs: number;
};

export const goodManners: Manners = { hangUps: 0, copies: 1, checks: true, patienceMs: 60_000 };

export type Payment = { readonly txnId: string; readonly account: string; readonly sum: string };
export type Paid = Payment & { readonly told: Told | undefined; readonly asked: number };

const PAUSE_MS = 200;
const PAUSE_MS_MAX = 5_000;
const ANSWER_MS = 60_000;
const DEAF_MS = 10;
const ZONE_MS = 5 * 3_600_000;

export type Network = ReturnType<typeof createNetwork>;

export function createNetwork(settings: NetworkSettings) {
  const { wire, say } = settings;
  let last = 0n;

  /** Never one twice: the time to the millisecond, or the next. */
  const newTxnId = (): string => {
    const now = BigInt(Date.now());
    last = now > last ? now : last + 1n;
    return String(last).slice(-wire.txnIdDigits);
  };

  async function check(payment: Payment): Promise<Told | undefined> {
    const told = await ask(settings, { command: 'check', ...namesOf(payment) });
    say(`check ${payment.account} ${payment.sum}: ${toldText(told)}`);
    for (const field of told?.fields ?? []) say(`  ${field}`);
    return told;
  }

  /** Asks until it is told for good, or has lost patience: then the payment is open, and a person looks at it. */
  async function pay(payment: Payment, manners: Manners): Promise<Paid> {
    const until = performance.now() + manners.patienceMs;
    const parameters = { command: 'pay', txn_date: stampOf(new Date()), ...namesOf(payment) };
    let pause = PAUSE_MS;
    for (let asked = 1; ; asked += 1) {
      const isDeaf = asked <= manners.hangUps;
      const said = await Promise.all(Array.from({ length: manners.copies }, () => ask(settings, parameters, isDeaf)));
      const told = oneOf(said);
      say(
        `pay ${payment.txnId} ${payment.account} ${payment.sum}: ${isDeaf ? 'hung up before the answer' : toldText(told)}`,
      );
      const isFinal = told !== undefined && !wire.again.has(told.result);
      if (isFinal) keep(settings, { ...payment, date: parameters.txn_date, told });
      if (isFinal || performance.now() > until) return { ...payment, told: isFinal ? told : undefined, asked };
      await new Promise((resolve) => setTimeout(resolve, pause));
      pause = Math.min(pause * 2, PAUSE_MS_MAX);
    }
  }

  return {
    /** What somebody at the machine does: types a number, is shown whose it is, puts money in. */
    async serve(wanted: { account: string; sum: string; txnId?: string }, manners: Manners): Promise<Paid> {
      const payment = { account: wanted.account, sum: wanted.sum, txnId: wanted.txnId ?? newTxnId() };
      if (manners.checks) {
        const told = await check(payment);
        if (told?.result !== 0) return { ...payment, told, asked: 0 };
      }
      return pay(payment, manners);
    },
  };
}

function namesOf({ txnId, account, sum }: Payment): { txn_id: string; account: string; sum: string } {
  return { txn_id: txnId, account, sum };
}

/** Of copies that were asked for at once: what they all say, or that they contradict each other. */
function oneOf(said: readonly (Told | undefined)[]): Told | undefined {
  const texts = new Set(said.flatMap((told) => (told === undefined ? [] : [JSON.stringify(told)])));
  if (texts.size > 1) throw new Error(`the same payment was told differently: ${[...texts].join(' and ')}`);
  return said.find((told) => told !== undefined);
}

function toldText(told: Told | undefined): string {
  if (told === undefined) return 'no answer';
  const name = told.prvTxn === undefined ? '' : `, their number ${told.prvTxn}`;
  return `${told.result}${name}${told.comment === '' ? '' : ` (${told.comment})`}`;
}

const HEAD = 'txn_id;txn_date;account;sum;prv_txn;status\n';

/** The register of the day, in the layout that is agreed on most. */
function keep({ register }: NetworkSettings, paid: Payment & { date: string; told: Told }): void {
  if (register === undefined) return;
  if (!existsSync(register)) writeFileSync(register, HEAD);
  const { txnId, date, account, sum, told } = paid;
  appendFileSync(register, `${[txnId, date, account, sum, told.prvTxn ?? '', told.result].join(';')}\n`);
}

/** `20261124153000`, by the clock of Astana. */
function stampOf(at: Date): string {
  return new Date(at.getTime() + ZONE_MS).toISOString().replaceAll(/[-:T]/g, '').slice(0, 14);
}

/** One request over a line of its own. Undefined where there was no answer, or one that is none. */
function ask(settings: NetworkSettings, parameters: Record<string, string>, isDeaf = false): Promise<Told | undefined> {
  const { wire, url, method, user, password } = settings;
  const target = new URL(url);
  const form = new URLSearchParams(parameters).toString();
  if (method === 'GET') target.search = form;
  const headers: Record<string, string> = {};
  if (user !== undefined)
    headers.authorization = `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`;
  if (method === 'POST') headers['content-type'] = 'application/x-www-form-urlencoded';
  const send = target.protocol === 'https:' ? requestTls : request;
  return new Promise((resolve) => {
    const nothing = (): void => resolve(undefined);
    const sent = send(target, { method, headers, timeout: ANSWER_MS }, (answer) => {
      if (isDeaf) return nothing();
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', nothing);
      answer.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        if (answer.statusCode !== 200) settings.say(`  http ${answer.statusCode}`);
        resolve(answer.statusCode === 200 ? wire.read(body, answer.headers['content-type'] ?? '') : undefined);
      });
    });
    sent.on('error', nothing).on('timeout', () => sent.destroy());
    // The other side has it in full, and does what it does.
    if (isDeaf) sent.on('finish', () => setTimeout(() => sent.destroy(), DEAF_MS));
    sent.end(method === 'POST' ? form : undefined);
  });
}
