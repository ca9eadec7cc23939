import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { Secret } from '../../base/secret.ts';
import { type Link, openLink, type Where, wordOf } from './link.ts';
import { type MessageFields, type Pdu, refusalOf } from './pdu.ts';
import type { Patience, Submission } from './queue.ts';
import { doubled, Sender, spread } from './sender.ts';
import { statuses, statusName } from './status.ts';

/** A message or a receipt that the other side delivers. */
export type Delivered = Extract<Pdu, { readonly command: 'deliver_sm' | 'data_sm' }>;

/** What it is answered with: `later` asks for the same again, `never` says that it will not be taken. */
export type Verdict = 'taken' | 'later' | 'never';

export type EsmeTimings = {
  readonly connectMs: number;
  readonly bindMs: number;
  readonly enquireMs: number;
  readonly enquireAnswerMs: number;
  readonly answerMs: number;
  readonly unbindMs: number;
  readonly deliverMs: number;
  readonly reconnectMsMin: number;
  readonly reconnectMsMax: number;
  readonly throttleMsMin: number;
  readonly throttleMsMax: number;
};

export type EsmeOptions = Where & {
  readonly systemId: string;
  readonly password: Secret;
  readonly systemType: string;
  readonly bind: 'transceiver' | 'transmitter' | 'receiver';
  readonly addressRange?: string | undefined;
  /** Messages sent and not answered yet. */
  readonly window: number;
  /** Messages in any second; as many as the window lets through where nothing is said. */
  readonly perSecond?: number | undefined;
  readonly clock: Clock;
  readonly timings?: Partial<EsmeTimings> | undefined;
  /** Answered as soon as this does, so what it waits for is kept short; `later` where it takes too long or throws. */
  readonly onMessage: (message: Delivered) => Verdict | Promise<Verdict>;
  readonly hooks?: EsmeHooks | undefined;
};

export type EsmeHooks = {
  /** Every message and what became of it, for figures. */
  readonly onCount?: (counted: { direction: 'in' | 'out'; kind: string; outcome: string }) => void;
  readonly onTrace?: (direction: 'in' | 'out', pdu: Pdu) => void;
  readonly onError?: (error: unknown) => void;
};

/**
 * `down`: nobody is connected, and it is tried again soon. `refused`: the other side does not want this bind; it is tried again all the
 * same. `throttled`: bound, and asked to send less. `unbound`: left on purpose.
 */
export type EsmeState = 'connecting' | 'bound' | 'throttled' | 'refused' | 'down' | 'unbinding' | 'unbound';

export type EsmeStatus = {
  readonly state: EsmeState;
  readonly since: Date;
  readonly lastError: string | undefined;
  readonly outstanding: number;
  readonly waiting: number;
};

const usualTimings: EsmeTimings = {
  connectMs: limits.smppConnectMs,
  bindMs: limits.smppBindMs,
  enquireMs: limits.smppEnquireMs,
  enquireAnswerMs: limits.smppEnquireAnswerMs,
  answerMs: limits.smppAnswerMs,
  unbindMs: limits.smppUnbindMs,
  deliverMs: limits.smppDeliverMs,
  reconnectMsMin: limits.smppReconnectMsMin,
  reconnectMsMax: limits.smppReconnectMsMax,
  throttleMsMin: limits.smppThrottleMsMin,
  throttleMsMax: limits.smppThrottleMsMax,
};

const verdicts = {
  taken: statuses.ok,
  later: statuses.temporaryAppError,
  never: statuses.permanentAppError,
} as const;

type Ended = { readonly why: string; readonly wasBound: boolean; readonly refused: boolean };

/**
 * One bind to an SMS centre (an ESME, SMPP 3.4), kept up as long as it is wanted: reconnected when it is lost, slowed down when it is
 * asked to be. A message is never sent twice from here, unless the refusal of the first says that it was not taken.
 */
export class Esme {
  readonly #options: EsmeOptions;
  readonly #timings: EsmeTimings;
  readonly #sender: Sender;
  #status: Pick<EsmeStatus, 'state' | 'since' | 'lastError'>;
  #link: Link | undefined;
  #inbound = 0;
  #wanted = true;
  #wake: (() => void) | undefined;
  #running: Promise<void>;

  constructor(options: EsmeOptions) {
    this.#options = options;
    this.#timings = { ...usualTimings, ...options.timings };
    this.#sender = new Sender({
      window: options.window,
      perSecond: options.perSecond,
      ...this.#timings,
      onThrottle: (isThrottled) => this.#throttled(isThrottled),
    });
    this.#status = { state: 'connecting', since: options.clock.now(), lastError: undefined };
    this.#running = this.#run();
  }

  get status(): EsmeStatus {
    return { ...this.#status, outstanding: this.#sender.outstanding, waiting: this.#sender.waiting };
  }

  /** Sends a message when it is its turn, and answers what became of it. Never throws for what the network does. */
  async submit(fields: MessageFields, patience: Patience): Promise<Submission> {
    const mayNot = !this.#wanted || this.#options.bind === 'receiver';
    const submission: Submission = mayNot
      ? { kind: 'unsent', why: 'down' }
      : await this.#sender.submit({ command: 'submit_sm', ...fields }, patience);
    const outcome = submission.kind === 'unsent' ? `unsent_${submission.why}` : submission.kind;
    this.#count('out', 'submit_sm', outcome);
    return submission;
  }

  /** Leaves in good order: what was sent is waited for, what waits is not sent any more. Nothing comes or goes until `bind`. */
  async unbind(): Promise<void> {
    this.#wanted = false;
    this.#wake?.();
    const link = this.#link;
    if (link?.isBound) this.#become('unbinding');
    await this.#sender.stop();
    if (link?.isBound) await link.request({ command: 'unbind' }, this.#timings.unbindMs);
    link?.end('unbound');
    await this.#running;
    this.#become('unbound');
  }

  /** Wanted again, after `unbind`. */
  bind(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#running = this.#running.then(() => this.#run());
  }

  async #run(): Promise<void> {
    let tries = 0;
    while (this.#wanted) {
      this.#become('connecting');
      const ended = await this.#session();
      if (!this.#wanted) return;
      this.#become(ended.refused ? 'refused' : 'down', ended.why);
      tries = ended.wasBound ? 0 : tries + 1;
      const { reconnectMsMin: min, reconnectMsMax: max } = this.#timings;
      await this.#sleep(spread(doubled(tries, { min, max })));
    }
  }

  /** One connection from its beginning to its end. */
  async #session(): Promise<Ended> {
    const { promise: over, resolve: onEnd } = Promise.withResolvers<string>();
    try {
      const link = await openLink(this.#options, this.#timings, {
        onRequest: (pdu) => this.#requested(pdu),
        onUnreadable: () => this.#count('in', 'unknown', 'unreadable'),
        onTrace: (direction, pdu) => this.#options.hooks?.onTrace?.(direction, pdu),
        onEnd,
      });
      this.#link = link;
      const refusal = this.#wanted ? await this.#bind(link) : { refused: false, why: 'unbound' };
      if (refusal) {
        link.end(refusal.why);
        return { ...refusal, wasBound: false };
      }
      this.#become('bound');
      this.#sender.use(link);
      return { why: await over, wasBound: true, refused: false };
    } catch (error) {
      return { why: wordOf(error), wasBound: false, refused: false };
    } finally {
      this.#sender.use(undefined);
      this.#link = undefined;
    }
  }

  /** Undefined when bound, else why not. */
  async #bind(link: Link): Promise<{ refused: boolean; why: string } | undefined> {
    const { systemId, password, systemType, addressRange = '', bind } = this.#options;
    const reply = await link.request(
      {
        command: `bind_${bind}`,
        systemId,
        // Revealed to the SMS centre that it opens.
        password: password.reveal(),
        systemType,
        interfaceVersion: INTERFACE_VERSION,
        ton: 0,
        npi: 0,
        addressRange,
      },
      this.#timings.bindMs,
    );
    if (reply.kind !== 'answered') return { refused: false, why: 'bind unanswered' };
    if (link.isBound) return undefined;
    return { refused: true, why: `bind refused: ${statusName(reply.pdu.status)}` };
  }

  #requested(pdu: Pdu): void {
    const link = this.#link;
    if (!link) return;
    switch (pdu.command) {
      case 'deliver_sm':
      case 'data_sm':
        void this.#delivered(link, pdu);
        return;
      case 'unbind':
        link.answer({ ...pdu, command: 'unbind_resp' });
        link.end('unbound by the other side');
        return;
      default:
        link.refuse(refusalOf({ id: 0, sequence: pdu.sequence, status: statuses.invalidCommand }));
    }
  }

  async #delivered(link: Link, pdu: Delivered): Promise<void> {
    const verdict = link.isBound && this.#inbound < limits.smppInboundMax ? await this.#judge(pdu) : 'later';
    const { sequence, command } = pdu;
    this.#count('in', command, verdict);
    link.answer({ command: `${command}_resp`, sequence, status: verdicts[verdict], messageId: '', tlvs: [] });
  }

  async #judge(pdu: Delivered): Promise<Verdict> {
    this.#inbound += 1;
    const { promise: late, resolve } = Promise.withResolvers<Verdict>();
    const timer = setTimeout(() => resolve('later'), this.#timings.deliverMs);
    try {
      return await Promise.race([this.#options.onMessage(pdu), late]);
    } catch (error) {
      this.#options.hooks?.onError?.(error);
      return 'later';
    } finally {
      this.#inbound -= 1;
      clearTimeout(timer);
    }
  }

  #throttled(isThrottled: boolean): void {
    if (isThrottled) this.#count('out', 'submit_sm', 'throttled');
    if (!this.#link?.isBound || this.#status.state === 'unbinding') return;
    if (isThrottled) this.#become('throttled', statusName(statuses.throttled));
    else this.#become('bound');
  }

  #become(state: EsmeState, error?: string): void {
    const lastError = error ?? this.#status.lastError;
    const since = state === this.#status.state ? this.#status.since : this.#options.clock.now();
    this.#status = { state, since, lastError };
  }

  #count(direction: 'in' | 'out', kind: string, outcome: string): void {
    this.#options.hooks?.onCount?.({ direction, kind, outcome });
  }

  async #sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }
}

const INTERFACE_VERSION = 0x34;
