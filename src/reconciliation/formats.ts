import { paypalActivity } from './paypal.ts';
import type { IndexOf } from './register.ts';
import { agentRegisters, describedFormat, type Registering, registerFormats } from './registers.ts';
import { agentOf, invalid, type Source } from './report.ts';
import { paypalSettlement } from './settlement.ts';
import { stripeActivity, stripePayouts } from './stripe.ts';
import type { FirstLine, Format } from './table.ts';

/** Which way of writing a report is meant: one by its id, or one of a partner's own as it is described; otherwise the file shows it. */
export type Asked = { readonly id: string } | { readonly described: unknown };

/** Every way of writing reports that we can read. */
export function createFormats(find: IndexOf) {
  // Those that are told by more than their columns come before those that are not.
  const all: readonly Format[] = [
    stripePayouts,
    stripeActivity,
    paypalSettlement,
    paypalActivity,
    ...registerFormats(find),
  ];
  const of = (source: Source, agent: Registering | undefined): readonly Format[] =>
    agent === undefined ? all.filter((format) => format.source === source) : agentRegisters(source, agent, find);
  return {
    ids: all.map(({ id }) => id),
    /** The one that was asked for, or those the file may be in. `agent` is whose register it is, where it is an agent's. */
    candidates(source: Source, asked: Asked | undefined, agent?: Registering): readonly Format[] {
      if ((agentOf(source) === undefined) !== (agent === undefined))
        throw invalid('no such agent', { column: 'source' });
      const register = agent?.settings.register;
      const wanted = asked ?? (register === undefined ? undefined : { described: register });
      if (wanted === undefined) return of(source, agent);
      if ('described' in wanted) return [describedFormat({ source, agent }, wanted.described, find)];
      const named = of(source, agent).filter((format) => format.id === wanted.id);
      if (named.length === 0) throw invalid('no such layout', { column: 'layout' });
      return named;
    },
  };
}

/** The first candidate the file has all columns of. Refuses with what it lacks to be the one it is most like. */
export function recognise(
  candidates: readonly Format[],
  read: (format: Format) => FirstLine,
): { format: Format; first: FirstLine } {
  let nearest: readonly string[] | undefined;
  for (const format of candidates) {
    const first = read(format);
    const missing = format.missing(first);
    if (missing.length === 0) return { format, first };
    if (nearest === undefined || missing.length < nearest.length) nearest = missing;
  }
  throw invalid('missing column', { line: 1, column: nearest?.[0] ?? '' });
}
