import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { Msisdn } from '../../base/msisdn.ts';
import {
  type Component,
  decodeComponent,
  decodeText,
  encodeComponent,
  encodeGsup,
  encodeText,
  type GsupMessage,
  INVALID_MANDATORY,
  type LengthForm,
  operations,
  ssErrors,
} from '../../wire/gsup/index.ts';
import { readDialled } from './dialling.ts';
import type { UssdEngine } from './engine.ts';
import type { UssdGateway } from './gateway.ts';
import type { SimNumbers } from './gsup_numbers.ts';
import type { UssdInput, UssdReply } from './memory.ts';
import { type Screen, screens, show } from './screens.ts';

export type GsupDialoguesDeps = {
  readonly engine: Pick<UssdEngine, 'step'>;
  readonly gateway: UssdGateway;
  readonly numbers: SimNumbers;
  readonly clock: Clock;
  /** Codes that the HLR routes to us, `*111#`. */
  readonly codes: readonly string[];
  readonly lengths: LengthForm;
  /** Not above the HLR's guard: it tells nobody when it gives a dialogue up. */
  readonly idleMs: number;
  /** False when there is no connection to send on. */
  readonly send: (octets: Uint8Array) => boolean;
  /** The last dialogue has ended. */
  readonly onQuiet: () => void;
  readonly onEvent: (event: GsupEvent) => void;
  readonly onError: ((error: unknown) => void) | undefined;
};

/** What passed, for counting: each message, by what it was and what became of it. */
export type GsupEvent = {
  readonly direction: 'in' | 'out';
  readonly kind: 'begin' | 'answer' | 'end' | 'question' | 'final' | 'error';
  readonly outcome: 'ok' | 'odd' | 'busy' | 'lost';
};

type Dialogue = {
  readonly imsi: string;
  readonly session: number;
  /** The invoke id of what was dialled: the last answer carries it, however many questions came between. */
  readonly origin: number;
  /** For the engine: session ids come again, names do not. */
  readonly name: string;
  readonly serviceCode: string;
  number: Msisdn | undefined;
  /** The question that waits for its answer. */
  asked: number | undefined;
  questions: number;
  idle: NodeJS.Timeout | undefined;
};

type Dialled = { readonly origin: number; readonly text: string };

/** Invoke ids are one signed octet. */
const INVOKE_IDS = 0x80;

/** The dialogues of one HLR: each message is taken by the one it belongs to, and no phone is left without an answer that could have one. */
export class GsupDialogues {
  readonly #deps: GsupDialoguesDeps;
  readonly #dialogues = new Map<string, Dialogue>();
  readonly #steps = new Set<Promise<void>>();
  #isAway = false;
  #begun = 0;

  constructor(deps: GsupDialoguesDeps) {
    this.#deps = deps;
  }

  take(message: GsupMessage): void {
    if (message.type !== 'error' && message.state === 'begin') this.#begin(message);
    else if (message.type !== 'error' && message.state === 'continue') this.#carryOn(message);
    else this.#end(message);
  }

  /** While true, who dials is told to try later; dialogues that have begun go on. */
  turnAway(isAway: boolean): void {
    this.#isAway = isAway;
  }

  get open(): number {
    return this.#dialogues.size;
  }

  /** Resolves when every step in hand has its answer. */
  async settled(): Promise<void> {
    while (this.#steps.size > 0) await Promise.all(this.#steps);
  }

  /** Forgets all of them. What they had done is with the engine, and a redial finds it. */
  close(): void {
    for (const dialogue of [...this.#dialogues.values()]) this.#forget(dialogue);
  }

  #begin(message: GsupMessage): void {
    const deps = this.#deps;
    const dialled = readBegin(deps, message);
    if (!dialled) return;
    // An MSC that began anew has forgotten the old one.
    const before = this.#dialogues.get(keyOf(message));
    if (before) this.#forget(before);
    const { dialogue, text } = this.#newDialogue(message, dialled);
    // Steps of dialogues that were begun anew under the same session still run, and count.
    const hands = Math.max(this.#dialogues.size, this.#steps.size);
    if (this.#isAway || hands >= limits.gsupDialoguesMax) {
      deps.onEvent({ direction: 'in', kind: 'begin', outcome: 'busy' });
      finish(deps, dialogue, plain(deps.gateway, screens.unavailable(deps.gateway.language)).text);
      return;
    }
    deps.onEvent({ direction: 'in', kind: 'begin', outcome: 'ok' });
    this.#dialogues.set(keyOf(message), dialogue);
    this.#run(dialogue, { kind: 'last', text, first: true, name: '0' });
  }

  #newDialogue(message: GsupMessage, dialled: Dialled): { dialogue: Dialogue; text: string } {
    const { imsi, session } = message;
    const { serviceCode, text } = readDialled(dialled.text, this.#deps.codes);
    this.#begun += 1;
    const name = `${session.toString(16)}-${this.#deps.clock.now().getTime().toString(36)}-${this.#begun}`;
    const from = { imsi, session, origin: dialled.origin, name, serviceCode };
    return { dialogue: { ...from, number: undefined, asked: undefined, questions: 0, idle: undefined }, text };
  }

  #carryOn(message: GsupMessage): void {
    const deps = this.#deps;
    const dialogue = this.#dialogues.get(keyOf(message));
    const component = message.ss && decodeComponent(message.ss);
    if (!dialogue) {
      // Ours no longer, after a restart say: the phone hears so at once, and a redial finds where the dialogue stood.
      deps.onEvent({ direction: 'in', kind: 'answer', outcome: 'lost' });
      fail(deps, { ...message, origin: component?.id ?? 0, error: ssErrors.systemFailure });
      return;
    }
    if (component?.kind === 'result' && component.id !== dialogue.asked) {
      // An answer to nothing we wait for, a repeat say, changes nothing.
      deps.onEvent({ direction: 'in', kind: 'answer', outcome: 'odd' });
      return;
    }
    const text = answerIn(component);
    deps.onEvent({ direction: 'in', kind: 'answer', outcome: text === undefined ? 'odd' : 'ok' });
    if (text === undefined) {
      fail(deps, { ...dialogue, error: ssErrors.unexpectedDataValue });
      this.#forget(dialogue);
      return;
    }
    clearTimeout(dialogue.idle);
    dialogue.asked = undefined;
    this.#run(dialogue, { kind: 'last', text, first: false, name: String(dialogue.questions) });
  }

  /** Hung up, at the phone or at the HLR. */
  #end(message: GsupMessage): void {
    this.#deps.onEvent({ direction: 'in', kind: 'end', outcome: message.type === 'error' ? 'odd' : 'ok' });
    const dialogue = this.#dialogues.get(keyOf(message));
    if (dialogue) this.#forget(dialogue);
  }

  #run(dialogue: Dialogue, input: UssdInput): void {
    const step = answer(this.#deps, dialogue, input).then((reply) => {
      // Hung up, or dialled anew, while we were thinking.
      if (this.#dialogues.get(keyOf(dialogue)) !== dialogue) return;
      if (!reply.end && ask(this.#deps, dialogue, reply.text)) {
        dialogue.idle = setTimeout(() => this.#giveUp(dialogue), this.#deps.idleMs);
        return;
      }
      // Said before it is forgotten: whoever leaves when all is quiet has then said it.
      if (reply.end) finish(this.#deps, dialogue, reply.text);
      this.#forget(dialogue);
    });
    this.#steps.add(step);
    void step.finally(() => this.#steps.delete(step));
  }

  #giveUp(dialogue: Dialogue): void {
    fail(this.#deps, { ...dialogue, error: ssErrors.systemFailure });
    this.#forget(dialogue);
  }

  #forget(dialogue: Dialogue): void {
    clearTimeout(dialogue.idle);
    const key = keyOf(dialogue);
    if (this.#dialogues.get(key) !== dialogue) return;
    this.#dialogues.delete(key);
    if (this.#dialogues.size === 0) this.#deps.onQuiet();
  }
}

function keyOf({ imsi, session }: Pick<GsupMessage, 'imsi' | 'session'>): string {
  return `${imsi} ${session}`;
}

/** What was dialled, or undefined when it is no request of a phone: that has been answered then. */
function readBegin(deps: GsupDialoguesDeps, message: GsupMessage): Dialled | undefined {
  const component = message.ss && decodeComponent(message.ss);
  const odd = (): undefined => {
    deps.onEvent({ direction: 'in', kind: 'begin', outcome: 'odd' });
  };
  if (component?.kind !== 'invoke') {
    const { imsi, session } = message;
    transmit(deps, 'error', encodeGsup({ type: 'error', imsi, session, state: 'end', cause: INVALID_MANDATORY }));
    return odd();
  }
  const origin = component.id;
  if (component.operation !== operations.processRequest) {
    fail(deps, { ...message, origin, error: ssErrors.facilityNotSupported });
    return odd();
  }
  const text = component.text && decodeText(component.text);
  if (text === undefined) {
    fail(deps, { ...message, origin, error: ssErrors.unknownAlphabet });
    return odd();
  }
  return { origin, text };
}

/** The person's answer; undefined for a phone's no, and for what is no answer. */
function answerIn(component: Component | undefined): string | undefined {
  if (component?.kind !== 'result') return undefined;
  // Nothing typed at all comes as a result without a text.
  return component.text ? decodeText(component.text) : '';
}

/** Never throws: a phone that waits is told something. */
async function answer(deps: GsupDialoguesDeps, dialogue: Dialogue, input: UssdInput): Promise<UssdReply> {
  const { engine, gateway, numbers, onError } = deps;
  try {
    const number = dialogue.number ?? (await numbers.numberOf(dialogue.imsi));
    if (number === 'not_served') return plain(gateway, screens.notServed(gateway.language));
    // The number of a dialogue is found once: it cannot change between a question and its answer.
    dialogue.number = number;
    const { name: session, serviceCode } = dialogue;
    return await engine.step({ gateway, session, msisdn: number, serviceCode, input });
  } catch (error) {
    onError?.(error);
    return plain(gateway, screens.unavailable(gateway.language));
  }
}

function plain(gateway: UssdGateway, screen: Screen): UssdReply {
  return { text: show(screen, gateway.limits, gateway.language).text, end: true };
}

function ask(deps: GsupDialoguesDeps, dialogue: Dialogue, text: string): boolean {
  dialogue.questions += 1;
  dialogue.asked = dialogue.questions % INVOKE_IDS;
  const { imsi, session, asked: id } = dialogue;
  const component: Component = { kind: 'invoke', id, operation: operations.request, text: encodeText(text) };
  const ss = encodeComponent(component, deps.lengths);
  return transmit(deps, 'question', encodeGsup({ type: 'result', imsi, session, state: 'continue', ss }));
}

function finish(deps: GsupDialoguesDeps, { imsi, session, origin: id }: Dialogue, text: string): void {
  const component: Component = { kind: 'result', id, operation: operations.processRequest, text: encodeText(text) };
  const ss = encodeComponent(component, deps.lengths);
  transmit(deps, 'final', encodeGsup({ type: 'result', imsi, session, state: 'end', ss }));
}

type Failure = Pick<Dialogue, 'imsi' | 'session' | 'origin'> & { readonly error: number };

/** Ends a session with an error of the network, which the phone shows in its own words. */
function fail(deps: GsupDialoguesDeps, { imsi, session, origin: id, error }: Failure): void {
  const ss = encodeComponent({ kind: 'error', id, error });
  transmit(deps, 'error', encodeGsup({ type: 'result', imsi, session, state: 'end', ss }));
}

function transmit(deps: GsupDialoguesDeps, kind: 'question' | 'final' | 'error', octets: Uint8Array): boolean {
  const isSent = deps.send(octets);
  deps.onEvent({ direction: 'out', kind, outcome: isSent ? 'ok' : 'lost' });
  return isSent;
}
