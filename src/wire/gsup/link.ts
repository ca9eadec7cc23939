import { connect, type Socket } from 'node:net';
import { limits } from '../../base/limits.ts';
import { ccm, concat, encodeFrame, encodeIdentity, FrameReader, IPA_CCM, IPA_OSMO, OSMO_GSUP } from './ipa.ts';

export type LinkState = 'connecting' | 'bound' | 'closed';

export type LinkTimers = {
  /** We ask whether the peer is there; */
  readonly pingMs: number;
  /** and hang up when nothing at all was heard for so long, which a half-open connection never ends by itself. */
  readonly silenceMs: number;
  readonly handshakeMs: number;
  /** Waits before each new try; the last one repeats. */
  readonly retriesMs: readonly number[];
};

export type LinkOptions = {
  readonly host: string;
  readonly port: number;
  /** By this the HLR finds us: `EUSE-topup` for its `euse topup`. One connection a name. */
  readonly name: string;
  readonly timers?: Partial<LinkTimers>;
  readonly onGsup: (octets: Uint8Array) => void;
  /** `why` says what ended a connection, in words without numbers of people. */
  readonly onState?: (state: LinkState, why?: string) => void;
};

const defaults: LinkTimers = {
  pingMs: limits.ipaPingMs,
  silenceMs: limits.ipaSilenceMs,
  handshakeMs: limits.ipaHandshakeMs,
  retriesMs: limits.ipaRetriesMs,
};

const UNIT_ID = '0/0/0';

/**
 * A client's connection to an HLR: makes itself known, answers and sends pings, and connects again for as long as it is not closed. What
 * was sent while it was down is lost, as it is in the network; who sends is told.
 */
export class IpaLink {
  readonly #options: LinkOptions;
  readonly #timers: LinkTimers;
  #state: LinkState = 'connecting';
  #socket: Socket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#timers = { ...defaults, ...options.timers };
    this.#connect();
  }

  get state(): LinkState {
    return this.#state;
  }

  /** False when it went nowhere. */
  send(gsup: Uint8Array): boolean {
    if (this.#state !== 'bound') return false;
    return this.#write(IPA_OSMO, concat(Uint8Array.of(OSMO_GSUP), gsup));
  }

  /** What was sent is flushed; then nothing is connected again. */
  async close(): Promise<void> {
    clearTimeout(this.#retry);
    this.#move('closed');
    const socket = this.#socket;
    if (!socket || socket.destroyed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.once('close', () => resolve());
    const timer = setTimeout(() => socket.destroy(), limits.ipaFlushMs);
    socket.end(() => socket.destroySoon());
    await promise;
    clearTimeout(timer);
  }

  #connect(): void {
    const { host, port } = this.#options;
    const reader = new FrameReader();
    const socket = connect({ host, port, noDelay: true });
    let why = 'the HLR hung up';
    const drop = (reason: string): void => {
      why = reason;
      socket.destroy();
    };
    const handshake = setTimeout(() => {
      if (this.#state !== 'bound') drop('the HLR did not take our name');
    }, this.#timers.handshakeMs);
    const silence = setTimeout(() => drop('the HLR is silent'), this.#timers.silenceMs);
    const ping = setInterval(() => this.#write(IPA_CCM, Uint8Array.of(ccm.ping)), this.#timers.pingMs);
    socket.on('data', (octets) => {
      silence.refresh();
      for (const { stream, payload } of reader.read(octets)) this.#take(stream, payload);
    });
    socket.on('error', (error) => {
      why = 'code' in error ? String(error.code) : error.message;
    });
    socket.on('close', () => {
      clearTimeout(handshake);
      clearTimeout(silence);
      clearInterval(ping);
      this.#again(why);
    });
    this.#socket = socket;
  }

  #take(stream: number, payload: Uint8Array): void {
    if (stream === IPA_CCM) this.#manage(payload[0]);
    else if (stream === IPA_OSMO && payload[0] === OSMO_GSUP && this.#state === 'bound')
      this.#options.onGsup(payload.subarray(1));
  }

  #manage(kind: number | undefined): void {
    switch (kind) {
      case ccm.ping:
        this.#write(IPA_CCM, Uint8Array.of(ccm.pong));
        return;
      case ccm.idGet:
        this.#write(IPA_CCM, encodeIdentity({ name: this.#options.name, unitId: UNIT_ID }));
        this.#write(IPA_CCM, Uint8Array.of(ccm.idAck));
        return;
      case ccm.idAck:
        if (this.#state !== 'connecting') return;
        this.#failures = 0;
        this.#move('bound');
        return;
      default:
        return;
    }
  }

  #write(stream: number, payload: Uint8Array): boolean {
    const socket = this.#socket;
    if (!socket?.writable) return false;
    // Whoever does not read gets no more than this held for them.
    if (socket.writableLength > limits.ipaUnreadBytesMax) {
      socket.destroy();
      return false;
    }
    socket.write(encodeFrame({ stream, payload }));
    return true;
  }

  #again(why: string): void {
    if (this.#state === 'closed') return;
    this.#move('connecting', why);
    const { retriesMs } = this.#timers;
    const wait = retriesMs[Math.min(this.#failures, retriesMs.length - 1)] ?? 0;
    this.#failures += 1;
    this.#retry = setTimeout(() => this.#connect(), wait);
  }

  #move(state: LinkState, why?: string): void {
    this.#state = state;
    this.#options.onState?.(state, why);
  }
}
