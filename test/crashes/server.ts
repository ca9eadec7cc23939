import pg from 'pg';
import type { Platform } from '../../src/app.ts';
import { eventId, referenceOf } from '../../src/base/ids.ts';
import { formatAmount } from '../../src/base/money.ts';
import { readConfig } from '../../src/config.ts';
import { type Adapt, serve } from '../../src/serve.ts';
import { type Control, isControl } from './control.ts';

// The platform as it ships, in a process that is killed. A negative control breaks it from outside, to see that the harness
// notices: nothing in the product knows of it.

const [control] = process.argv.slice(2);
const chosen = control !== undefined && isControl(control) ? control : 'none';

const breakages: Record<Control, (platform: Platform) => Promise<Platform>> = {
  none: async (platform) => platform,
  /**
   * Commits are acknowledged before they are on disk, and stay in PostgreSQL's memory as long as it may keep them. Set at sign-in and
   * for lanes alone: the platform refuses to start where it sees such a setting.
   */
  'sync-off': async (platform) => {
    await asOwner(platform, [
      `create or replace function hurry() returns event_trigger language plpgsql as $$
        begin
          if current_setting('application_name') like '%lane%' then perform set_config('synchronous_commit', 'off', false); end if;
        end $$`,
      'drop event trigger if exists hurry',
      'create event trigger hurry on login execute function hurry()',
      "alter system set wal_writer_delay = '10s'",
      "alter system set wal_writer_flush_after = '1GB'",
      'select pg_reload_conf()',
    ]);
    return platform;
  },
  /** The keys that decide races are gone. */
  'no-unique': async (platform) => {
    await asOwner(platform, [
      'alter table transfer drop constraint if exists transfer_pkey',
      'alter table voucher_end drop constraint if exists voucher_end_pkey',
      'create index if not exists transfer_event on transfer (event)',
      'create index if not exists voucher_end_mac on voucher_end (mac)',
    ]);
    return platform;
  },
  /** The answer is given before the work is done. */
  'ack-early': async (platform) => ({
    ...platform,
    topups: {
      ...platform.topups,
      async credit(command) {
        platform.topups.credit(command).catch(() => undefined);
        const id = eventId('topup', String(command.partner), command.key);
        const amount = formatAmount(command.amountMinor, 'KZT');
        return {
          id,
          reference: referenceOf(id),
          status: 'delivered',
          amount,
          currency: 'KZT',
          createdAt: new Date().toISOString(),
          fresh: true,
        };
      },
    },
  }),
};

async function asOwner(platform: Platform, commands: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: platform.ownerUrl });
  await client.connect();
  for (const command of commands) await client.query(command);
  await client.end();
}

const pending: Promise<Platform>[] = [];
const adapt: Adapt = (platform) => {
  const broken = breakages[chosen](platform);
  pending.push(broken);
  if (chosen !== 'ack-early') return platform;
  const late: Platform = {
    ...platform,
    topups: { ...platform.topups, credit: async (command) => (await broken).topups.credit(command) },
  };
  return late;
};

await serve(readConfig(process.env, { demo: false }), adapt);
await Promise.all(pending);
process.send?.('ready');
// Ends with whoever started it.
process.on('disconnect', () => process.exit(0));
