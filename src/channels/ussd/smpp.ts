import { randomUUID } from 'node:crypto';
import { type Keyring, mac128 } from '../../base/keyring.ts';
import { limits } from '../../base/limits.ts';
import { type Msisdn, parseMsisdn } from '../../base/msisdn.ts';
import { Refusal } from '../../base/refusal.ts';
import {
  carry,
  type Delivered,
  decodeText,
  encodeText,
  type MessageFields,
  message,
  readPart,
  type Submission,
  type TextCoding,
  type Verdict,
} from '../../wire/smpp/index.ts';
import { readDialled } from './dialling.ts';
import type { UssdEngine } from './engine.ts';
import type { UssdGateway } from './gateway.ts';
import type { UssdReply } from './memory.ts';
import { screens, show } from './screens.ts';
import {
  type DialectName,
  isUssd,
  operations,
  partOfReply,
  readPartOfDialogue,
  type UssdPart,
} from './smpp_dialects.ts';

/** Bits 5 to 2 of esm_class (SMPP 3.4, 5.2.12): what is no plain message. */
const KIND = 0x3c;

export type SmppUssdOptions = {
  readonly engine: Pick<UssdEngine, 'step'>;
  readonly gateway: UssdGateway;
  readonly keyring: Keyring;
  readonly dialect: DialectName;
  /** Codes that lead here, `*111#`. */
  readonly codes: readonly string[];
  readonly coding: TextCoding;
  /** Whether even a short text goes into `message_payload`. */
  readonly payload: 'when_long' | 'always';
  /** How long a person may think before the dialogue is taken for dropped. */
  readonly idleMs?: number;
  readonly send: (fields: MessageFields) => Promise<Submission>;
  readonly onError?: ((error: unknown) => void) | undefined;
};

/**
 * Dialogues of one bind to a USSD gateway. A step is answered at once, before its work is done: the screen follows as a message of its own.
 * What names a dialogue is all in its messages, so that any process with a bind of the same operator can take its next step.
 */
export class SmppUssd {
  readonly #options: SmppUssdOptions;
  readonly #open = new Map<string, NodeJS.Timeout>();
  readonly #steps = new Set<Promise<void>>();
  #isAway = false;
  readonly #listeners: (() => void)[] = [];

  constructor(options: SmppUssdOptions) {
    this.#options = options;
  }

  /** Dialogues in which a person may still answer. */
  get open(): number {
    return this.#open.size;
  }

  /** While true, nobody can begin: the gateway is asked to try elsewhere, or later. Dialogues that have begun go on. */
  turnAway(isAway: boolean): void {
    this.#isAway = isAway;
  }

  /** Resolves when every step in hand is answered, whatever became of the answer. */
  async settled(): Promise<void> {
    while (this.#steps.size > 0) await Promise.all(this.#steps);
  }

  /** Resolves when no person is expected to answer any more. */
  async quiet(): Promise<void> {
    if (this.#open.size > 0) await new Promise<void>((resolve) => this.#listeners.push(resolve));
  }

  close(): void {
    for (const session of [...this.#open.keys()]) this.#forget(session);
  }

  take(delivered: Delivered): Verdict {
    const part = readPartOfDialogue(delivered.tlvs, this.#options.dialect);
    const dialled = this.#readDialled(delivered);
    const number = numberOf(delivered.source.address);
    if (number === 'invalid' || this.#isStray(delivered, dialled.isOurs)) return 'never';
    if (number === 'not_served') return this.#sendAway(delivered);
    const session = this.#nameOf(number, part);
    if (part.isOver) {
      // Whether a last screen was seen is not said: a redial is told once more what happened.
      this.#forget(session);
      return 'taken';
    }
    const first = part.operation === undefined ? dialled.isOurs : part.operation === operations.begin;
    if (!first && part.operation !== undefined && part.operation !== operations.answer) return 'taken';
    if (first && (this.#isAway || this.#open.size >= limits.smppDialoguesMax)) return 'later';
    if (this.#steps.size >= limits.smppStepsMax) return 'later';
    this.#keep(session);
    // A begin is always one: a repeat of it shows the same screen again, and a card credits a number once.
    const name = first ? randomUUID() : (part.step ?? randomUUID());
    const { serviceCode, text } = first ? dialled : { serviceCode: dialled.serviceCode, text: this.#textOf(delivered) };
    this.#run(this.#step({ delivered, number, session, serviceCode, input: { kind: 'last', text, first, name } }));
    return 'taken';
  }

  /** A receipt, or a text message: whoever names no dialogue in any way must at least have dialled our code. */
  #isStray(delivered: Delivered, isOurs: boolean): boolean {
    if (isUssd(delivered) || isOurs) return false;
    return this.#options.dialect !== 'huawei' || (delivered.esmClass & KIND) !== 0;
  }

  /** No number and no secret: what the database keeps of a dialogue is found by it. */
  #nameOf(number: Msisdn, { session }: UssdPart): string {
    return mac128(this.#options.keyring.numberIndexKey, `smpp dialogue ${number} ${session}`);
  }

  /** The code stands in the text, or the text holds what was dialled behind it and the code is the address. */
  #readDialled(delivered: Delivered): { serviceCode: string; text: string; isOurs: boolean } {
    const { codes } = this.#options;
    const text = this.#textOf(delivered);
    const inText = readDialled(text, codes);
    if (codes.includes(inText.serviceCode)) return { ...inText, isOurs: true };
    const address = delivered.destination.address.replace(/^\*|#$/g, '');
    const inAddress = readDialled(`*${address}#`, codes);
    const behind = text.replace(/^\*|#$/g, '');
    if (codes.includes(inAddress.serviceCode))
      return { serviceCode: inAddress.serviceCode, text: behind === address ? '' : behind, isOurs: false };
    return { serviceCode: codes[0] ?? text, text: '', isOurs: false };
  }

  /** Octets that are no text are nothing typed. */
  #textOf(delivered: Delivered): string {
    return decodeText(readPart(delivered).octets, delivered.dataCoding, this.#options.coding) ?? '';
  }

  async #step({ delivered, number, ...step }: Step): Promise<void> {
    const { engine, gateway } = this.#options;
    const reply = await engine.step({ gateway, msisdn: number, ...step });
    if (reply.end) this.#forget(step.session);
    const submission = await this.#say(delivered, reply);
    // The gateway does not want the screen, so it has no dialogue to show it in.
    if (submission.kind === 'refused') this.#forget(step.session);
  }

  #sendAway(delivered: Delivered): Verdict {
    const { gateway } = this.#options;
    const { text } = show(screens.notServed(gateway.language), gateway.limits, gateway.language);
    this.#run(this.#say(delivered, { text, end: true }));
    return 'taken';
  }

  #say(delivered: Delivered, { text, end }: UssdReply): Promise<Submission> {
    const { dialect, coding, payload, send } = this.#options;
    const { octets, dataCoding } = encodeText(text, coding);
    const carried = carry(octets, payload);
    return send(
      message({
        serviceType: delivered.serviceType,
        source: delivered.destination,
        destination: delivered.source,
        dataCoding,
        message: carried.message,
        tlvs: [...carried.tlvs, ...partOfReply(delivered.tlvs, { dialect, end })],
      }),
    );
  }

  #run(work: Promise<unknown>): void {
    const step = work.then(
      () => undefined,
      (error: unknown) => this.#options.onError?.(error),
    );
    this.#steps.add(step);
    void step.then(() => this.#steps.delete(step));
  }

  #keep(session: string): void {
    clearTimeout(this.#open.get(session));
    this.#open.set(
      session,
      setTimeout(() => this.#forget(session), this.#options.idleMs ?? limits.ussdSessionMs),
    );
  }

  #forget(session: string): void {
    clearTimeout(this.#open.get(session));
    this.#open.delete(session);
    if (this.#open.size === 0) for (const resolve of this.#listeners.splice(0)) resolve();
  }
}

type Step = {
  readonly delivered: Delivered;
  readonly number: Msisdn;
  readonly session: string;
  readonly serviceCode: string;
  readonly input: { readonly kind: 'last'; readonly text: string; readonly first: boolean; readonly name: string };
};

function numberOf(address: string): Msisdn | 'not_served' | 'invalid' {
  try {
    return parseMsisdn(address);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.code === 'msisdn.invalid' ? 'invalid' : 'not_served';
  }
}
