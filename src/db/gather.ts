import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Turns single reads into few: those asked for while one statement is being answered share the next one. A read is sent after
 * it was asked for, so it sees everything committed before. Like a lane, it needs no timer: an idle one sends at once.
 */
export function gather<K, V>(
  readMany: (keys: readonly K[]) => Promise<ReadonlyMap<K, V>>,
): (key: K) => Promise<V | undefined> {
  type Waiter = { key: K; resolve(value: V | undefined): void; reject(error: unknown): void };
  let waiting: Waiter[] = [];
  let running = false;

  async function drain(): Promise<void> {
    // To the end of this turn of the event loop, so that requests read from many sockets at once share a statement.
    await nextTurn();
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        const found = await readMany([...new Set(batch.map((waiter) => waiter.key))]);
        for (const waiter of batch) waiter.resolve(found.get(waiter.key));
      } catch (error) {
        for (const waiter of batch) waiter.reject(error);
      }
    }
    running = false;
  }

  return (key) => {
    const { promise, resolve, reject } = Promise.withResolvers<V | undefined>();
    waiting.push({ key, resolve, reject });
    if (!running) {
      running = true;
      void drain();
    }
    return promise;
  };
}
