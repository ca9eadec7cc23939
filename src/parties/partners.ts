import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import * as audit from '../audit/index.ts';
import type { Clock } from '../base/clock.ts';
import { eventId } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { formatAmount } from '../base/money.ts';
import { Refusal } from '../base/refusal.ts';
import { Secret } from '../base/secret.ts';
import { type Db, type Tx, withTx } from '../db/index.ts';
import { floatAccount, openAccounts, type PartyId, post, systemAccount } from '../ledger/index.ts';
import * as store from './store.ts';

export const scopes = ['topups:write', 'topups:read', 'vouchers:redeem', 'subscribers:read'] as const;
export type Scope = (typeof scopes)[number];

/** What a partner gets unless asked otherwise; `subscribers:read` shows strangers' balances and is given by name only. */
export const defaultScopes: readonly Scope[] = ['topups:write', 'topups:read', 'vouchers:redeem'];

/** An authenticated API client. */
export type Client = {
  readonly partner: PartyId;
  readonly name: string;
  readonly key: string;
  readonly scopes: ReadonlySet<string>;
};

export type Partner = {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly float: string;
  readonly currency: 'KZT';
  readonly createdAt: string;
};

const NAME = /^[a-z0-9][a-z0-9-]{1,62}$/;
const KEY = /^sapar_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

/** Partners: who they are, their keys, their prefunded floats. */
export function createPartners(deps: { db: Db; clock: Clock }) {
  const { db, clock } = deps;
  const cache = new KeyCache(clock);
  return {
    /** Opens a partner with an empty float in tenge. Names are lower-case letters, digits and hyphens. */
    async create(name: string, actor: string): Promise<Partner> {
      if (!NAME.test(name)) throw new Refusal('request.invalid', { field: 'name' });
      await withTx(db, async (tx) => {
        const [id] = await store.takeIds(tx, 1);
        const inserted = await store.insertPartner(tx, { id: id ?? 0n, name });
        if (inserted.length === 0) throw new Refusal('partner.exists', { name });
        openAccounts(tx, [{ id: floatAccount(id ?? 0n, 'KZT'), kind: 'partner_float', floor: 0n }]);
        audit.record(tx, { actor, action: 'partner.create', subject: `partner:${name}`, details: {} });
      });
      return this.find(name);
    },
    /** Adds money a partner has paid in. `key` makes a repeat harmless. Returns whether money moved this time. */
    async fund(command: { name: string; amountMinor: bigint; key: string; actor: string }): Promise<boolean> {
      const partner = await this.find(command.name);
      return withTx(db, (tx) => fundFloat(tx, BigInt(partner.id), { ...command, at: clock.now() }));
    },
    async list(): Promise<Partner[]> {
      return (await store.readPartners(db)).map(partnerOf);
    },
    async find(name: string): Promise<Partner> {
      const row = await store.readPartner(db, name);
      if (!row) throw new Refusal('partner.not_found', { name });
      return partnerOf(row);
    },
    /** Makes an API key. The secret is shown once and stored as a hash. */
    async createKey(name: string, wanted: readonly Scope[], actor: string): Promise<{ id: string; token: Secret }> {
      const partner = await this.find(name);
      const id = randomBytes(8).toString('hex');
      const secret = randomBytes(32).toString('base64url');
      await withTx(db, async (tx) => {
        store.insertKey(tx, { id, partner: BigInt(partner.id), secretHash: sha256(secret), scopes: wanted });
        audit.record(tx, {
          actor,
          action: 'partner.key_create',
          subject: `partner:${name}`,
          details: { key: id, scopes: wanted.join(' ') },
        });
      });
      return { id, token: new Secret(`sapar_${id}_${secret}`) };
    },
    async revokeKey(id: string, actor: string): Promise<void> {
      await withTx(db, async (tx) => {
        const rows = await store.revokeKey(tx, id, clock.now());
        if (rows.length === 0) throw new Refusal('partner.not_found', { key: id });
        audit.record(tx, { actor, action: 'partner.key_revoke', subject: `key:${id}`, details: {} });
      });
      cache.clear();
    },
    async setStatus(name: string, status: 'active' | 'suspended', actor: string): Promise<void> {
      const partner = await this.find(name);
      await withTx(db, async (tx) => {
        store.setPartnerStatus(tx, BigInt(partner.id), status);
        audit.record(tx, { actor, action: `partner.${status}`, subject: `partner:${name}`, details: {} });
      });
      cache.clear();
    },
    /** Who holds this bearer token. An answer is remembered for two seconds: so long can a revoked key still be used elsewhere. */
    authenticate: (token: string): Client | Promise<Client> =>
      cache.get(token) ?? readClient(db, token).then((client) => cache.put(token, client)),
  };
}

async function fundFloat(
  tx: Tx,
  partner: PartyId,
  command: { name: string; amountMinor: bigint; key: string; actor: string; at: Date },
): Promise<boolean> {
  const leg = {
    debit: systemAccount('cash', 'KZT', 0),
    credit: floatAccount(partner, 'KZT'),
    amount: command.amountMinor,
  };
  const id = eventId('float_fund', String(partner), command.key);
  const [answer] = await post(tx, [{ id, code: 'float_fund', kind: 'posted', legs: [leg] }], {
    careful: true,
    at: command.at,
  });
  if (answer instanceof Refusal) throw answer;
  if (answer === 'posted') {
    const details = { amount: formatAmount(command.amountMinor, 'KZT'), event: id };
    audit.record(tx, { actor: command.actor, action: 'partner.fund', subject: `partner:${command.name}`, details });
  }
  return answer === 'posted';
}

async function readClient(db: Db, token: string): Promise<Client> {
  const match = KEY.exec(token);
  const row = match?.[1] === undefined ? undefined : await store.readKey(db, match[1]);
  // Compared even when there is no such key, so that the answer takes the same time.
  const same = timingSafeEqual(row?.secret_hash ?? sha256(''), sha256(match?.[2] ?? '-'));
  if (!row || !same || row.revoked_at !== null) throw new Refusal('auth.invalid');
  if (row.status !== 'active') throw new Refusal('partner.suspended');
  return { partner: row.partner, name: row.name, key: row.id, scopes: new Set(row.scopes) };
}

function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

function partnerOf(row: store.PartnerRow): Partner {
  return {
    id: String(row.id),
    name: row.name,
    status: row.status,
    float: formatAmount(row.balance, 'KZT'),
    currency: 'KZT',
    createdAt: row.created_at.toISOString(),
  };
}

/** Bounded in time and size. Keyed by a hash, so that the process does not keep tokens. */
class KeyCache {
  readonly #clock: Clock;
  #entries = new Map<string, { client: Client; until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(token: string): Client | undefined {
    const entry = this.#entries.get(hash('sha256', token));
    return entry && entry.until > this.#clock.now().getTime() ? entry.client : undefined;
  }

  put(token: string, client: Client): Client {
    if (this.#entries.size >= limits.apiKeyCacheMax) this.#entries.clear();
    this.#entries.set(hash('sha256', token), { client, until: this.#clock.now().getTime() + limits.apiKeyCacheMs });
    return client;
  }

  clear(): void {
    this.#entries.clear();
  }
}
