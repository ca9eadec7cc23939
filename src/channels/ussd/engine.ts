import { limits } from '../../base/limits.ts';
import type { Msisdn } from '../../base/msisdn.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Dialogue, DialogueRef, Dialogues } from '../../dialogues/index.ts';
import type { Language } from '../../i18n/index.ts';
import type { UssdGateway } from './gateway.ts';
import {
  decode,
  encode,
  type Memory,
  markOf,
  type Place,
  readInput,
  type UssdInput,
  type UssdReply,
} from './memory.ts';
import { type Shown, screens, show } from './screens.ts';
import { answer, begin, beginDirect } from './talk.ts';
import type { Talk, TalkDeps, Turn } from './turn.ts';

/** One step of a dialogue, whatever protocol brought it. */
export type UssdStep = {
  readonly gateway: UssdGateway;
  readonly session: string;
  readonly msisdn: Msisdn;
  readonly serviceCode: string;
  readonly input: UssdInput;
};

export type UssdEngine = {
  /**
   * The next screen. Always answers, within `limits.ussdStepMs`. A repeated step gets the reply it got before; however often and
   * wherever a yes is repeated, money moves once, because a card credits a number once.
   */
  step(step: UssdStep): Promise<UssdReply>;
  /** The gateway says that the dialogue is over. Once its last screen was delivered, a redial need not tell it again. */
  ended(notice: Pick<UssdStep, 'gateway' | 'session' | 'msisdn'> & { readonly delivered: boolean }): Promise<void>;
};

export type UssdDeps = TalkDeps & {
  readonly dialogues: Pick<Dialogues, 'load' | 'save' | 'end'>;
  /** Where a gateway waits less than `limits.ussdStepMs`. */
  readonly stepMs?: number;
};

export function createUssdEngine(deps: UssdDeps): UssdEngine {
  const turns = new Map<string, Promise<UssdReply>>();
  return {
    step(step) {
      const key = `${step.gateway.id} ${step.session}`;
      const progress = { redeeming: false, language: step.gateway.language };
      // Steps of one session run one after the other, so that a repeat sent in parallel finds the first one's reply.
      const before = turns.get(key) ?? Promise.resolve();
      const turn = before.then(
        () => take(deps, step, progress),
        () => take(deps, step, progress),
      );
      turns.set(key, turn);
      const forget = (): void => {
        if (turns.get(key) === turn) turns.delete(key);
      };
      turn.then(forget, (error: unknown) => {
        forget();
        if (!(error instanceof Refusal)) deps.onError?.(error);
      });
      return inTime(turn, () => sorryReply(step, progress), deps.stepMs ?? limits.ussdStepMs);
    },
    async ended({ gateway, session, msisdn, delivered }) {
      if (!delivered) return;
      const ref = { gateway: gateway.id, session, number: deps.subscribers.refer(msisdn).index };
      const { own } = await deps.dialogues.load({ ...ref, earlier: false });
      const memory = own && decode(own.state);
      if (memory?.place.at === 'ended' && memory.reply.end) await deps.dialogues.end(ref);
    },
  };
}

/** How far a step has come, for the words to use when its answer does not arrive. */
type Progress = { redeeming: boolean; language: Language };

/** The person hears something before the gateway gives up; the work itself goes on and is remembered. */
async function inTime(turn: Promise<UssdReply>, sorry: () => UssdReply, ms: number): Promise<UssdReply> {
  const { promise: late, resolve } = Promise.withResolvers<UssdReply>();
  const timer = setTimeout(() => resolve(sorry()), ms);
  try {
    return await Promise.race([turn, late]);
  } catch {
    // Reported where the turn was taken.
    return sorry();
  } finally {
    clearTimeout(timer);
  }
}

/** Once money was asked to move, "not done" would be a guess. */
function sorryReply({ gateway }: UssdStep, { redeeming, language }: Progress): UssdReply {
  const screen = redeeming ? screens.unknown(language) : screens.unavailable(language);
  return replyOf(show(screen, gateway.limits, language));
}

async function take(deps: UssdDeps, step: UssdStep, progress: Progress): Promise<UssdReply> {
  const ref: DialogueRef = {
    gateway: step.gateway.id,
    session: step.session,
    number: deps.subscribers.refer(step.msisdn).index,
  };
  const { own, earlier } = await deps.dialogues.load({ ...ref, earlier: opens(step.input) });
  const memory = own && decode(own.state);
  const mark = markOf(step.input, deps.keyring);
  const reading = readInput({ input: step.input, mark }, memory, deps.keyring);
  if (reading.kind === 'repeat' && memory) return memory.reply;
  const before = beforeOf(deps, step, { own, earlier });
  const language = memory && reading.kind === 'answer' ? memory.language : await languageOf(deps, step, before?.memory);
  progress.language = language;
  const talk: Talk = { ...step, language, onRedeem: () => (progress.redeeming = true) };
  const turn = await turnOf(deps, talk, { reading, memory, before });
  const said = turn.language ?? language;
  const shown = 'versions' in turn.show ? show(turn.show, step.gateway.limits, said) : turn.show;
  const reply = replyOf(shown);
  const next: Memory = {
    version: 1,
    mark,
    language: said,
    place: placeOf(turn, shown),
    reply,
    ...creditOf(turn, memory),
  };
  const startedAt = memory && reading.kind === 'answer' ? (own?.startedAt ?? deps.clock.now()) : deps.clock.now();
  await remember(deps, { ...ref, state: encode(next), startedAt });
  return reply;
}

type Before = { readonly memory: Memory; readonly session: Dialogue };

function turnOf(
  deps: UssdDeps,
  talk: Talk,
  {
    reading,
    memory,
    before,
  }: { reading: ReturnType<typeof readInput>; memory: Memory | undefined; before: Before | undefined },
): Promise<Turn> | Turn {
  if (reading.kind === 'answer' && memory) return answer(deps, talk, { place: memory.place, text: reading.text });
  if (reading.kind !== 'begin' || reading.text === '') return begin(deps, talk, before);
  if (reading.direct) return beginDirect(deps, talk, reading.text);
  // Its memory is lost, and what was typed answered a screen we no longer know: taken as an answer to the first one.
  return answer(deps, talk, { place: { at: 'main' }, text: reading.text });
}

/** Whether a step may be a first one, for which the number's other dialogues matter. */
function opens(input: UssdInput): boolean {
  return input.kind === 'path' ? input.path === '' : input.first;
}

/**
 * The number's dialogue of a moment ago: another one, or one of the same session id, where a gateway uses ids again or has none. A step's
 * own dialogue is no earlier one.
 */
function beforeOf(
  { clock }: UssdDeps,
  { input }: UssdStep,
  { own, earlier }: { own: Dialogue | undefined; earlier: Dialogue | undefined },
): Before | undefined {
  const since = clock.now().getTime() - limits.ussdSessionMs;
  const again = input.kind === 'last' && input.first && own && own.startedAt.getTime() > since ? own : undefined;
  const latest = again && (!earlier || again.startedAt > earlier.startedAt) ? again : earlier;
  return latest && remembered(latest);
}

function remembered(session: Dialogue): Before | undefined {
  const memory = decode(session.state);
  return memory && { memory, session };
}

/** The number's own choice, else that of the dialogue it has just had, else the gateway's. */
async function languageOf(deps: UssdDeps, step: UssdStep, before: Memory | undefined): Promise<Language> {
  const known = await deps.subscribers.read(step.msisdn);
  return known?.language ?? before?.language ?? step.gateway.language;
}

function placeOf(turn: Turn, shown: Shown): Place {
  return shown.rest.length > 0 ? { at: 'pages', rest: shown.rest } : turn.place;
}

/** The news of a credit stays with the dialogue until it is told to have arrived. */
function creditOf(turn: Turn, memory: Memory | undefined): Pick<Memory, 'credit'> {
  const credit = turn.credit ?? memory?.credit;
  return credit ? { credit } : {};
}

function replyOf({ text, end }: Shown): UssdReply {
  return { text, end };
}

/** A reply is owed even when it cannot be remembered: what it tells has happened. */
async function remember(deps: UssdDeps, dialogue: Omit<Dialogue, 'updatedAt'>): Promise<void> {
  try {
    await deps.dialogues.save(dialogue);
  } catch (error) {
    if (!(error instanceof Refusal)) deps.onError?.(error);
  }
}
