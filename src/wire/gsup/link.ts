import { randomInt } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { limits } from '../../base/limits.ts';
import { ccm, concat, encodeFrame, encodeIdentity, FrameReader, IPA_CCM, IPA_OSMO, OSMO_GSUP } from './ipa.ts';
import { encodeToOurselves } from './message.ts';

/** `taken`: connected, and another connection has our name, so that nothing comes to us. It is tried again all the same. */
export type LinkState = 'connecting' | 'bound' | 'down' | 'taken' | 'closed';

export type LinkTimers = {
  /** We ask whether the peer is there, and whether it still knows us by our name; */
  readonly pingMs: number;
  /** and hang up when nothing at all was heard for so long, which a half-open connection never ends by itself. */
  readonly silenceMs: number;
  readonly handshakeMs: number;
  /** A message to ourselves comes back within this. */
  readonly proofMs: number;
  /** Waits before each new try; the last one repeats. */
  readonly retriesMs: readonly number[];
};

export type LinkOptions = {
  readonly host: string;
  readonly port: number;
  /** By this the HLR finds us: `EUSE-topup` for its `euse topup`. One connection a name. */
  readonly name: string;
  /** `unproven` where the HLR does not pass messages on to others, and so cannot show that it knows us. */
  readonly proof?: 'proven' | 'unproven';
  readonly timers?: Partial<LinkTimers>;
  readonly onGsup: (octets: Uint8Array) => void;
  /** `why` says what ended a connection, in words without numbers of people. */
  readonly onState?: (state: LinkState, why?: string) => void;
};

const defaults: LinkTimers = {
  pingMs: limits.ipaPingMs,
  silenceMs: limits.ipaSilenceMs,
  handshakeMs: limits.ipaHandshakeMs,
  proofMs: limits.ipaProofMs,
  retriesMs: limits.ipaRetriesMs,
};

const UNIT_ID = '0/0/0';
const SESSIONS = 2 ** 32;
const TAKEN = 'another connection has our name';

/**
 * A client's connection to an HLR: makes itself known, answers and sends pings, and connects again for as long as it is not closed. What
 * was sent while it was down is lost, as it is in the network; who sends is told.
 *
 * An HLR takes a second connection of one name and never routes anything to it, even when the first is gone: a process that was killed
 * without a word leaves such a first one behind. So a connection counts as bound when a message to ourselves has come back on it.
 */
export class IpaLink {
  readonly #options: LinkOptions;
  readonly #timers: LinkTimers;
  #state: LinkState = 'connecting';
  #connection: Connection | undefined;
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
    return this.#state === 'bound' && this.#connection?.send(gsup) === true;
  }

  /** What was sent is flushed; then nothing is connected again. */
  async close(): Promise<void> {
    clearTimeout(this.#retry);
    this.#move('closed');
    await this.#connection?.end();
  }

  #connect(): void {
    this.#connection = new Connection(this.#options, this.#timers, {
      onBound: () => {
        this.#failures = 0;
        if (this.#state !== 'closed') this.#move('bound');
      },
      onEnd: (why) => this.#again(why),
    });
  }

  #again(why: string): void {
    if (this.#state === 'closed') return;
    this.#move(why === TAKEN ? 'taken' : 'down', why);
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

type Told = { readonly onBound: () => void; readonly onEnd: (why: string) => void };

/** One connection, from its first octet to its last. */
class Connection {
  readonly #options: LinkOptions;
  readonly #told: Told;
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #timers: LinkTimers;
  readonly #silence: NodeJS.Timeout;
  #proof: NodeJS.Timeout | undefined;
  #pinging: NodeJS.Timeout | undefined;
  #awaited: Uint8Array | undefined;
  #isBound = false;
  #why = 'the HLR hung up';

  constructor(options: LinkOptions, timers: LinkTimers, told: Told) {
    const { host, port } = options;
    this.#options = options;
    this.#timers = timers;
    this.#told = told;
    this.#socket = connect({ host, port, noDelay: true });
    const handshake = setTimeout(() => {
      if (!this.#pinging) this.#drop('the HLR did not take our name');
    }, timers.handshakeMs);
    this.#silence = setTimeout(() => this.#drop('the HLR is silent'), timers.silenceMs);
    this.#socket.on('data', (octets) => {
      this.#silence.refresh();
      for (const { stream, payload } of this.#reader.read(octets)) this.#take(stream, payload);
    });
    this.#socket.on('error', (error) => {
      this.#why = 'code' in error ? String(error.code) : error.message;
    });
    this.#socket.on('close', () => {
      for (const timer of [handshake, this.#silence, this.#proof]) clearTimeout(timer);
      clearInterval(this.#pinging);
      told.onEnd(this.#why);
    });
  }

  send(gsup: Uint8Array): boolean {
    return this.#write(IPA_OSMO, concat(Uint8Array.of(OSMO_GSUP), gsup));
  }

  async end(): Promise<void> {
    if (this.#socket.destroyed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.once('close', () => resolve());
    const timer = setTimeout(() => this.#socket.destroy(), limits.ipaFlushMs);
    this.#socket.end(() => this.#socket.destroySoon());
    await promise;
    clearTimeout(timer);
  }

  #take(stream: number, payload: Uint8Array): void {
    if (stream === IPA_CCM) this.#manage(payload[0]);
    else if (stream === IPA_OSMO && payload[0] === OSMO_GSUP) this.#deliver(payload.subarray(1));
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
        if (this.#pinging) return;
        this.#pinging = setInterval(() => this.#ping(), this.#timers.pingMs);
        if (this.#options.proof === 'unproven') this.#bound();
        else this.#prove();
        return;
      default:
        return;
    }
  }

  #ping(): void {
    this.#write(IPA_CCM, Uint8Array.of(ccm.ping));
    if (this.#options.proof !== 'unproven') this.#prove();
  }

  #prove(): void {
    if (this.#awaited) return;
    this.#awaited = encodeToOurselves(this.#options.name, randomInt(SESSIONS));
    this.send(this.#awaited);
    this.#proof = setTimeout(() => this.#drop(TAKEN), this.#timers.proofMs);
  }

  #deliver(gsup: Uint8Array): void {
    if (this.#awaited && Buffer.compare(gsup, this.#awaited) === 0) {
      clearTimeout(this.#proof);
      this.#awaited = undefined;
      this.#bound();
      return;
    }
    // What comes by our name proves it as well as our own words do.
    this.#bound();
    this.#options.onGsup(gsup);
  }

  #bound(): void {
    if (this.#isBound) return;
    this.#isBound = true;
    this.#told.onBound();
  }

  #drop(why: string): void {
    this.#why = why;
    this.#socket.destroy();
  }

  #write(stream: number, payload: Uint8Array): boolean {
    if (!this.#socket.writable) return false;
    // Whoever does not read gets no more than this held for them.
    if (this.#socket.writableLength > limits.ipaUnreadBytesMax) {
      this.#drop('the HLR does not read');
      return false;
    }
    this.#socket.write(encodeFrame({ stream, payload }));
    return true;
  }
}
