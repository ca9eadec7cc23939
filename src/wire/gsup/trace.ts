import { withoutDigits } from '../../base/masked.ts';
import { decodeComponent } from './component.ts';
import type { GsupMessage } from './message.ts';
import { decodeText } from './text.ts';

/**
 * One message as a line for whoever looks for a fault: which session, what is asked, which text. Whose SIM it is stays out of it, and so does
 * every run of digits that could be a number or a part of a card's code.
 */
export function describe({ type, session, state, ss, cause }: GsupMessage): string {
  const words: string[] = [type, state, `session=${session.toString(16)}`];
  if (cause !== undefined) words.push(`cause=0x${cause.toString(16)}`);
  if (!ss) return words.join(' ');
  const component = decodeComponent(ss);
  if (!component) return [...words, `octets(${ss.length})`].join(' ');
  words.push(component.kind, `id=${component.id ?? 'none'}`);
  if (component.kind === 'error') words.push(`error=0x${component.error.toString(16)}`);
  if (component.kind === 'reject') words.push(`problem=${component.family}.${component.problem}`);
  if (!('operation' in component)) return words.join(' ');
  words.push(`op=0x${component.operation?.toString(16) ?? 'none'}`);
  if (component.text) {
    const text = decodeText(component.text);
    words.push(`dcs=0x${component.text.dcs.toString(16)}`);
    words.push(text === undefined ? `octets(${component.text.octets.length})` : JSON.stringify(withoutDigits(text)));
  }
  return words.join(' ');
}
