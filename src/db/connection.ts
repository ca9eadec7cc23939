import { Writable } from 'node:stream';
import pg from 'pg';
import { limits } from '../base/limits.ts';
import { Refusal } from '../base/refusal.ts';

/**
 * A statement has a name, so that PostgreSQL plans it once per connection. Many rows travel as arrays, never as many statements. `answerMs` is
 * for the few that may take longer than a connection is believed to be alive without an answer.
 */
export type Statement = { readonly name: string; readonly text: string; readonly answerMs?: number };

export type Row = Record<string, unknown>;

/** An open transaction. There is no ambient database: whoever writes has been handed a `tx`. */
export type Tx = {
  /** Runs and answers the rows. Several calls made without awaiting travel in one round trip, in order. */
  rows<R extends Row>(statement: Statement, values?: readonly unknown[]): Promise<R[]>;
  /** Runs without waiting; a failure surfaces when the transaction is committed. */
  send(statement: Statement, values?: readonly unknown[]): void;
};

export type Db = { readonly pool: pg.Pool; readonly url: string };

/** int8 is money and ids: it comes back as bigint, never as a rounded number. */
const INT8 = 20;
const types = new pg.TypeOverrides();
types.setTypeParser(INT8, (text: string) => BigInt(text));

/** Errors after which the same work, done again, may succeed: serialisation, deadlock, a racing unique key, a floor met by an optimistic batch. */
const CONTENTION = new Set(['40001', '40P01', '23505', '23514']);
/** Connection exceptions; the server shuts down, starts up, or has no connection left to give. */
const CONNECTION_CLASS = /^(08|57P0|53300)/;
const SOCKET = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT']);

const UNAVAILABLE = 'system.unavailable';
/** What the driver and its pool say without a code. */
const LOSS =
  /Connection terminated|connection error|Client was closed|timeout expired|timeout exceeded when trying to connect|not queryable|Query read timeout/i;

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

export function isContention(error: unknown): boolean {
  return CONTENTION.has(codeOf(error));
}

/** Lost or refused connection: whether the last COMMIT took effect is not known, so only idempotent work may be repeated. */
export function isConnectionLoss(error: unknown): boolean {
  const code = codeOf(error);
  if (CONNECTION_CLASS.test(code) || SOCKET.has(code) || code === UNAVAILABLE) return true;
  return error instanceof Error && LOSS.test(error.message);
}

/** A database that is away is one refusal, whichever way it was noticed. */
async function orUnavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isConnectionLoss(error) ? new Refusal(UNAVAILABLE) : error;
  }
}

/** Options every connection shares: fail instead of hanging, and say who we are in pg_stat_activity. */
export function clientConfig(url: string, name: string): pg.ClientConfig {
  return {
    connectionString: url,
    types,
    application_name: `sapar ${name}`,
    // The narrow role of migrations/0001: no UPDATE or DELETE on transfers and audit, whoever the URL signs in.
    options: '-c role=sapar_app',
    connectionTimeoutMillis: limits.connectTimeoutMs,
    statement_timeout: limits.statementTimeoutMs,
    keepAlive: true,
    // Statements are sent without waiting for the answers of those before, see Transaction.
    pipeline: true,
  };
}

export function openDb(url: string, max: number = limits.poolConnectionsMax): Db {
  const config = { ...clientConfig(url, 'pool'), query_timeout: limits.statementAnswerMs };
  const pool = new pg.Pool({ ...config, max, idleTimeoutMillis: 30_000 });
  // A connection that dies is replaced by the pool at the next use, and the use reports what matters: an idle one's error is the pool's, that of
  // one in use is its own, and nobody listening to either would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return { pool, url };
}

export async function closeDb(db: Db): Promise<void> {
  await db.pool.end();
}

/** A connection of one's own, sending statements without waiting for the answers of those before. */
export async function openSession(url: string, name: string): Promise<pg.Client> {
  const client = new pg.Client({ ...clientConfig(url, name), query_timeout: limits.answerTimeoutMs });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** The driver's socket; not part of its typed face, so its absence only costs speed. */
function socketOf(client: object): Writable | undefined {
  const stream: unknown = Reflect.get(Reflect.get(client, 'connection') ?? {}, 'stream');
  return stream instanceof Writable ? stream : undefined;
}

/** Begins at once and in the same round trip as the first statement. */
export class Transaction implements Tx {
  readonly #client: Pick<pg.ClientBase, 'query'>;
  readonly #sent: Promise<unknown>[] = [];

  constructor(client: Pick<pg.ClientBase, 'query'>) {
    this.#client = client;
    this.#travelTogether();
    this.#track(client.query('begin'));
  }

  rows<R extends Row>(statement: Statement, values: readonly unknown[] = []): Promise<R[]> {
    this.#travelTogether();
    const rows = this.#client.query<R>(queryOf(statement, values)).then((result) => result.rows);
    // Also told to the commit: the first statement that fails is the reason, those after it only say that it did.
    this.#track(rows);
    return rows;
  }

  send(statement: Statement, values: readonly unknown[] = []): void {
    this.#travelTogether();
    this.#track(this.#client.query(queryOf(statement, values)));
  }

  /** Throws the first failure of anything sent. PostgreSQL answers COMMIT of a failed transaction with ROLLBACK, which is a failure here. */
  async commit(): Promise<void> {
    this.#travelTogether();
    const committed = this.#client.query('commit');
    this.#track(committed);
    // In the order sent, so that the failure reported is the first one and not an echo of it.
    for (const sent of this.#sent) await sent;
    const { command } = await committed;
    if (command !== 'COMMIT') throw new Error(`transaction ended with ${command}`);
  }

  /** Answers the first failure of anything sent, undefined when there was none: what the work threw may be an echo of it. */
  async rollback(): Promise<unknown> {
    const sent = Promise.allSettled(this.#sent);
    await this.#client.query('rollback').catch(() => undefined);
    return (await sent).find((end) => end.status === 'rejected')?.reason;
  }

  /** What is sent in one turn leaves in one write: each write is a system call here and a wake-up of the server there. */
  #travelTogether(): void {
    const stream = socketOf(this.#client);
    if (!stream || stream.writableCorked > 0) return;
    stream.cork();
    process.nextTick(() => stream.uncork());
  }

  #track(promise: Promise<unknown>): void {
    // The rejection is read at commit; without this line Node would call it unhandled until then.
    promise.catch(() => undefined);
    this.#sent.push(promise);
  }
}

/** `query_timeout` is not in the driver's type, but its option: without it a connection that died in silence would be waited for without end. */
function queryOf({ name, text, answerMs }: Statement, values: readonly unknown[]): pg.QueryConfig {
  const query = { name, text, values: [...values] };
  return answerMs === undefined ? query : Object.assign(query, { query_timeout: answerMs });
}

/**
 * One transaction on a pooled connection, run again (bounded) when it lost a race. `work` may therefore run several times
 * and must do nothing but database work. Refuses `system.unavailable` when the database is away or goes: whether a COMMIT on its way
 * took effect is then not known.
 */
export function withTx<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  return orUnavailable(async () => {
    for (let attempt = 1; ; attempt += 1) {
      const client = await db.pool.connect();
      const tx = new Transaction(client);
      try {
        const result = await work(tx);
        await tx.commit();
        client.release();
        return result;
      } catch (thrown) {
        const lost = isConnectionLoss(thrown);
        const error = lost ? thrown : ((await tx.rollback()) ?? thrown);
        client.release(isConnectionLoss(error));
        if (!isContention(error) || attempt >= limits.txRetriesMax) throw error;
      }
    }
  });
}

/** A single read outside any transaction of ours. Never a basis for a money decision. Refuses `system.unavailable` when the database is away. */
export function read<R extends Row>(db: Db, statement: Statement, values: readonly unknown[] = []): Promise<R[]> {
  return orUnavailable(async () => (await db.pool.query<R>(queryOf(statement, values))).rows);
}

const pingStatement: Statement = { name: 'db_ping', text: 'select 1' };

/** Whether the database answers now. */
export async function isAlive(db: Db): Promise<boolean> {
  try {
    await read(db, pingStatement);
    return true;
  } catch {
    return false;
  }
}

/** Array literals for `unnest`, written out by hand because the values never need quoting: ids, integers, codes. */
export function pgArray(values: readonly (string | number | bigint | null)[]): string {
  return `{${values.map((value) => (value === null ? 'null' : value)).join(',')}}`;
}

/** The same for texts that may hold anything. */
export function pgTextArray(values: readonly (string | null)[]): string {
  return `{${values.map((value) => (value === null ? 'null' : `"${value.replace(/[\\"]/g, '\\$&')}"`)).join(',')}}`;
}
