import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ended, freePort, killBackend, killPostmaster, startServerProgram, targets } from '../support/kills.ts';

/**
 * What can happen to the platform's programs. The first brings the database along and takes it with it; the second shares it, where there is one. `frozen` is
 * either of them held up for longer than it may keep an order to itself, and then going on as if nothing had been.
 */
export const blows = [...targets, 'second', 'frozen'] as const;
export type Blow = (typeof blows)[number];

export type ProgramsOptions = {
  readonly dataDir: string;
  readonly ports: readonly number[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly frozenMs: number;
  readonly random: () => number;
  /** Told what went wrong when a program has ended that nobody has killed. */
  readonly onEnd: (what: string) => void;
};

export async function portsFor(processes: number): Promise<number[]> {
  const ports: number[] = [];
  for (let each = 0; each < processes; each += 1) ports.push(await freePort());
  return ports;
}

/** The platform's programs, killed and started again under whoever uses them. */
export class Programs {
  readonly #options: ProgramsOptions;
  #first: ChildProcess | undefined;
  #second: ChildProcess | undefined;
  #databaseUrl = '';
  #isOver = false;

  constructor(options: ProgramsOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const [port = 0, ...others] = this.#options.ports;
    const { child, said } = await this.#run(port, {});
    this.#first = child;
    this.#expect(child, { isOurs: () => this.#first === child, again: () => this.start() });
    const isElsewhere = said.databaseUrl !== this.#databaseUrl;
    this.#databaseUrl = said.databaseUrl;
    if (others.length > 0 && (isElsewhere || !this.#second)) await this.#startSecond();
  }

  /** Answers what was done; nothing that cannot be done here. */
  async strike(blow: Blow): Promise<boolean> {
    const { dataDir, random, frozenMs } = this.#options;
    if (this.#options.ports.length < 2 && blow === 'second') return false;
    if (blow === 'postmaster' || blow === 'both') killPostmaster(dataDir);
    if (blow === 'backend') killBackend(dataDir, random);
    if (blow === 'program' || blow === 'both') {
      await this.#end('SIGKILL');
      await this.start();
    }
    if (blow === 'second') await this.#startSecond();
    if (blow === 'frozen') {
      const held = this.#second && random() < 0.5 ? this.#second : this.#first;
      held?.kill('SIGSTOP');
      await delay(frozenMs);
      held?.kill('SIGCONT');
    }
    return true;
  }

  async stop(): Promise<void> {
    this.giveUp();
    for (const child of [this.#second, this.#first]) if (child) await ended(child);
  }

  giveUp(): void {
    this.#isOver = true;
    this.#second?.kill('SIGTERM');
    this.#first?.kill('SIGTERM');
  }

  async #end(signal: 'SIGKILL'): Promise<void> {
    const child = this.#first;
    this.#first = undefined;
    child?.kill(signal);
    if (child) await ended(child);
  }

  async #startSecond(): Promise<void> {
    const before = this.#second;
    this.#second = undefined;
    before?.kill('SIGKILL');
    if (before) await ended(before);
    const [, port = 0] = this.#options.ports;
    const keys = { SAPAR_KEY_FILE: join(this.#options.dataDir, 'keys.json') };
    const { child } = await this.#run(port, { ...keys, DATABASE_URL: this.#databaseUrl });
    this.#second = child;
    this.#expect(child, { isOurs: () => this.#second === child, again: () => this.#startSecond() });
  }

  async #run(
    port: number,
    more: Readonly<Record<string, string>>,
  ): Promise<{ child: ChildProcess; said: { databaseUrl: string } }> {
    const { dataDir, args, env } = this.#options;
    const script = fileURLToPath(new URL('server.ts', import.meta.url));
    return startServerProgram({ script, args, dataDir, port, env: { ...env, ...more } });
  }

  #expect(child: ChildProcess, { isOurs, again }: { isOurs: () => boolean; again: () => Promise<void> }): void {
    child.once('exit', (code) => {
      if (this.#isOver || !isOurs()) return;
      this.#options.onEnd(`the platform ended by itself with ${code}`);
      again().catch((error: unknown) => this.#options.onEnd(String(error)));
    });
  }
}
