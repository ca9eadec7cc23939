import { setTimeout as delay } from 'node:timers/promises';

// biome-ignore lint/suspicious/noExplicitAny: an answer is read as a stranger's program would, without our types
export type Json = any;

export type Answer = { readonly status: number; readonly body: Json };

const RETRY_MS = 60;
const ANSWER_MS = 20_000;
/** The longest that a platform was ever away under all blows is a tenth of it: after that nobody answers any more, and the run ends with that. */
const PATIENCE_MS = 90_000;

/** The site's server side: acts for its visitors with the service's key, and asks again while nobody answers. */
export class Site {
  readonly #urls: readonly string[];
  readonly #key: string;
  #isGivenUp = false;
  #turn = 0;

  /** Of the platform's programs, which are asked by turns. */
  constructor(urls: readonly string[], key: string) {
    this.#urls = urls;
    this.#key = key;
  }

  #next(): string {
    this.#turn += 1;
    return this.#urls[this.#turn % this.#urls.length] ?? '';
  }

  giveUp(): void {
    this.#isGivenUp = true;
  }

  /** The first answer that is not of a platform in trouble. `patient: false` takes the first answer of any kind. */
  async ask(
    path: string,
    init: { method?: string; body?: unknown; visitor: number; patient?: boolean },
  ): Promise<Answer> {
    const { body, visitor, patient = true } = init;
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const answer = await this.#askOnce(path, {
        method: init.method ?? (body === undefined ? 'GET' : 'POST'),
        body,
        visitor,
      });
      if (answer && (answer.status < 500 || !patient)) return answer;
      if (this.#isGivenUp || performance.now() > until) throw new Error(`nobody answered ${path}`);
      await delay(RETRY_MS);
    }
  }

  async #askOnce(
    path: string,
    { method, body, visitor }: { method: string; body: unknown; visitor: number },
  ): Promise<Answer | undefined> {
    try {
      const response = await fetch(`${this.#next()}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.#key}`,
          'x-forwarded-for': `10.${(visitor >> 16) & 255}.${(visitor >> 8) & 255}.${visitor & 255}`,
          'accept-language': 'en',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
    } catch {
      // Killed under our hands: nothing is known, so the same is asked again.
      return undefined;
    }
  }

  /** A notification of whoever has made it up. */
  async notify(
    provider: string,
    { body, headers }: { body: string; headers: Readonly<Record<string, string>> },
  ): Promise<number> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        const response = await fetch(`${this.#next()}/callbacks/${provider}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body,
          signal: AbortSignal.timeout(ANSWER_MS),
        });
        await response.arrayBuffer();
        if (response.status < 500) return response.status;
      } catch {
        // As above.
      }
      if (this.#isGivenUp || performance.now() > until) throw new Error('nobody took the notification');
      await delay(RETRY_MS);
    }
  }
}
