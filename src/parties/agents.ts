import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import * as audit from '../audit/index.ts';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { formatAmount } from '../base/money.ts';
import { Refusal } from '../base/refusal.ts';
import { Secret } from '../base/secret.ts';
import { type Db, gather, type Tx, withTx } from '../db/index.ts';
import { isLanguage } from '../i18n/index.ts';
import type { PartyId } from '../ledger/index.ts';
import {
  type AccountForm,
  type Agent,
  type AgentAtDoor,
  type AgentProtocol,
  type AgentSettings,
  accountForms,
  agentProtocols,
  answerFormats,
  atDoor,
  checkSettings,
  type DisplayField,
  digest,
  echoTags,
  fieldSubjects,
  settingsFor,
} from './agent.ts';
import * as agentStore from './agent_store.ts';
import { readPartner } from './store.ts';

export type Agents = ReturnType<typeof createAgents>;

const PASSWORDS_MAX = 2;

/** Agents: partners that speak a check/pay protocol, their settings and passwords. */
export function createAgents(deps: { db: Db; clock: Clock }) {
  const { db, clock } = deps;
  const readOne = gather(async (names: readonly string[]) => {
    const rows = await agentStore.readAgents(db, names);
    return new Map(rows.map((row) => [row.name, atDoor(agentOf(row), row.password_hashes)]));
  });
  const readFloat = gather((ids: readonly PartyId[]) => agentStore.readFloats(db, ids));
  const cache = new AgentCache(readOne, clock);
  const find = async (name: string): Promise<Agent> => {
    const [row] = await agentStore.readAgents(db, [name]);
    if (!row) throw new Refusal('agent.not_found', { name });
    return agentOf(row);
  };

  const change = async (name: string, work: Change): Promise<void> => {
    await withTx(db, (tx) => changeLocked(tx, { name, at: clock.now(), work }));
    cache.clear();
  };

  return {
    find,
    list: async (): Promise<Agent[]> => (await agentStore.readAllAgents(db)).map(agentOf),
    /** Makes a partner an agent. Whoever has no password yet is known by its addresses or its certificate; a password that is made at once is shown once. */
    async create(command: NewAgent): Promise<{ agent: Agent; password: Secret | undefined }> {
      const { name, protocol, actor } = command;
      const partner = await readPartner(db, name);
      if (!partner) throw new Refusal('partner.not_found', { name });
      const password = command.hasPassword ? newPassword() : undefined;
      const passwordHashes = password ? [digest(password.reveal())] : [];
      const settings = checkSettings({ ...settingsFor(protocol), ...command.settings }, passwordHashes.length);
      await withTx(db, async (tx) => {
        const inserted = await agentStore.insertAgent(tx, protocol, {
          id: partner.id,
          at: clock.now(),
          settings,
          passwordHashes,
        });
        if (inserted.length === 0) throw new Refusal('agent.exists', { name });
        const details = { protocol, ...changesIn(settingsFor(protocol), settings) };
        audit.record(tx, { actor, action: 'agent.create', subject: `partner:${name}`, details });
      });
      cache.clear();
      return { agent: await find(name), password };
    },
    /** Changes what is named and leaves the rest. */
    async set(name: string, changes: Partial<AgentSettings>, actor: string): Promise<Agent> {
      await change(name, ({ settings, passwordHashes }) => {
        const changed = { ...settings, ...changes };
        const entry = { actor, action: 'agent.set', details: changesIn(settings, changed) };
        return { settings: changed, passwordHashes, entry };
      });
      return find(name);
    },
    /** Makes a password, shown once. The one before stays good beside it until `endOldPasswords`, so that nothing stops while the agent changes over. */
    async newPassword(name: string, actor: string): Promise<Secret> {
      const password = newPassword();
      await change(name, ({ settings, passwordHashes }) => ({
        settings,
        passwordHashes: [digest(password.reveal()), ...passwordHashes].slice(0, PASSWORDS_MAX),
        entry: { actor, action: 'agent.password', details: {} },
      }));
      return password;
    },
    async endOldPasswords(name: string, actor: string): Promise<void> {
      await change(name, ({ settings, passwordHashes }) => ({
        settings,
        passwordHashes: passwordHashes.slice(0, 1),
        entry: { actor, action: 'agent.password_end', details: {} },
      }));
    },
    /** For the door: an answer is remembered for two seconds, and for as long as the database is away. */
    atDoor: (name: string): AgentAtDoor | undefined | Promise<AgentAtDoor | undefined> => cache.get(name),
    /** What its float has, to turn a payer away before their money is in. */
    available: async (id: PartyId): Promise<bigint> => (await readFloat(id)) ?? 0n,
  };
}

export type NewAgent = {
  readonly name: string;
  readonly protocol: AgentProtocol;
  readonly settings: Partial<AgentSettings>;
  readonly hasPassword: boolean;
  readonly actor: string;
};

type Change = (now: Kept) => Kept & { readonly entry: Entry };

/** Reads the settings under a lock, and writes what has become of them, with its trace. */
async function changeLocked(tx: Tx, { name, at, work }: { name: string; at: Date; work: Change }): Promise<void> {
  const row = await agentStore.lockAgent(tx, name);
  if (!row) throw new Refusal('agent.not_found', { name });
  const { settings, passwordHashes, entry } = work({
    settings: agentOf(row).settings,
    passwordHashes: row.password_hashes,
  });
  const checked = checkSettings(settings, passwordHashes.length);
  agentStore.updateAgent(tx, { id: row.id, at, settings: checked, passwordHashes });
  audit.record(tx, { ...entry, subject: `partner:${name}` });
}

type Kept = { readonly settings: AgentSettings; readonly passwordHashes: readonly Buffer[] };
type Entry = Omit<audit.Entry, 'subject'>;

/** As strong as its hash, so that a fast hash is enough, and thousands a second can be checked. */
function newPassword(): Secret {
  return new Secret(randomBytes(32).toString('base64url'));
}

/** What the audit trail keeps of a change: the new value of each setting that has another one now. */
function changesIn(before: AgentSettings, after: AgentSettings): Record<string, string> {
  const texts = (settings: AgentSettings): Map<string, string> => new Map(Object.entries(settingTexts(settings)));
  const known = texts(before);
  return Object.fromEntries([...texts(after)].filter(([name, text]) => known.get(name) !== text));
}

/** Each setting as staff read it. */
export function settingTexts(settings: AgentSettings): Record<string, string> {
  const { fields, register, zoneMinutes } = settings;
  return {
    echoTag: settings.echoTag,
    answer: settings.answer,
    accountForms: settings.accountForms.join(' '),
    sumMin: formatAmount(settings.sumMinorMin, 'KZT'),
    sumMax: formatAmount(settings.sumMinorMax, 'KZT'),
    checkSum: settings.checkSum ? 'yes' : 'no',
    zone: zoneText(zoneMinutes),
    language: settings.language,
    networks: settings.networks.join(' '),
    user: settings.user ?? '',
    certificateHeader: settings.certificateHeader ?? '',
    certificates: settings.certificates.join(' '),
    bin: settings.bin ?? '',
    fields: fields.map(({ shows, label }) => `${shows}=${label}`).join(', '),
    register: register === undefined ? '' : JSON.stringify(register),
  };
}

function zoneText(minutes: number): string {
  const size = Math.abs(minutes);
  const two = (count: number): string => String(count).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(Math.trunc(size / 60))}:${two(size % 60)}`;
}

/** One of a list that the database's own CHECK repeats. */
function word<T extends string>(text: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === text);
  if (found === undefined) throw new Error(`an agent has ${text}, which is none of ${allowed.join(', ')}`);
  return found;
}

function agentOf(row: agentStore.AgentRow): Agent {
  return {
    id: row.id,
    name: row.name,
    protocol: word(row.protocol, agentProtocols),
    status: row.status === 'active' ? 'active' : 'suspended',
    passwords: row.password_hashes.length,
    changedAt: row.changed_at,
    settings: {
      echoTag: word(row.echo_tag, echoTags),
      answer: word(row.answer, answerFormats),
      accountForms: row.account_forms.map((form): AccountForm => word(form, accountForms)),
      sumMinorMin: row.sum_minor_min,
      sumMinorMax: row.sum_minor_max,
      checkSum: row.check_sum,
      zoneMinutes: row.zone_minutes,
      language: isLanguage(row.language) ? row.language : 'ru',
      networks: row.networks,
      user: row.basic_user ?? undefined,
      certificateHeader: row.certificate_header ?? undefined,
      certificates: row.certificates,
      bin: row.bin ?? undefined,
      fields: row.fields.map(fieldOf),
      register: row.register ?? undefined,
    },
  };
}

function fieldOf(text: string): DisplayField {
  const [shows = '', label = ''] = text.split('=');
  return { shows: word(shows, fieldSubjects), label };
}

type Known = { readonly agent: AgentAtDoor | undefined; readonly until: number };

/**
 * Bounded in time and size. A database that is away, or says nothing, cannot say what has changed: the agent is then whoever it was, and is told that the payment
 * cannot be taken now.
 */
class AgentCache {
  readonly #read: (name: string) => Promise<AgentAtDoor | undefined>;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(read: (name: string) => Promise<AgentAtDoor | undefined>, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
  }

  get(name: string): AgentAtDoor | undefined | Promise<AgentAtDoor | undefined> {
    const known = this.#known.get(name);
    return known && known.until > this.#clock.now().getTime() ? known.agent : this.#readAgain(name, known);
  }

  async #readAgain(name: string, before: Known | undefined): Promise<AgentAtDoor | undefined> {
    const now = this.#readNow(name);
    const known = before?.agent;
    if (known === undefined) return now;
    const orKnown = now.catch((error: unknown) => {
      if (error instanceof Refusal) return known;
      throw error;
    });
    return Promise.race([orKnown, delay(limits.agentReadMs, known, { ref: false })]);
  }

  async #readNow(name: string): Promise<AgentAtDoor | undefined> {
    const agent = await this.#read(name);
    if (this.#known.size >= limits.agentCacheMax) this.#known.clear();
    this.#known.set(name, { agent, until: this.#clock.now().getTime() + limits.agentCacheMs });
    return agent;
  }

  clear(): void {
    this.#known.clear();
  }
}
