import { connect, type Socket } from 'node:net';
import { limits } from '../../base/limits.ts';
import { concat, encodeFrame, FrameReader, IPA_OSMO, OSMO_CTRL } from './ipa.ts';

export type CtrlOptions = { readonly host: string; readonly port: number; readonly timeoutMs?: number };

/** The control interface did not answer: whoever asked does not know. */
export class CtrlError extends Error {}

type Waiting = { readonly resolve: (value: string | undefined) => void; readonly reject: (error: Error) => void };

/** The control interface of an Osmocom program, which reads its variables: one connection, opened when something is asked. */
export class CtrlClient {
  readonly #options: CtrlOptions;
  readonly #waiting = new Map<string, Waiting>();
  #socket: Socket | undefined;
  #asked = 0;

  constructor(options: CtrlOptions) {
    this.#options = options;
  }

  /** The value; undefined when the program says that it has none. Throws a `CtrlError` when it does not say. */
  async get(variable: string): Promise<string | undefined> {
    if (this.#waiting.size >= limits.ctrlWaitingMax) throw new CtrlError('too many questions wait for an answer');
    this.#asked += 1;
    const id = String(this.#asked);
    const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
    this.#waiting.set(id, { resolve, reject });
    const timer = setTimeout(
      () => reject(new CtrlError('the control interface did not answer in time')),
      this.#options.timeoutMs ?? limits.ctrlTimeoutMs,
    );
    this.#ask(`GET ${id} ${variable}`);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  close(): void {
    this.#socket?.destroy();
  }

  #ask(text: string): void {
    const payload = concat(Uint8Array.of(OSMO_CTRL), new TextEncoder().encode(text));
    this.#socket ??= this.#connect();
    this.#socket.write(encodeFrame({ stream: IPA_OSMO, payload }));
  }

  #connect(): Socket {
    const { host, port } = this.#options;
    const reader = new FrameReader();
    const socket = connect({ host, port, noDelay: true });
    socket.on('data', (octets) => {
      for (const { stream, payload } of reader.read(octets))
        if (stream === IPA_OSMO && payload[0] === OSMO_CTRL) this.#take(new TextDecoder().decode(payload.subarray(1)));
    });
    // What it means is told by the end, which follows.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = undefined;
      for (const { reject } of this.#waiting.values()) reject(new CtrlError('the control interface hung up'));
    });
    // Alone it keeps no process alive: nobody may be waiting.
    socket.unref();
    return socket;
  }

  /** `GET_REPLY id variable value`, or `ERROR id words`. A notice that nobody asked for has no id of ours. */
  #take(text: string): void {
    const [verb, id = '', , ...rest] = text.split(' ');
    const waiting = this.#waiting.get(id);
    if (verb === 'GET_REPLY') waiting?.resolve(rest.join(' '));
    if (verb === 'ERROR') waiting?.resolve(undefined);
  }
}
