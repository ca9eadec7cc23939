import { closeSync, fdatasyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { median } from './rows.ts';

export type Machine = {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  /** Median milliseconds to make 8 KB durable where the database lives: one COMMIT costs at least this. */
  readonly flushMs: number;
};

export function machineOf(dir: string): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
    flushMs: flushMs(dir),
  };
}

const FLUSHES = 200;
const PAGE = Buffer.alloc(8192, 1);

function flushMs(dir: string): number {
  const file = join(dir, 'flush');
  const fd = openSync(file, 'w');
  const times: number[] = [];
  try {
    for (let nth = 0; nth < FLUSHES; nth += 1) {
      writeSync(fd, PAGE, 0, PAGE.length, (nth % 64) * PAGE.length);
      const startedAt = performance.now();
      fdatasyncSync(fd);
      times.push(performance.now() - startedAt);
    }
  } finally {
    closeSync(fd);
    rmSync(file, { force: true });
  }
  return Math.round((median(times) ?? 0) * 1000) / 1000;
}

const TMPFS = 0x0102_1994;
const RAMFS = 0x8584_58f6;

/** A folder in memory makes nothing durable, so a figure measured there says nothing. */
export function isInMemory(dir: string): boolean {
  return [TMPFS, RAMFS].includes(statfsSync(dir).type);
}
