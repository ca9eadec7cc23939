import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { parseAmount } from '../../base/money.ts';
import { parseNetwork } from '../../base/networks.ts';
import { isLanguage, type Language, languages } from '../../i18n/index.ts';
import {
  type AccountForm,
  type Agent,
  type AgentProtocol,
  type AgentSettings,
  accountForms,
  agentProtocols,
  answerFormats,
  type DisplayField,
  echoTags,
  fieldSubjects,
  settingTexts,
} from '../../parties/index.ts';
import { parseZone } from '../../reconciliation/index.ts';
import { act, argument, arguments_, ask } from './command.ts';
import { facts, moment, table } from './output.ts';
import type { Cli } from './program.ts';

/** Agents: partners that speak a check/pay protocol, and what was agreed on with each. */
export function addAgents(agents: Command, cli: Cli): void {
  const list = agents.command('list').description('all agents');
  ask(list, cli, async ({ app }) => {
    const found = await app.agents.list();
    return { text: table(['agent', 'protocol', 'status', 'told apart by', 'changed'], found.map(row)), data: found };
  });

  const show = agents.command('show').description('all settings of one agent').argument('<name>');
  ask(show, cli, async ({ app, args }) => {
    const agent = await app.agents.find(String(args[0]));
    return { text: agentFacts(agent), data: agent };
  });

  addCreate(agents, cli);
  const set = withSettings(
    agents
      .command('set')
      .description('change what is named and leave the rest; in force within two seconds')
      .argument('<name>'),
  );
  act<SettingOptions>(set, cli, async ({ app, args, options, actor }) => {
    const agent = await app.agents.set(String(args[0]), await settingsOf(options), actor);
    return { text: agentFacts(agent), data: agent };
  });
  addPassword(agents, cli);
}

function addCreate(agents: Command, cli: Cli): void {
  const create = withSettings(
    agents
      .command('create')
      .description('let a partner pay over a check/pay protocol, from its float')
      .argument('<name>', 'of the partner')
      .requiredOption('--protocol <protocol>', agentProtocols.join(', '), argument(oneOf(agentProtocols)))
      .option('--password', 'make a password for HTTP Basic; it is shown once'),
  );
  act<SettingOptions & { protocol: AgentProtocol; password?: boolean }>(
    create,
    cli,
    async ({ app, args, options, actor }) => {
      const { protocol, password: hasPassword = false } = options;
      const settings = await settingsOf(options);
      const made = await app.agents.create({ name: String(args[0]), protocol, settings, hasPassword, actor });
      // Revealed to whoever made it, this once; only its hash is kept.
      const password = made.password?.reveal();
      const shown = password === undefined ? '' : `\npassword, shown this once: ${password}`;
      return { text: `${agentFacts(made.agent)}${shown}`, data: { ...made.agent, password } };
    },
  );
}

function addPassword(agents: Command, cli: Cli): void {
  const command = agents
    .command('password')
    .description('make a password, shown once; the one before stays good beside it until --end-old')
    .argument('<name>')
    .option('--end-old', 'make none; end the one before the newest');
  act<{ endOld?: boolean }>(command, cli, async ({ app, args, options, actor }) => {
    const name = String(args[0]);
    if (options.endOld) {
      await app.agents.endOldPasswords(name, actor);
      return { text: `Only the newest password of ${name} is good.`, data: { name } };
    }
    // Revealed to whoever made it, this once; only its hash is kept.
    const password = (await app.agents.newPassword(name, actor)).reveal();
    return { text: `password, shown this once: ${password}`, data: { name, password } };
  });
}

type SettingOptions = {
  echoTag?: AgentSettings['echoTag'];
  answer?: AgentSettings['answer'];
  accounts?: readonly AccountForm[];
  sumMin?: bigint;
  sumMax?: bigint;
  checkSum?: boolean;
  zone?: number;
  language?: Language;
  from?: readonly string[];
  user?: string;
  certificateHeader?: string;
  certificate?: readonly string[];
  bin?: string;
  field?: readonly (DisplayField | typeof NONE)[];
  register?: string;
};

/** Takes a setting away. */
const NONE = 'none';

function withSettings(command: Command): Command {
  return command
    .option(
      '--from <network>',
      "addresses it calls from, '194.187.247.152/29'; may be repeated, 'none' for anywhere",
      arguments_(parseFrom),
    )
    .option('--user <name>', 'of HTTP Basic', String)
    .option('--certificate-header <name>', "the header in which our proxy names the client's certificate", String)
    .option('--certificate <fingerprint>', 'SHA-256 or SHA-1; may be repeated', arguments_(String))
    .option('--accounts <forms>', `how it writes numbers: ${accountForms.join(', ')}`, argument(parseForms))
    .option('--sum-min <amount>', 'in tenge', argument(parseTenge))
    .option('--sum-max <amount>', 'in tenge', argument(parseTenge))
    .option('--check-sum <yes|no>', 'whether the sum of a check is the one that will be paid', argument(parseYes))
    .option('--zone <offset>', 'its clock: +05:00, +03:00', argument(parseOffset))
    .option('--language <language>', `of comments: ${languages.join(', ')}`, argument(parseLanguage))
    .option('--echo-tag <tag>', `OSMP: ${echoTags.join(', ')}`, argument(oneOf(echoTags)))
    .option('--answer <format>', `Kaspi: ${answerFormats.join(', ')}`, argument(oneOf(answerFormats)))
    .option('--bin <digits>', 'Kaspi: our business number', String)
    .option(
      '--field <what=label>',
      `shown to the payer: ${fieldSubjects.join(', ')}; may be repeated`,
      arguments_(parseField),
    )
    .option('--register <file.json>', 'how its register is laid out, where it is not the usual one', String);
}

async function settingsOf(options: SettingOptions): Promise<Partial<AgentSettings>> {
  const { from, certificate, field, register } = options;
  const word = (text: string | undefined): string | undefined => (text === NONE ? undefined : text);
  const all: { readonly [Name in keyof AgentSettings]?: AgentSettings[Name] | undefined } = {
    ...(options.echoTag && { echoTag: options.echoTag }),
    ...(options.answer && { answer: options.answer }),
    ...(options.accounts && { accountForms: options.accounts }),
    ...(options.sumMin !== undefined && { sumMinorMin: options.sumMin }),
    ...(options.sumMax !== undefined && { sumMinorMax: options.sumMax }),
    ...(options.checkSum !== undefined && { checkSum: options.checkSum }),
    ...(options.zone !== undefined && { zoneMinutes: options.zone }),
    ...(options.language && { language: options.language }),
    ...(from && { networks: from.filter((one) => one !== NONE) }),
    ...(options.user !== undefined && { user: word(options.user) }),
    ...(options.certificateHeader !== undefined && { certificateHeader: word(options.certificateHeader) }),
    ...(certificate && { certificates: certificate.filter((one) => one !== NONE) }),
    ...(options.bin !== undefined && { bin: word(options.bin) }),
    ...(field && { fields: field.filter((one) => one !== NONE) }),
    ...(register !== undefined && { register: register === NONE ? undefined : await readLayout(register) }),
  };
  return all as Partial<AgentSettings>;
}

async function readLayout(file: string): Promise<unknown> {
  return JSON.parse(await readFile(file, 'utf8'));
}

function oneOf<T extends string>(allowed: readonly T[]): (text: string) => T {
  return (text) => {
    const found = allowed.find((one) => one === text);
    if (found === undefined) throw new Error(`It is one of ${allowed.join(', ')}.`);
    return found;
  };
}

function parseFrom(text: string): string {
  if (text === NONE) return NONE;
  const network = parseNetwork(text);
  if (network === undefined) throw new Error("It is an address or a network, like '194.187.247.152/29'.");
  return network;
}

function parseForms(text: string): AccountForm[] {
  return text.split(',').map((form) => oneOf(accountForms)(form.trim()));
}

function parseTenge(text: string): bigint {
  return parseAmount(text, 'KZT');
}

function parseYes(text: string): boolean {
  return oneOf(['yes', 'no'])(text) === 'yes';
}

function parseOffset(text: string): number {
  const minutes = parseZone(text);
  if (minutes === undefined) throw new Error("It is a clock, like '+05:00' or 'UTC'.");
  return minutes;
}

function parseLanguage(text: string): Language {
  if (!isLanguage(text)) throw new Error(`It is one of ${languages.join(', ')}.`);
  return text;
}

function parseField(text: string): DisplayField | typeof NONE {
  if (text === NONE) return NONE;
  const [shows = '', ...label] = text.split('=');
  if (label.length === 0) throw new Error("It is written like 'number=Абонент'.");
  return { shows: oneOf(fieldSubjects)(shows), label: label.join('=') };
}

function row(agent: Agent): string[] {
  return [agent.name, agent.protocol, agent.status, proofs(agent).join(', '), moment(agent.changedAt)];
}

/** By what this agent is told apart from others; all of it is asked for. */
function proofs({ settings, passwords }: Agent): string[] {
  const { networks, certificates } = settings;
  return [
    networks.length > 0 ? 'address' : '',
    passwords > 1 ? '2 passwords' : passwords === 1 ? 'password' : '',
    certificates.length > 0 ? 'certificate' : '',
  ].filter((one) => one !== '');
}

function agentFacts(agent: Agent): string {
  return facts([
    ['agent', agent.name],
    ['protocol', agent.protocol],
    ['status', agent.status],
    ['address', `/${agent.protocol}/${agent.name}`],
    ['told apart by', proofs(agent).join(', ')],
    ...Object.entries(settingTexts(agent.settings)),
    ['changed', moment(agent.changedAt)],
  ]);
}
