import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { RouteStatus } from './delivery/index.ts';
import { type Gateway, isUp } from './gateways/index.ts';
import type { SmsWaiting } from './notices/index.ts';

export type Metrics = ReturnType<typeof createMetrics>;

/** What agents were told. There are as many of them as staff have let in. */
export function agentAnswersIn(registry: Registry) {
  return new Counter({
    name: 'sapar_agent_answers_total',
    help: 'What agents were told, by the results of their protocol',
    labelNames: ['agent', 'command', 'result'],
    registers: [registry],
  });
}

const BATCH_SIZES = [1, 4, 16, 64, 128, 256, 512];
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

const openness = { closed: 0, half_open: 0.5, open: 1 } as const;

/** Figures for the operator of the platform. Labels are routes, codes and lanes: never a number, a PIN or a key. */
export function createMetrics(waiting: () => number, routes: () => readonly RouteStatus[]) {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const databaseExits = new Counter({
    name: 'sapar_database_exits_total',
    help: 'Times the embedded database ended unasked',
    registers,
  });
  const alarms = new Counter({
    name: 'sapar_alarms_total',
    help: 'What somebody should look at: forged or contradicting notifications, disputes, refused refunds, open cases',
    labelNames: ['kind', 'provider'],
    registers,
  });
  const letters = new Counter({
    name: 'sapar_letters_total',
    help: 'Letters to payers by what became of them: sent, refused, later',
    labelNames: ['outcome'],
    registers,
  });
  return {
    registry,
    ...httpMetricsIn(registry),
    ...laneMetricsIn(registry, waiting),
    ...deliveryMetricsIn(registry, routes),
    databaseExits,
    alarms,
    letters,
  };
}

function httpMetricsIn(registry: Registry) {
  const registers = [registry];
  const requests = new Counter({
    name: 'sapar_http_requests_total',
    help: 'HTTP requests by route and status',
    labelNames: ['route', 'status'],
    registers,
  });
  const seconds = new Histogram({
    name: 'sapar_http_request_seconds',
    help: 'Time to answer',
    labelNames: ['route'],
    buckets: SECONDS,
    registers,
  });
  return { requests, seconds };
}

function laneMetricsIn(registry: Registry, waiting: () => number) {
  const registers = [registry];
  const batches = new Histogram({
    name: 'sapar_lane_batch_items',
    help: 'Items committed together',
    labelNames: ['lane'],
    buckets: BATCH_SIZES,
    registers,
  });
  const commits = new Histogram({
    name: 'sapar_lane_batch_seconds',
    help: 'Time from BEGIN to COMMIT of a lane batch',
    labelNames: ['lane'],
    buckets: SECONDS,
    registers,
  });
  const failures = new Counter({
    name: 'sapar_lane_failures_total',
    help: 'Items that failed for no reason of their own',
    labelNames: ['lane'],
    registers,
  });
  new Gauge({
    name: 'sapar_lane_waiting_items',
    help: 'Items waiting for their batch',
    registers,
    collect() {
      this.set(waiting());
    },
  });
  return { batches, commits, failures };
}

function deliveryMetricsIn(registry: Registry, routes: () => readonly RouteStatus[]) {
  const registers = [registry];
  const deliveries = new Counter({
    name: 'sapar_delivery_calls_total',
    help: 'Calls to operators by what they answered',
    labelNames: ['route', 'operator', 'verb', 'outcome'],
    registers,
  });
  new Gauge({
    name: 'sapar_delivery_breaker_open',
    help: 'Whether deliveries to an operator are held back: 1 open, 0.5 one is let through, 0 closed',
    labelNames: ['route', 'operator'],
    registers,
    collect() {
      for (const { route, operator, state } of routes()) this.set({ route, operator }, openness[state]);
    },
  });
  return { deliveries };
}

/** Links to operators' networks: what went over them, and which are up. They are opened when figures are already counted. */
export function gatewayMetricsIn(registry: Registry) {
  const registers = [registry];
  const messages = new Counter({
    name: 'sapar_gateway_messages_total',
    help: "Messages of operators' gateways by what became of them",
    labelNames: ['gateway', 'direction', 'kind', 'outcome'],
    registers,
  });
  let gateways: readonly Gateway[] = [];
  new Gauge({
    name: 'sapar_gateway_up',
    help: "Whether messages can go through an operator's gateway",
    labelNames: ['gateway', 'protocol'],
    registers,
    collect() {
      for (const one of gateways)
        this.set({ gateway: one.id, protocol: one.protocol }, isUp(one.status().state) ? 1 : 0);
    },
  });
  return {
    messages,
    watch(list: readonly Gateway[]): void {
      gateways = list;
    },
  };
}

/** Text messages: what waits, for how long, and what became of the others. What waits is counted in the database, so each process tells of all of it. */
export function smsMetricsIn(registry: Registry, waiting: () => Promise<readonly SmsWaiting[]>, now: () => Date) {
  const registers = [registry];
  const moves = new Counter({
    name: 'sapar_sms_moves_total',
    help: 'Text messages by the state they have come to',
    labelNames: ['operator', 'state'],
    registers,
  });
  const commands = new Counter({
    name: 'sapar_sms_commands_total',
    help: 'Messages from phones by what they ask for',
    labelNames: ['operator', 'command'],
    registers,
  });
  const oldest = new Gauge({
    name: 'sapar_sms_oldest_seconds',
    help: 'Age of the oldest text message that is not at its end',
    labelNames: ['operator'],
    registers,
  });
  new Gauge({
    name: 'sapar_sms_waiting',
    help: 'Text messages that are not at their end, by state',
    labelNames: ['operator', 'state'],
    registers,
    async collect() {
      const rows = await waiting().catch(() => []);
      this.reset();
      oldest.reset();
      for (const { operator, state, count } of rows) this.set({ operator, state }, Number(count));
      for (const [operator, own] of Map.groupBy(rows, (row) => row.operator)) {
        const first = Math.min(...own.map((row) => row.oldest.getTime()));
        oldest.set({ operator }, Math.max(0, (now().getTime() - first) / 1_000));
      }
    },
  });
  return { moves, commands };
}
