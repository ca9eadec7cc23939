import type { Command } from 'commander';
import { type Answer, ask } from './command.ts';
import { facts } from './output.ts';
import type { Cli } from './program.ts';

/** The proof that the books hold, and that nobody has touched the record of who did what. */
export function addAudit(program: Command, cli: Cli): void {
  const audit = program.command('audit').description('recompute every law of the books from their rows');
  ask(audit, cli, async ({ app }) => {
    const checks = await app.audit();
    const lines = checks.map(({ ok, name, guarantee, breaches }) => {
      const detail = breaches.map((breach) => `\n       ${breach}`).join('');
      return `${ok ? 'ok    ' : 'BROKEN'} ${name}: ${guarantee}${detail}`;
    });
    const answer = { text: lines.join('\n'), data: { checks } };
    return checks.every(({ ok }) => ok) ? answer : failed(answer);
  });

  const chain = audit.command('verify').description('walk the audit chain');
  ask(chain, cli, async ({ app }) => {
    const { entries, unsealed, broken } = await app.verifyChain();
    const summary = facts([
      ['entries', String(entries)],
      ['not sealed yet', String(unsealed)],
      ['broken', String(broken.length)],
    ]);
    const answer = { text: [summary, ...broken].join('\n'), data: { entries, unsealed, broken } };
    return broken.length === 0 ? answer : failed(answer);
  });
}

/** Printed like any answer; a script sees it by the exit code. */
function failed(answer: Answer): Answer {
  return { ...answer, isBad: true };
}
