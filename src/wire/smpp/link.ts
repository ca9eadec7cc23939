import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { FrameReader } from './frames.ts';
import { type Body, decodePdu, encodePdu, isAnswer, isBroken, type Pdu, refusalOf, SEQUENCE_MAX } from './pdu.ts';
import { statuses } from './status.ts';

export type TlsSettings = {
  /** Certificates to trust, PEM; the system's own when there is none. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name in the other side's certificate, where it is not the host. */
  readonly serverName?: string | undefined;
};

export type Where = { readonly host: string; readonly port: number; readonly tls?: TlsSettings | undefined };

export type LinkTimings = { readonly connectMs: number; readonly enquireMs: number; readonly enquireAnswerMs: number };

export type LinkHandlers = {
  /** A request of the other side, `enquire_link` and what cannot be read excepted: those are answered here. */
  onRequest(pdu: Pdu): void;
  /** Once, whoever ended it. */
  onEnd(why: string): void;
  onUnreadable(): void;
  onTrace(direction: 'in' | 'out', pdu: Pdu): void;
};

/** `unsent`: not an octet of it has left. `lost`: it may have arrived, and no answer did. */
export type Reply =
  | { readonly kind: 'answered'; readonly pdu: Pdu }
  | { readonly kind: 'lost' }
  | { readonly kind: 'unsent' };

type Asked = { readonly settle: (reply: Reply) => void; readonly timer: NodeJS.Timeout };

/** Connects; the promise fails with a short word where nobody is there, or too late. */
export async function openLink(where: Where, timings: LinkTimings, handlers: LinkHandlers): Promise<Link> {
  const socket = where.tls ? tlsSocket(where, where.tls) : connectPlain({ host: where.host, port: where.port });
  // Without a listener an error of a socket ends the process.
  const failed = new Promise<never>((_, reject) => socket.once('error', reject));
  failed.catch(() => undefined);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('nobody answers')), timings.connectMs);
  const ready = new Promise<void>((resolve) => socket.once(where.tls ? 'secureConnect' : 'connect', resolve));
  try {
    await Promise.race([ready, failed, late]);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return new Link(socket, timings, handlers);
}

function tlsSocket({ host, port }: Where, { ca, cert, key, serverName }: TlsSettings): Socket {
  return connectTls({
    host,
    port,
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  });
}

/** One connection: requests and their answers, and whether anybody is still there. */
export class Link {
  /** Since the other side accepted a bind. Known here, because messages may follow in the same packet. */
  isBound = false;
  readonly #socket: Socket;
  readonly #timings: LinkTimings;
  readonly #handlers: LinkHandlers;
  readonly #frames = new FrameReader();
  readonly #asked = new Map<number, Asked>();
  #sequence = 0;
  #heardAt = performance.now();
  #enquiring = false;
  #isOver = false;
  #watch: NodeJS.Timeout;

  constructor(socket: Socket, timings: LinkTimings, handlers: LinkHandlers) {
    this.#socket = socket;
    this.#timings = timings;
    this.#handlers = handlers;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('drain', () => socket.resume());
    socket.on('error', (error) => this.end(wordOf(error)));
    socket.on('close', () => this.end('closed by the other side'));
    this.#watch = setTimeout(() => this.#look(), timings.enquireMs);
  }

  /** Asks, and waits for the answer for so long. */
  request(body: Body, answerMs: number): Promise<Reply> {
    if (this.#isOver) return Promise.resolve({ kind: 'unsent' });
    const { promise, resolve } = Promise.withResolvers<Reply>();
    this.#sequence = (this.#sequence % SEQUENCE_MAX) + 1;
    const sequence = this.#sequence;
    const settle = (reply: Reply): void => {
      const asked = this.#asked.get(sequence);
      if (asked) clearTimeout(asked.timer);
      this.#asked.delete(sequence);
      resolve(reply);
    };
    this.#asked.set(sequence, { settle, timer: setTimeout(() => settle({ kind: 'lost' }), answerMs) });
    this.#send({ sequence, status: statuses.ok, ...body });
    return promise;
  }

  answer(pdu: Pdu): void {
    this.#send(pdu);
  }

  /** Refuses a request in the words of its own answer. */
  refuse(octets: Buffer): void {
    this.#write(octets);
  }

  /** Asks at once whether anybody is there, for who has reason to doubt it. */
  async enquire(): Promise<void> {
    if (this.#enquiring || this.#isOver) return;
    this.#enquiring = true;
    const reply = await this.request({ command: 'enquire_link' }, this.#timings.enquireAnswerMs);
    this.#enquiring = false;
    if (reply.kind === 'lost') this.end('enquire_link unanswered');
  }

  /** What was asked and not answered is lost: it may have arrived. */
  end(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#watch);
    for (const { settle } of [...this.#asked.values()]) settle({ kind: 'lost' });
    // What was written is still sent, if anybody reads it.
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), LINGER_MS).unref();
    this.#handlers.onEnd(why);
  }

  #look(): void {
    const silentMs = performance.now() - this.#heardAt;
    // A timer may go off a little early.
    if (silentMs + 2 >= this.#timings.enquireMs) void this.enquire();
    const nextMs = Math.max(this.#timings.enquireMs - silentMs, this.#timings.enquireMs / 4);
    if (!this.#isOver) this.#watch = setTimeout(() => this.#look(), nextMs);
  }

  #send(pdu: Pdu): void {
    if (!this.#isOver) this.#handlers.onTrace('out', pdu);
    this.#write(encodePdu(pdu));
  }

  #write(octets: Buffer): void {
    if (this.#isOver) return;
    // Whoever does not read our answers is not read either, so that they cannot pile up here.
    if (!this.#socket.write(octets)) this.#socket.pause();
  }

  #receive(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#heardAt = performance.now();
    const frames = this.#frames.push(chunk);
    for (const frame of frames ?? []) this.#take(frame);
    if (frames) return;
    this.#handlers.onUnreadable();
    this.#write(refusalOf({ id: 0, sequence: 0, status: statuses.invalidCommandLength }));
    this.end('no SMPP');
  }

  #take(frame: Buffer): void {
    if (this.#isOver) return;
    const read = decodePdu(frame);
    if (!isBroken(read)) {
      this.#handlers.onTrace('in', read);
      if (read.command === 'enquire_link') this.answer({ ...read, command: 'enquire_link_resp' });
      else if (isAnswer(frame.readUInt32BE(4))) this.#answered(read);
      else this.#handlers.onRequest(read);
      return;
    }
    this.#handlers.onUnreadable();
    // An answer that cannot be read says nothing of what was asked, and is not answered itself.
    if (isAnswer(read.id)) this.#asked.get(read.sequence)?.settle({ kind: 'lost' });
    else this.#write(refusalOf(read));
  }

  /** An answer nobody waits for comes too late, or answers nothing. */
  #answered(pdu: Pdu): void {
    if (/^bind_.*_resp$/.test(pdu.command) && pdu.status === statuses.ok) this.isBound = true;
    this.#asked.get(pdu.sequence)?.settle({ kind: 'answered', pdu });
  }
}

const LINGER_MS = 1_000;

/** `ECONNREFUSED`, or the first words: never an address. */
export function wordOf(error: unknown): string {
  if (!(error instanceof Error)) return 'error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message.slice(0, 100);
}
