import { connect, type Socket } from 'node:net';
import {
  type Component,
  ccm,
  decodeComponent,
  decodeGsup,
  decodeText,
  encodeComponent,
  encodeFrame,
  encodeGsup,
  encodeIdentity,
  encodeText,
  FrameReader,
  type GsupMessage,
  IPA_CCM,
  IPA_OSMO,
  OSMO_GSUP,
  operations,
} from '../../src/wire/gsup/index.ts';

export type ExchangeSettings = {
  /** The HLR's address for core network elements. */
  readonly host: string;
  readonly port: number;
  /** By this the HLR knows us. */
  readonly name?: string;
  /** How long a person looks at "please wait" before the exchange gives up. */
  readonly patienceMs?: number;
};

/** What a phone's display says: a question, a last text, an error of the network, or nothing in time. */
export type Shown =
  | { readonly kind: 'question' | 'text'; readonly text: string }
  | { readonly kind: 'error'; readonly error: number }
  | { readonly kind: 'lost'; readonly why: string };

/** How an exchange misbehaves when asked to, in the next message it sends; see `octetsOf`. */
export const misdeeds = [
  'garbage',
  'cut-component',
  'wrong-invoke-id',
  'unknown-alphabet',
  'unknown-operation',
  'twice',
  'none',
] as const;
export type Misdeed = (typeof misdeeds)[number];

/** Chosen high, as osmo-msc does, and not from zero after each start: an HLR keeps sessions longer than we live. */
const FIRST_SESSION = 0x20000000;
const DIAL_INVOKE = 5;
const PATIENCE_MS = 15_000;

/** A mobile switching centre without phones or radio: it carries USSD between whoever types here and a real HLR. */
export class Exchange {
  readonly #settings: ExchangeSettings;
  readonly #socket: Socket;
  readonly #calls = new Map<number, (shown: Shown, component: Component | undefined) => void>();
  #sessions = FIRST_SESSION + (process.pid % 0xffff) * 0x1000;
  #misdeed: Misdeed = 'none';
  readonly #bound = Promise.withResolvers<void>();

  private constructor(settings: ExchangeSettings) {
    this.#settings = settings;
    const { host, port } = settings;
    const reader = new FrameReader();
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on('data', (octets) => {
      for (const { stream, payload } of reader.read(octets)) this.#take(stream, payload);
    });
    this.#socket.on('error', (error) => this.#bound.reject(error));
    this.#socket.on('close', () => {
      this.#bound.reject(new Error('the HLR hung up'));
      for (const [, tell] of this.#calls) tell({ kind: 'lost', why: 'the HLR hung up' }, undefined);
    });
  }

  /** Ready when the HLR knows us. */
  static async open(settings: ExchangeSettings): Promise<Exchange> {
    const exchange = new Exchange(settings);
    await exchange.#bound.promise;
    return exchange;
  }

  /** The next message goes out wrongly. */
  misbehave(misdeed: Misdeed): void {
    this.#misdeed = misdeed;
  }

  /** A phone dials; resolves with its display. */
  async dial(imsi: string, code: string): Promise<Call> {
    this.#sessions += 1;
    const call = new Call(this, { imsi, session: this.#sessions });
    await call.dial(code);
    return call;
  }

  /** Sends one component of a session and waits for what comes back. */
  async exchange(message: Omit<GsupMessage, 'ss' | 'type'>, component: Component): Promise<Answer> {
    if (this.#socket.destroyed) return { shown: { kind: 'lost', why: 'there is no HLR' }, component: undefined };
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#calls.set(message.session, (shown, answer) => resolve({ shown, component: answer }));
    const patience = this.#settings.patienceMs ?? PATIENCE_MS;
    const timer = setTimeout(
      () => resolve({ shown: { kind: 'lost', why: 'no answer in time' }, component: undefined }),
      patience,
    );
    this.#send(message, component);
    const answer = await promise;
    clearTimeout(timer);
    this.#calls.delete(message.session);
    return answer;
  }

  /** The phone has hung up: the session ends and nobody answers. */
  release(message: Omit<GsupMessage, 'ss' | 'type' | 'state'>): void {
    this.#write(encodeGsup({ ...message, type: 'request', state: 'end' }));
  }

  close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#socket.destroyed) resolve();
    this.#socket.once('close', () => resolve());
    this.#socket.destroy();
    return promise;
  }

  #send(message: Omit<GsupMessage, 'ss' | 'type'>, component: Component): void {
    const misdeed = this.#misdeed;
    this.#misdeed = 'none';
    const octets = octetsOf(message, component, misdeed);
    this.#write(octets);
    if (misdeed === 'twice') this.#write(octets);
  }

  #write(gsup: Uint8Array): void {
    this.#socket.write(encodeFrame({ stream: IPA_OSMO, payload: Uint8Array.of(OSMO_GSUP, ...gsup) }));
  }

  #take(stream: number, payload: Uint8Array): void {
    if (stream === IPA_CCM) this.#manage(payload[0]);
    else if (stream === IPA_OSMO && payload[0] === OSMO_GSUP) this.#deliver(payload.subarray(1));
  }

  #manage(kind: number | undefined): void {
    const write = (answer: Uint8Array): void => {
      this.#socket.write(encodeFrame({ stream: IPA_CCM, payload: answer }));
    };
    if (kind === ccm.ping) write(Uint8Array.of(ccm.pong));
    if (kind === ccm.idAck) this.#bound.resolve();
    if (kind !== ccm.idGet) return;
    write(encodeIdentity({ name: this.#settings.name ?? 'MSC-00-00-00-00-00-01', unitId: '0/0/1' }));
    write(Uint8Array.of(ccm.idAck));
  }

  #deliver(octets: Uint8Array): void {
    const message = decodeGsup(octets);
    const tell = message && this.#calls.get(message.session);
    if (!message || !tell) return;
    const component = message.ss && decodeComponent(message.ss);
    tell(shownOf(message, component), component);
  }
}

type Answer = { readonly shown: Shown; readonly component: Component | undefined };

/** One phone's dialogue. */
export class Call {
  readonly #exchange: Exchange;
  readonly #message: { readonly imsi: string; readonly session: number };
  #shown: Shown = { kind: 'lost', why: 'nothing was dialled' };
  #asked: Component | undefined;

  constructor(exchange: Exchange, message: { imsi: string; session: number }) {
    this.#exchange = exchange;
    this.#message = message;
  }

  /** What the display says. */
  get shown(): Shown {
    return this.#shown;
  }

  get text(): string {
    return 'text' in this.#shown ? this.#shown.text : JSON.stringify(this.#shown);
  }

  async dial(code: string): Promise<Shown> {
    const component: Component = {
      kind: 'invoke',
      id: DIAL_INVOKE,
      operation: operations.processRequest,
      text: encodeText(code),
    };
    return this.#say('begin', component);
  }

  /** The person answers a question. */
  async answer(text: string): Promise<Shown> {
    const asked = this.#asked;
    if (asked?.kind !== 'invoke') throw new Error('nothing was asked');
    return this.#say('continue', {
      kind: 'result',
      id: asked.id,
      operation: operations.request,
      text: encodeText(text),
    });
  }

  hangUp(): void {
    this.#exchange.release(this.#message);
    this.#asked = undefined;
  }

  async #say(state: 'begin' | 'continue', component: Component): Promise<Shown> {
    const { shown, component: answer } = await this.#exchange.exchange({ ...this.#message, state }, component);
    this.#shown = shown;
    this.#asked = answer;
    return shown;
  }
}

function shownOf(message: GsupMessage, component: Component | undefined): Shown {
  if (message.type === 'error') return { kind: 'error', error: message.cause ?? 0 };
  if (component?.kind === 'error') return { kind: 'error', error: component.error };
  if (!component || !('text' in component) || !component.text) return { kind: 'lost', why: 'an answer without a text' };
  // A phone takes no answer to something that it has not asked, and no question in an answer's place.
  const isAnswer = component.kind === 'result' && component.id === DIAL_INVOKE;
  const isFitting =
    message.state === 'end'
      ? isAnswer && component.operation === operations.processRequest
      : component.kind === 'invoke' && component.operation === operations.request;
  if (!isFitting) return { kind: 'lost', why: 'an answer to something else' };
  const text = decodeText(component.text);
  if (text === undefined) return { kind: 'lost', why: 'an alphabet that no phone has' };
  return { kind: message.state === 'end' ? 'text' : 'question', text };
}

function octetsOf(message: Omit<GsupMessage, 'ss' | 'type'>, component: Component, misdeed: Misdeed): Uint8Array {
  const write = (one: Component): Uint8Array =>
    encodeGsup({ ...message, type: 'request', ss: encodeComponent(one, 'octet') });
  switch (misdeed) {
    case 'garbage':
      return write(component).map((octet, index) => (index < 2 ? octet : octet ^ 0x5a));
    case 'cut-component':
      return encodeGsup({ ...message, type: 'request', ss: encodeComponent(component, 'octet').slice(0, 5) });
    case 'wrong-invoke-id':
      return write(component.id === undefined ? component : { ...component, id: (component.id + 1) & 0x7f });
    case 'unknown-alphabet':
      return write('text' in component && component.text ? withScheme(component, 0x44) : component);
    case 'unknown-operation':
      return write('operation' in component ? { ...component, operation: 0x0a } : component);
    case 'twice':
    case 'none':
      return write(component);
  }
}

function withScheme<C extends Component & { text?: { octets: Uint8Array } }>(component: C, dcs: number): Component {
  return { ...component, text: { dcs, octets: component.text?.octets ?? new Uint8Array(0) } } as Component;
}
