import { concat } from './ipa.ts';

/** 3GPP TS 24.080, table 4.5: what is asked for. */
export const operations = { processRequest: 0x3b, request: 0x3c, notify: 0x3d } as const;

/** 3GPP TS 24.080, 3.6.7 and table 4.5: why something was not done. */
export const ssErrors = {
  unknownSubscriber: 0x01,
  ssNotAvailable: 0x12,
  facilityNotSupported: 0x15,
  systemFailure: 0x22,
  unexpectedDataValue: 0x24,
  unknownAlphabet: 0x47,
} as const;

/** A text as the network carries it: its data coding scheme and its octets, see text.ts. */
export type UssdString = { readonly dcs: number; readonly octets: Uint8Array };

/** One component of MAP, the language of supplementary services (3GPP TS 24.080, 3.6.1). */
export type Component =
  | { readonly kind: 'invoke'; readonly id: number; readonly operation: number; readonly text?: UssdString }
  | { readonly kind: 'result'; readonly id: number; readonly operation?: number; readonly text?: UssdString }
  | { readonly kind: 'error'; readonly id: number; readonly error: number }
  | { readonly kind: 'reject'; readonly id: number | undefined; readonly family: number; readonly problem: number };

/**
 * How a length above 127 is written. `ber` is the standard's form. `octet` is one octet whatever it says: Osmocom's programs read no
 * other, so it is the way to their full 160 octets.
 */
export type LengthForm = 'ber' | 'octet';

const tagOf = { invoke: 0xa1, result: 0xa2, error: 0xa3, reject: 0xa4 } as const;
const INTEGER = 0x02;
const NULL = 0x05;
const SEQUENCE = 0x30;
const OCTET_STRING = 0x04;
const LINKED_ID = 0x80;
/** Four families of problems: general, with an invoke, with a result, with an error. */
const PROBLEM = 0x80;
const PROBLEM_FAMILIES = 4;
const SHORT_LENGTH_MAX = 0x7f;

export function encodeComponent(component: Component, form: LengthForm = 'ber'): Uint8Array {
  return element(tagOf[component.kind], contentOf(component, form), form);
}

function contentOf(component: Component, form: LengthForm): Uint8Array {
  switch (component.kind) {
    case 'invoke': {
      const { id, operation, text } = component;
      return concat(integer(id), integer(operation), ...(text ? [argument(text, form)] : []));
    }
    case 'result': {
      const { id, operation, text } = component;
      if (operation === undefined) return integer(id);
      const parts = concat(integer(operation), ...(text ? [argument(text, form)] : []));
      return concat(integer(id), element(SEQUENCE, parts, form));
    }
    case 'error':
      return concat(integer(component.id), integer(component.error));
    case 'reject': {
      const { id, family, problem } = component;
      const whose = id === undefined ? Uint8Array.of(NULL, 0) : integer(id);
      return concat(whose, Uint8Array.of(PROBLEM + family, 1, problem));
    }
  }
}

function integer(value: number): Uint8Array {
  return Uint8Array.of(INTEGER, 1, value);
}

function argument({ dcs, octets }: UssdString, form: LengthForm): Uint8Array {
  const parts = concat(Uint8Array.of(OCTET_STRING, 1, dcs), element(OCTET_STRING, octets, form));
  return element(SEQUENCE, parts, form);
}

function element(tag: number, value: Uint8Array, form: LengthForm): Uint8Array {
  const { length } = value;
  if (length > 0xff) throw new RangeError('a component holds at most 255 octets');
  const isShort = length <= SHORT_LENGTH_MAX || form === 'octet';
  return concat(isShort ? Uint8Array.of(tag, length) : Uint8Array.of(tag, 0x81, length), value);
}

/** Undefined for what is no component, in neither form of length; what follows the first component is not read. */
export function decodeComponent(octets: Uint8Array): Component | undefined {
  return decodeAs(octets, 'ber') ?? decodeAs(octets, 'octet');
}

function decodeAs(octets: Uint8Array, form: LengthForm): Component | undefined {
  const whole = new Elements(octets, form).next();
  if (!whole) return undefined;
  const inside = new Elements(whole.value, form);
  const first = inside.next();
  switch (whole.tag) {
    case tagOf.invoke:
      return invokeOf(first, inside);
    case tagOf.result:
      return resultOf(first, inside, form);
    case tagOf.error: {
      const [id, error] = [integerOf(first), integerOf(inside.next())];
      return id === undefined || error === undefined ? undefined : { kind: 'error', id, error };
    }
    case tagOf.reject:
      return rejectOf(first, inside);
    default:
      return undefined;
  }
}

function invokeOf(first: Element | undefined, inside: Elements): Component | undefined {
  const id = integerOf(first);
  let next = inside.next();
  if (next?.tag === LINKED_ID) next = inside.next();
  const operation = integerOf(next);
  if (id === undefined || operation === undefined) return undefined;
  return withText({ kind: 'invoke', id, operation }, inside);
}

function resultOf(first: Element | undefined, inside: Elements, form: LengthForm): Component | undefined {
  const id = integerOf(first);
  if (id === undefined) return undefined;
  // Whoever has nothing to say answers with the bare id.
  if (inside.isAtEnd) return { kind: 'result', id };
  const sequence = inside.next();
  if (sequence?.tag !== SEQUENCE) return undefined;
  const parts = new Elements(sequence.value, form);
  const operation = integerOf(parts.next());
  return operation === undefined ? undefined : withText({ kind: 'result', id, operation }, parts);
}

/** With the argument that follows, where one does; undefined where it cannot be read. */
function withText<C extends Component>(component: C, inside: Elements): C | undefined {
  if (inside.isAtEnd) return component;
  const text = textOf(inside);
  return text && { ...component, text };
}

/** A number or an alert that may follow the text is not read: a number that comes from the phone's side proves nothing. */
function textOf(inside: Elements): UssdString | undefined {
  const sequence = inside.next();
  if (sequence?.tag !== SEQUENCE) return undefined;
  const parts = inside.within(sequence.value);
  const [dcs, text] = [parts.next(), parts.next()];
  const scheme = dcs?.tag === OCTET_STRING && dcs.value.length === 1 ? dcs.value[0] : undefined;
  if (scheme === undefined || text?.tag !== OCTET_STRING) return undefined;
  return { dcs: scheme, octets: text.value };
}

function rejectOf(first: Element | undefined, inside: Elements): Component | undefined {
  const id = integerOf(first);
  const isNobodys = first?.tag === NULL && first.value.length === 0;
  const problem = inside.next();
  const family = (problem?.tag ?? 0) - PROBLEM;
  if ((id === undefined && !isNobodys) || problem?.value.length !== 1) return undefined;
  if (family < 0 || family >= PROBLEM_FAMILIES) return undefined;
  return { kind: 'reject', id, family, problem: problem.value[0] ?? 0 };
}

function integerOf(element: Element | undefined): number | undefined {
  return element?.tag === INTEGER && element.value.length === 1 ? element.value[0] : undefined;
}

type Element = { readonly tag: number; readonly value: Uint8Array };

/** Walks elements one after the other; one that reaches beyond the end is none. */
class Elements {
  readonly #octets: Uint8Array;
  readonly #form: LengthForm;
  #at = 0;

  constructor(octets: Uint8Array, form: LengthForm) {
    this.#octets = octets;
    this.#form = form;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#octets.length;
  }

  within(octets: Uint8Array): Elements {
    return new Elements(octets, this.#form);
  }

  next(): Element | undefined {
    const tag = this.#octets[this.#at];
    const measured = this.#length();
    if (tag === undefined || !measured) return undefined;
    const { start, length } = measured;
    if (start + length > this.#octets.length) return undefined;
    this.#at = start + length;
    return { tag, value: this.#octets.slice(start, start + length) };
  }

  #length(): { start: number; length: number } | undefined {
    const first = this.#octets[this.#at + 1];
    if (first === undefined) return undefined;
    if (this.#form === 'octet' || first <= SHORT_LENGTH_MAX) return { start: this.#at + 2, length: first };
    // A component fits into one element of GSUP, so one octet is all that a long length needs.
    const length = first === 0x81 ? this.#octets[this.#at + 2] : undefined;
    return length === undefined ? undefined : { start: this.#at + 3, length };
  }
}
