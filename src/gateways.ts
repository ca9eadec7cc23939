import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Platform } from './app.ts';
import { limits } from './base/limits.ts';
import type { HttpGateway, UssdEngine } from './channels/ussd/index.ts';
import type { GatewayFile } from './gateway_file.ts';
import { openGsupRow } from './gateway_gsup.ts';
import { openSmpp, type SmppDeps, type SmppGateway } from './gateway_smpp.ts';
import { type Counted, createGatewayReporter, type Gateway, type GatewayHooks, Traffic } from './gateways/index.ts';

export type GatewaysDeps = {
  readonly file: GatewayFile;
  readonly platform: Platform;
  readonly engine: UssdEngine;
  readonly log: Logger;
  readonly onCount: (counted: Counted) => void;
  readonly onSms?: SmppDeps['onSms'];
  /** Gateways that call us: their doors are opened with the others. */
  readonly http?: readonly HttpGateway[];
  /** Other waits than the limits', for a run that has no time to spend. */
  readonly timings?: SmppDeps['timings'];
};

export type Gateways = {
  readonly list: readonly Gateway[];
  readonly smpp: readonly SmppGateway[];
  /** Leaves in good order. */
  close(): Promise<void>;
};

/** Opens every link that the file names, tells of them every few seconds, and follows what staff wish. */
export async function openGateways(deps: GatewaysDeps): Promise<Gateways> {
  const { platform, engine, log } = deps;
  const { config, catalogue, keyring, clock, db } = platform;
  const { rows, beside } = deps.file;
  const traffic = new Traffic(clock);
  const common = { engine, keyring, clock, catalogue, beside, language: config.ussdLanguage, timings: deps.timings };
  const hooksOf = hooksFor(deps, traffic);
  const smpp = (rows.smpp ?? []).map((row) => openSmpp(row, { ...common, hooks: hooksOf(row.id), onSms: deps.onSms }));
  const gsup = (rows.gsup ?? []).map((row) => openGsupRow(row, { ...common, hooks: hooksOf(row.id) }));
  const http = deps.http ?? [];
  for (const gateway of http) gateway.watch(hooksOf(gateway.id));
  const list: Gateway[] = [...smpp, ...gsup, ...http];
  const name = `${hostname()}:${process.pid}:${randomUUID().slice(0, 4)}`;
  const reporter = createGatewayReporter({ db, clock }, { process: name, gateways: list, traffic });
  const rounds = keepTelling(() => reporter.round(), log);
  // Wishes that stand are obeyed from the start.
  await rounds.now();
  return {
    list,
    smpp,
    async close() {
      rounds.stop();
      await Promise.all(list.map((gateway) => gateway.close()));
      await rounds.idle();
      await reporter.close().catch((error: unknown) => log.warn({ err: error }, 'gateways could not be signed off'));
    },
  };
}

/** What went over the wires of the gateways named in `SAPAR_WIRE_TRACE` is logged, secrets and numbers left out. */
function hooksFor({ platform, log, onCount }: GatewaysDeps, traffic: Traffic): (gateway: string) => GatewayHooks {
  const traced = new Set((platform.config.env.SAPAR_WIRE_TRACE ?? '').split(',').map((id) => id.trim()));
  return (gateway) => ({
    onCount(counted) {
      traffic.count(counted);
      onCount(counted);
    },
    onError: (error) => log.error({ err: error, gateway }, 'a gateway failed'),
    ...(traced.has(gateway) ? { onTrace: (wire: string) => log.debug({ gateway, wire }, 'wire') } : {}),
  });
}

/** One round after the other; a database that is away is told of and waited for, while the gateways go on. */
function keepTelling(round: () => Promise<void>, log: Logger) {
  let running: Promise<void> | undefined;
  const now = (): Promise<void> => {
    running ??= round()
      .catch((error: unknown) => log.warn({ err: error }, 'the state of the gateways could not be told'))
      .finally(() => {
        running = undefined;
      });
    return running;
  };
  const timer = setInterval(() => void now(), limits.gatewayReportMs);
  timer.unref();
  return { now, stop: () => clearInterval(timer), idle: async () => running };
}
