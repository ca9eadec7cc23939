import type { Command } from 'commander';
import { parseAmount } from '../../base/money.ts';
import { defaultScopes, type Partner, type Scope, scopes } from '../../parties/index.ts';
import { act, argument, arguments_, ask } from './command.ts';
import { facts, moment, table } from './output.ts';
import type { Cli } from './program.ts';

/** API partners: who they are, what they have paid in, what they may call with. */
export function addPartners(partners: Command, cli: Cli): void {
  const list = partners.command('list').description('all partners and their floats');
  ask(list, cli, async ({ app }) => {
    const found = await app.partners.list();
    return { text: table(['partner', 'status', 'float', 'since'], found.map(row)), data: found };
  });

  const create = partners
    .command('create')
    .description('open a partner with an empty float')
    .argument('<name>', 'lower-case letters, digits, hyphens');
  act(create, cli, async ({ app, args, actor }) => {
    const partner = await app.partners.create(String(args[0]), actor);
    return { text: partnerFacts(partner), data: partner };
  });

  addFund(partners, cli);
  addKeys(partners, cli);
  for (const [verb, status] of [
    ['suspend', 'suspended'],
    ['resume', 'active'],
  ] as const) {
    const command = partners.command(verb).description(`make a partner ${status}`).argument('<name>');
    act(command, cli, async ({ app, args, actor }) => {
      await app.partners.setStatus(String(args[0]), status, actor);
      return { text: `${args[0]} is ${status}.`, data: { name: args[0], status } };
    });
  }
}

function addFund(partners: Command, cli: Cli): void {
  const command = partners
    .command('fund')
    .description('add money a partner has paid in, in tenge')
    .argument('<name>')
    .argument('<amount>', '100000 or 100000.50', argument(parseTenge))
    .requiredOption('--key <text>', "the payment's own reference: a repeat with it adds nothing");
  act<{ key: string }>(command, cli, async ({ app, args, options, actor }) => {
    const [name, amountMinor] = args as [string, bigint];
    const moved = await app.partners.fund({ name, amountMinor, key: options.key, actor });
    const partner = await app.partners.find(name);
    const note = moved ? 'Added.' : 'Added before, under this key; nothing moved.';
    return { text: `${note}\n${partnerFacts(partner)}`, data: { moved, partner } };
  });
}

function parseTenge(text: string): bigint {
  const amount = parseAmount(text, 'KZT');
  if (amount === 0n) throw new Error('It is more than nothing.');
  return amount;
}

function addKeys(partners: Command, cli: Cli): void {
  const key = partners
    .command('key')
    .description('make an API key; it is shown once')
    .argument('<name>')
    .option('--scope <scope>', `${scopes.join(', ')}; may be repeated`, arguments_(parseScope));
  act<{ scope?: readonly Scope[] }>(key, cli, async ({ app, args, options, actor }) => {
    const { id, token } = await app.partners.createKey(String(args[0]), options.scope ?? defaultScopes, actor);
    // Revealed to whoever made it, this once; only its hash is kept.
    const made = { id, token: token.reveal(), scopes: options.scope ?? defaultScopes };
    return {
      text: facts([
        ['key id', id],
        ['token', made.token],
        ['scopes', made.scopes.join(' ')],
      ]),
      data: made,
    };
  });

  const revoke = partners.command('revoke').description('end an API key').argument('<key-id>');
  act(revoke, cli, async ({ app, args, actor }) => {
    await app.partners.revokeKey(String(args[0]), actor);
    return { text: `Key ${args[0]} is revoked.`, data: { id: args[0] } };
  });
}

function parseScope(text: string): Scope {
  const scope = scopes.find((one) => one === text);
  if (scope === undefined) throw new Error(`It is one of ${scopes.join(', ')}.`);
  return scope;
}

function row(partner: Partner): string[] {
  return [partner.name, partner.status, `${partner.float} ${partner.currency}`, moment(new Date(partner.createdAt))];
}

function partnerFacts(partner: Partner): string {
  return facts([
    ['partner', partner.name],
    ['id', partner.id],
    ['status', partner.status],
    ['float', `${partner.float} ${partner.currency}`],
  ]);
}
