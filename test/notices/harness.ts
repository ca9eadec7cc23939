import { type ChildProcess, fork } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { openJournal } from '../../simulators/wire/journal.ts';
import { present } from '../../src/base/assert.ts';
import { parseMsisdn } from '../../src/base/msisdn.ts';
import { Refusal } from '../../src/base/refusal.ts';
import { ended, freePort, seeded, startServerProgram } from '../support/kills.ts';
import { newPartner, openTestPlatform, type TestPlatform } from '../support/platform.ts';
import type { Control } from './control.ts';

// Thousands of credits are told by text message while the SMS centre, and at times the platform, is killed under its hands. Afterwards what the
// centre has brought to phones is compared with what was credited.

export type Plan = {
  readonly notices: number;
  /** Messages that the bind sends without an answer, and how late the centre answers: what makes a short run long enough. */
  readonly pace?: { readonly window: number; readonly answerMs: number };
  readonly control: Control;
  readonly seed: number;
  readonly onProgress?: (done: number, kills: number) => void;
};

export type Verdict = {
  readonly owed: number;
  readonly centreKills: number;
  readonly programKills: number;
  /** Answers that the centre kept to itself, beside those that a kill cut off. */
  readonly answersLost: number;
  /** Messages on phones. */
  readonly arrived: number;
  /** Credits that no phone was told of, or another phone. */
  readonly lost: readonly string[];
  /** Messages beyond the first that say that they are a repeat, and carry the reference of the first. */
  readonly repeats: number;
  /** Messages beyond the first that do not. */
  readonly unmarked: readonly string[];
  /** Repeats of what has arrived by one copy alone: the first did not. */
  readonly cautious: number;
  /** Credits that our own book does not call delivered. */
  readonly unsettled: number;
  readonly tookMs: number;
};

const NUMBERS = 20_000;
const BULK = 1_000;
const WINDOW = 100;
const KILL_MS_MIN = 600;
const KILL_MS_SPREAD = 1_200;
/** A run that is long is killed at longer intervals, or its centre would do nothing but remember. */
const LONG = 20_000;
const LONG_FACTOR = 3;
const KILLS_MAX = 60;
/** Each so many kills the platform is killed too. */
const PROGRAM_EVERY = 5;
/** Of those that are owed, the share that is owed before anything is sent. */
const BEFOREHAND = 0.8;
const QUIET_MS_MAX = 90_000;

export async function tell(plan: Plan): Promise<Verdict> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sapar-notices-'));
  const random = seeded(plan.seed);
  const platform = await openTestPlatform({ dataDir });
  const run = new Run(plan, { dataDir, platform, random });
  try {
    return await run.play();
  } finally {
    await run.end();
    await platform.close();
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

type Stage = { readonly dataDir: string; readonly platform: TestPlatform; readonly random: () => number };
type Kept = {
  readonly to: string;
  readonly text: string;
  readonly state: string;
  readonly reference: number;
  readonly number: number;
};

class Run {
  readonly #plan: Plan;
  readonly #stage: Stage;
  readonly #owed = new Map<string, string>();
  readonly #journal: string;
  #ports = { smpp: 0, control: 0 };
  #centre: ChildProcess | undefined;
  #program: ChildProcess | undefined;
  #kills = { centre: 0, program: 0 };
  #answersLost = 0;

  constructor(plan: Plan, stage: Stage) {
    this.#plan = plan;
    this.#stage = stage;
    this.#journal = join(stage.dataDir, 'centre.jsonl');
  }

  async play(): Promise<Verdict> {
    const startedAt = performance.now();
    this.#ports = { smpp: await freePort(), control: await freePort() };
    const partner = await newPartner(this.#stage.platform, { float: 10n ** 15n });
    const beforehand = Math.floor(this.#plan.notices * BEFOREHAND);
    await this.#credit(partner.id, beforehand);
    await this.#startCentre();
    await this.#startProgram();
    const crediting = this.#credit(partner.id, this.#plan.notices - beforehand);
    await this.#killUntilTold(crediting);
    return { ...(await this.#compare()), tookMs: performance.now() - startedAt };
  }

  async end(): Promise<void> {
    for (const child of [this.#program, this.#centre]) child?.kill('SIGKILL');
    for (const child of [this.#program, this.#centre]) if (child) await ended(child);
  }

  /** Real credits, each of which owes its notice in its own transaction. What is asked for is kept here. */
  async #credit(partner: bigint, count: number): Promise<void> {
    const { platform, random } = this.#stage;
    for (let done = 0; done < count; done += BULK) {
      const commands = Array.from({ length: Math.min(BULK, count - done) }, (_, at) => ({
        partner,
        key: `notice-${this.#owed.size}-${at}`,
        msisdn: parseMsisdn(`7701${String(Math.floor(random() * NUMBERS)).padStart(7, '0')}`),
        amountMinor: 100_00n,
        operator: 'kcell',
      }));
      const answers = await platform.topups.creditMany(commands);
      answers.forEach((answer, at) => {
        if (answer instanceof Refusal) throw answer;
        this.#owed.set(answer.reference, present(commands[at], 'each command is answered').msisdn);
      });
      await delay(1);
    }
  }

  async #startCentre(): Promise<void> {
    const script = fileURLToPath(new URL('../../simulators/smsc/main.ts', import.meta.url));
    const args = ['--port', String(this.#ports.smpp), '--control-port', String(this.#ports.control)];
    const child = fork(script, [...args, '--receipt-ids', 'decimal', '--no-receipt-tlvs', '--journal', this.#journal], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    this.#centre = child;
    await new Promise<void>((resolve, reject) => {
      child.stdout?.once('data', () => resolve());
      child.once('exit', () => reject(new Error('the SMS centre ended before it was ready')));
    });
    await this.#loseAnswers();
  }

  async #startProgram(): Promise<void> {
    const { dataDir } = this.#stage;
    const file = join(dataDir, 'gateways.yaml');
    const row = {
      id: 'kcell-main',
      operator: 'kcell',
      host: '127.0.0.1',
      port: this.#ports.smpp,
      systemId: 'sapar',
      password: 'secret',
      use: ['sms'],
      sender: 'Sapar',
      window: this.#plan.pace?.window ?? WINDOW,
    };
    writeFileSync(file, stringify({ smpp: [row] }));
    chmodSync(file, 0o600);
    const script = fileURLToPath(new URL('server.ts', import.meta.url));
    const env = { SAPAR_GATEWAYS: file };
    this.#program = (await startServerProgram({ script, args: [this.#plan.control], dataDir, port: 0, env })).child;
  }

  async #killUntilTold(crediting: Promise<void>): Promise<void> {
    const { random } = this.#stage;
    let isCredited = false;
    const all = crediting.then(() => {
      isCredited = true;
    });
    let last = { waiting: -1n, at: performance.now() };
    for (;;) {
      await delay((KILL_MS_MIN + random() * KILL_MS_SPREAD) * (this.#plan.notices > LONG ? LONG_FACTOR : 1));
      const waiting = await this.#waiting();
      this.#plan.onProgress?.(this.#owed.size - Number(waiting), this.#kills.centre);
      if (isCredited && waiting === 0n) break;
      if (waiting !== last.waiting) last = { waiting, at: performance.now() };
      if (performance.now() - last.at > QUIET_MS_MAX) throw new Error(await this.#whatStands(waiting));
      // The last of them are left alone, or a run would never end.
      const isNearEnd = this.#kills.centre > 3 && Number(waiting) < this.#owed.size / 50;
      if (isNearEnd || this.#kills.centre >= KILLS_MAX) continue;
      await this.#kill();
    }
    await all;
  }

  async #kill(): Promise<void> {
    const centre = present(this.#centre, 'a centre runs');
    this.#kills.centre += 1;
    centre.kill('SIGKILL');
    await ended(centre);
    if (this.#kills.centre % PROGRAM_EVERY === 0) {
      const program = present(this.#program, 'a program runs');
      this.#kills.program += 1;
      program.kill('SIGKILL');
      await ended(program);
      await this.#startProgram();
    }
    await this.#startCentre();
  }

  /** The centre takes a few messages and says nothing. */
  async #loseAnswers(): Promise<void> {
    const loseAnswers = 1 + Math.floor(this.#stage.random() * 4);
    const delayMs = this.#plan.pace?.answerMs ?? 0;
    const response = await fetch(`http://127.0.0.1:${this.#ports.control}/_control`, {
      method: 'POST',
      body: JSON.stringify({ loseAnswers, delayMs }),
    });
    if (response.ok) this.#answersLost += loseAnswers;
  }

  /** Credits that are not told yet, as far as our own book knows. */
  async #waiting(): Promise<bigint> {
    const [row] = await this.#stage.platform.sql<{ waiting: bigint }>(
      `select (select count(*) from notice) - (select count(*) from sms where next_at is null) as waiting`,
    );
    return row?.waiting ?? 0n;
  }

  /** For whoever looks for the reason. */
  async #whatStands(waiting: bigint): Promise<string> {
    const { platform } = this.#stage;
    const states = await platform.sql(
      `select state, reason, is_doubtful, count(*), min(next_at) - now() as first, max(next_at) - now() as last from sms group by 1, 2, 3`,
    );
    const [intake] = await platform.sql(
      'select * from sms_intake cross join (select max(id) as newest from notice) as notice',
    );
    const [link] = await platform.sql('select * from gateway_state order by updated_at desc limit 1');
    const facts = { waiting, owed: this.#owed.size, states, intake, link };
    const text = JSON.stringify(facts, (_, value) => (typeof value === 'bigint' ? String(value) : value));
    return `nothing moves: ${text}`;
  }

  async #compare(): Promise<Omit<Verdict, 'tookMs'>> {
    await this.end();
    const onPhones = openJournal(this.#journal)
      .shelf<Kept>('message')
      .values()
      .filter(({ state }) => state === 'delivered');
    const byReference = Map.groupBy(onPhones, ({ text }) => /№ ([0-9A-Z-]{14})/.exec(text)?.[1] ?? text);
    const lost: string[] = [];
    const unmarked: string[] = [];
    let repeats = 0;
    let cautious = 0;
    for (const [reference, msisdn] of this.#owed) {
      const copies = (byReference.get(reference) ?? []).sort((a, b) => a.number - b.number);
      const [first, ...others] = copies;
      if (!first || copies.some(({ to }) => to !== msisdn)) lost.push(reference);
      if (first && isRepeat(first)) cautious += 1;
      for (const other of others) {
        if (isRepeat(other) && other.reference === first?.reference) repeats += 1;
        else unmarked.push(reference);
      }
    }
    for (const reference of byReference.keys()) if (!this.#owed.has(reference)) lost.push(`${reference} of nobody`);
    const [book] = await this.#stage.platform.sql<{ delivered: bigint }>(
      `select count(*) as delivered from sms where state = 'delivered'`,
    );
    return {
      owed: this.#owed.size,
      centreKills: this.#kills.centre,
      programKills: this.#kills.program,
      answersLost: this.#answersLost,
      arrived: onPhones.length,
      lost,
      repeats,
      unmarked,
      cautious,
      unsettled: this.#owed.size - Number(book?.delivered ?? 0n),
    };
  }
}

function isRepeat({ text }: Kept): boolean {
  return text.startsWith('Повтор: ');
}
