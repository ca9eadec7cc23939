import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './children.ts';

/** One run of wrk: the most a server answers when so many connections ask as fast as they are answered. */
export type WrkRun = {
  readonly url: string;
  readonly dir: string;
  readonly seconds: number;
  readonly connections: number;
  /** Lua that defines `request()`; it may read `tid`, the number of its thread. */
  readonly script: string;
};

export type WrkResult = {
  /** Answers a second. */
  readonly rate: number;
  readonly answers: number;
  /** Asked, answered or not when the time was up. */
  readonly asked: number;
  readonly p50: number;
  readonly p99: number;
  /** Answers of status 400 and above, broken connections, answers that took too long. */
  readonly errors: number;
};

const THREADS = 1;
const TIMEOUT_S = 20;

const common = `
local threads = {}
function setup(thread) table.insert(threads, thread); thread:set('tid', #threads) end
asked = 0
function done(summary, latency)
  local sent = 0
  for _, thread in ipairs(threads) do sent = sent + thread:get('asked') end
  local e = summary.errors
  io.write(string.format('RESULT {"answers":%d,"us":%d,"asked":%d,"p50":%d,"p99":%d,"status":%d,"broken":%d,"late":%d}\\n',
    summary.requests, summary.duration, sent, latency:percentile(50), latency:percentile(99), e.status, e.connect + e.read + e.write, e.timeout))
end
`;

export async function runWrk(wrk: WrkRun): Promise<WrkResult> {
  const file = join(wrk.dir, 'wrk.lua');
  // It holds API keys.
  writeFileSync(file, common + wrk.script, { mode: 0o600 });
  const args = [
    `-t${THREADS}`,
    `-c${wrk.connections}`,
    `-d${wrk.seconds}s`,
    `--timeout=${TIMEOUT_S}s`,
    '-s',
    file,
    wrk.url,
  ];
  const { stdout } = await run('wrk', args);
  rmSync(file, { force: true });
  const line = /^RESULT (.*)$/m.exec(stdout)?.[1];
  if (line === undefined) throw new Error(`wrk said nothing that can be read: ${stdout}`);
  const said: {
    answers: number;
    us: number;
    asked: number;
    p50: number;
    p99: number;
    status: number;
    broken: number;
    late: number;
  } = JSON.parse(line);
  return {
    rate: (said.answers * 1e6) / said.us,
    answers: said.answers,
    asked: said.asked,
    p50: said.p50 / 1000,
    p99: said.p99 / 1000,
    errors: said.status + said.broken + said.late,
  };
}

export type TopupPlan = {
  readonly tokens: readonly string[];
  readonly salt: string;
  readonly firstNumber: number;
  readonly numbers: number;
  /** 'random' meets numbers again and again; 'once' meets each number for the first time. */
  readonly order: 'random' | 'once';
};

/** `POST /v1/topups`, a key of its own each. The request is written out: wrk.format would take longer than the server. */
export function topupScript(plan: TopupPlan): string {
  const next = plan.order === 'random' ? `math.random(0, ${plan.numbers - 1})` : `(asked - 1) * ${THREADS} + tid - 1`;
  return `
local tokens = {${plan.tokens.map((token) => `'${token}'`).join(',')}}
function init() math.randomseed(${seedOf(plan.salt)} + tid) end
function request()
  asked = asked + 1
  local body = string.format('{"msisdn":"%d","amount":"100.00","currency":"KZT"}', ${plan.firstNumber} + ${next})
  return 'POST /v1/topups HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nAuthorization: Bearer ' .. tokens[asked % #tokens + 1] ..
    '\\r\\nContent-Type: application/json\\r\\nIdempotency-Key: ${plan.salt}-' .. tid .. '-' .. asked ..
    '\\r\\nContent-Length: ' .. #body .. '\\r\\n\\r\\n' .. body
end
`;
}

export type PaymentPlan = {
  readonly command: 'pay' | 'check';
  readonly agents: readonly string[];
  readonly salt: string;
  readonly firstNumber: number;
  readonly numbers: number;
};

/** `GET /osmp/{agent}`, each under a name of its own: ten digits of this run, then how many came before. */
export function paymentScript({ command, agents, salt, firstNumber, numbers }: PaymentPlan): string {
  const run = String(seedOf(salt)).padStart(10, '0');
  const date = command === 'pay' ? '&txn_date=20261124153000' : '';
  return `
local agents = {${agents.map((agent) => `'${agent}'`).join(',')}}
function init() math.randomseed(${seedOf(salt)} + tid) end
function request()
  asked = asked + 1
  return string.format('GET /osmp/%s?command=${command}&txn_id=${run}%d${date}&account=%d&sum=100.00 HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n\\r\\n',
    agents[asked % #agents + 1], asked, ${firstNumber} + math.random(0, ${numbers - 1}))
end
`;
}

/** `POST /v1/topups/bulk` with so many items a request. */
export function bulkScript(plan: Omit<TopupPlan, 'order'>, items: number): string {
  return `
local tokens = {${plan.tokens.map((token) => `'${token}'`).join(',')}}
function init() math.randomseed(${seedOf(plan.salt)} + tid) end
local item = '{"msisdn":"%d","amount":"100.00","currency":"KZT"}'
function request()
  asked = asked + 1
  local list = {}
  for i = 1, ${items} do list[i] = string.format(item, ${plan.firstNumber} + math.random(0, ${plan.numbers - 1})) end
  local body = '{"items":[' .. table.concat(list, ',') .. ']}'
  return 'POST /v1/topups/bulk HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nAuthorization: Bearer ' .. tokens[asked % #tokens + 1] ..
    '\\r\\nContent-Type: application/json\\r\\nIdempotency-Key: ${plan.salt}-' .. tid .. '-' .. asked ..
    '\\r\\nContent-Length: ' .. #body .. '\\r\\n\\r\\n' .. body
end
`;
}

/** `POST /v1/vouchers/redemptions`: codes come from a file a thread, numbers one after the other. */
export function redemptionScript(plan: {
  token: string;
  pinFiles: readonly string[];
  firstNumber: number;
  numbers: number;
}): string {
  return `
local files = {${plan.pinFiles.map((file) => `'${file}'`).join(',')}}
local pins
function init() pins = assert(io.open(files[tid], 'r')) end
function request()
  asked = asked + 1
  local pin = pins:read(16)
  local body = string.format('{"msisdn":"%d","pin":"%s"}', ${plan.firstNumber} + (asked * 61803) % ${plan.numbers}, pin or '')
  return 'POST /v1/vouchers/redemptions HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nAuthorization: Bearer ${plan.token}' ..
    '\\r\\nContent-Type: application/json\\r\\nContent-Length: ' .. #body .. '\\r\\n\\r\\n' .. body
end
`;
}

/** Files of sixteen digits after sixteen digits, one for each thread of wrk. */
export function writePinFiles(dir: string, pins: Iterable<string>): string[] {
  const files = Array.from({ length: THREADS }, (_, thread) => join(dir, `pins-${thread + 1}`));
  const texts: string[][] = files.map(() => []);
  let nth = 0;
  for (const pin of pins) texts[nth++ % THREADS]?.push(pin);
  for (const [thread, file] of files.entries()) writeFileSync(file, texts[thread]?.join('') ?? '', { mode: 0o600 });
  return files;
}

function seedOf(salt: string): number {
  let seed = 0;
  for (const character of salt) seed = (seed * 31 + character.charCodeAt(0)) % 1_000_000_007;
  return seed;
}
