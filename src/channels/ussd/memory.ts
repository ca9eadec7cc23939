import { type Keyring, mac128, seal, unseal } from '../../base/keyring.ts';
import { Secret } from '../../base/secret.ts';
import type { Language } from '../../i18n/index.ts';
import type { Credit } from './screens.ts';

/** A card code between being typed and being confirmed: sealed under the master key, bound to its dialogue. */
export type HeldCode = {
  readonly sealed: string;
  /** The last digits, for the person to recognise. */
  readonly tail: string;
  /** When it was typed: a credit after that instant is this dialogue's own. */
  readonly typedAt: string;
};

/** Where the dialogue stands: what the next answer will be taken for. */
export type Place =
  | { readonly at: 'main' | 'more' | 'language' | 'code' | 'refused' | 'ended' }
  | { readonly at: 'confirm' | 'resume'; readonly code: HeldCode }
  /** A yes was given and its outcome is not known: asking again is safe, and the next dialogue does. */
  | { readonly at: 'asked'; readonly code: HeldCode }
  | { readonly at: 'pages'; readonly rest: readonly string[] };

export type UssdReply = { readonly text: string; readonly end: boolean };

/** All that is kept of a dialogue between two steps. */
export type Memory = {
  readonly version: 1;
  /** Names the step answered last, see `readInput`. */
  readonly mark: string;
  readonly language: Language;
  readonly place: Place;
  readonly reply: UssdReply;
  readonly credit?: Credit;
};

export function encode(memory: Memory): string {
  return JSON.stringify(memory);
}

/** What another version of the program wrote is not guessed at: the dialogue starts again. */
export function decode(state: string): Memory | undefined {
  const memory: Memory = JSON.parse(state);
  return memory.version === 1 ? memory : undefined;
}

/**
 * What a step brings: everything typed since dialling, joined by `*`, as Africa's Talking repeats it each time; or this step's
 * answer alone, with a name that a repeat of the step shares. Where a protocol names no steps, a repeat is known as one before the first
 * answer and after the last screen; in between the same answer may be meant twice, and no money moves there.
 */
export type UssdInput =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'last'; readonly text: string; readonly first: boolean; readonly name: string | undefined };

/** A step read against what is remembered. `direct` marks a code dialled with the card's code in it: `*111*PIN#`. */
export type Reading =
  | { readonly kind: 'repeat' }
  | { readonly kind: 'begin'; readonly text: string; readonly direct: boolean }
  | { readonly kind: 'answer'; readonly text: string };

/** `mark` is the input's own, see `markOf`. */
export function readInput(
  { input, mark }: { input: UssdInput; mark: string },
  memory: Memory | undefined,
  keyring: Keyring,
): Reading {
  if (memory && memory.mark === mark && isRepeat(input, memory)) return { kind: 'repeat' };
  if (input.kind === 'last') {
    if (memory && !input.first) return { kind: 'answer', text: input.text };
    return { kind: 'begin', text: input.text, direct: input.first };
  }
  const { path } = input;
  // Stars are part of what people type, so without memory of this session only a path without one is surely a first answer.
  if (!memory) return { kind: 'begin', text: path.includes('*') ? '' : path, direct: true };
  const seen = lengthOf(memory.mark);
  // An earlier step that arrives late: the screen has moved on.
  if (path.length <= seen) return { kind: 'repeat' };
  const isNext = markOf({ kind: 'path', path: path.slice(0, seen) }, keyring) === memory.mark;
  if (!isNext || (seen > 0 && path[seen] !== '*')) return { kind: 'begin', text: '', direct: false };
  return { kind: 'answer', text: path.slice(seen === 0 ? 0 : seen + 1) };
}

/** Of a step whose mark is that of the step answered last. */
function isRepeat(input: UssdInput, memory: Memory): boolean {
  return input.kind === 'path' || input.name !== undefined || input.first || memory.reply.end;
}

/** A path holds card codes, so it is remembered by its length and a keyed hash, never as it is. */
export function markOf(input: UssdInput, keyring: Keyring): string {
  const [length, text] = input.kind === 'path' ? [input.path.length, input.path] : [-1, nameOf(input)];
  return `${length} ${mac128(keyring.numberIndexKey, `ussd step ${text}`)}`;
}

/** What was typed may be a card's code: it goes no further than into the hash. */
function nameOf({ name, first, text }: Extract<UssdInput, { kind: 'last' }>): string {
  return name ?? `${first ? 'first' : 'next'} ${text}`;
}

function lengthOf(mark: string): number {
  return Number(mark.slice(0, mark.indexOf(' ')));
}

const TAIL_DIGITS = 4;

type Where = { readonly gateway: string; readonly session: string };

export function holdCode(keyring: Keyring, code: Secret, held: Where & { typedAt: string }): HeldCode {
  // Revealed into the seal; the last four digits alone are shown and kept.
  const digits = code.reveal();
  const sealed = seal(keyring.masterKey, Buffer.from(digits), contextOf(held)).toString('base64');
  return { sealed, tail: digits.slice(-TAIL_DIGITS), typedAt: held.typedAt };
}

export function openCode(keyring: Keyring, code: HeldCode, where: Where): Secret {
  return new Secret(unseal(keyring.masterKey, Buffer.from(code.sealed, 'base64'), contextOf(where)).toString());
}

function contextOf({ gateway, session }: Where): string {
  return `ussd ${gateway} ${session}`;
}
