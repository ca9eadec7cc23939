import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { clientConfig, type Db, Transaction, type Tx } from './connection.ts';

/** Rows on their way into a table. Resolves `write` when the server keeps up, so memory stays flat whatever the count. */
export type CopyIn = { write(rows: Buffer): Promise<void>; end(): Promise<number> };

/** A transaction that can also COPY. While a copy is open nothing else may be sent: `tx` waits for its end. */
export type Load = { readonly tx: Tx; copyIn(text: string): CopyIn };

/**
 * One transaction for loading many rows, on a connection of its own: COPY cannot share a pipelined one, and no statement timeout
 * fits both a query and a load of millions. Not run again after a lost race. When it throws, everything it sent is undone and
 * its locks are free.
 */
export async function withLoad<T>(db: Db, work: (load: Load) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...clientConfig(db.url, 'load'), pipeline: false, statement_timeout: false });
  client.on('error', () => undefined);
  await client.connect();
  const turns = new Turns();
  const query = (...args: unknown[]): Promise<unknown> => turns.take(() => Reflect.apply(client.query, client, args));
  const tx = new Transaction({ query } as Pick<pg.ClientBase, 'query'>);
  const copies: Copy[] = [];
  const copyIn = (text: string): CopyIn => {
    const copy = new Copy(client, turns, text);
    copies.push(copy);
    return copy;
  };
  try {
    const result = await work({ tx, copyIn });
    await tx.commit();
    return result;
  } catch (error) {
    for (const copy of copies) copy.abandon();
    await tx.rollback();
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Without pipelining the driver wants one statement at a time. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

class Copy implements CopyIn {
  readonly #stream: ReturnType<typeof copyFrom>;
  readonly #begun: Promise<void>;
  readonly #finished: Promise<void>;
  /** Rejects with what went wrong, and never resolves. */
  readonly #failure: Promise<never>;
  #isOver = false;

  constructor(client: pg.Client, turns: Turns, text: string) {
    const stream = copyFrom(text);
    this.#stream = stream;
    const begun = Promise.withResolvers<void>();
    this.#begun = begun.promise;
    this.#finished = turns.take(
      () =>
        new Promise<void>((resolve, reject) => {
          stream.once('finish', resolve);
          // Listens for good: a lost connection is reported here as well, maybe after everything else.
          stream.on('error', reject);
          client.query(stream);
          begun.resolve();
        }),
    );
    this.#failure = this.#finished.then(() => new Promise<never>(() => undefined));
    this.#failure.catch(() => undefined);
    const over = (): void => {
      this.#isOver = true;
    };
    this.#finished.then(over, over);
  }

  async write(rows: Buffer): Promise<void> {
    await this.#begun;
    // The stream forgets its callbacks when the server refuses a row, so the failure is listened for beside them.
    await Promise.race([
      new Promise<void>((resolve, reject) => this.#stream.write(rows, (error) => (error ? reject(error) : resolve()))),
      this.#failure,
    ]);
  }

  async end(): Promise<number> {
    await this.#begun;
    this.#stream.end();
    await this.#finished;
    return this.#stream.rowCount;
  }
  /** Tells the server that no more will come, and that what came is not wanted. */
  abandon(): void {
    if (!this.#isOver) this.#stream.destroy(new Error('the load was abandoned'));
  }
}
