import { Agent, type RequestOptions, request } from 'node:http';
import type { Platform } from '../../src/app.ts';
import { matcherOf } from '../../src/base/networks.ts';
import { agentRoutes } from '../../src/channels/partners/index.ts';
import type { AgentProtocol, AgentSettings } from '../../src/parties/index.ts';
import { newPartner, serveOnSocket, type TestServer } from './platform.ts';

// Agents and their door, as tests need them.

export type TestAgent = { readonly id: bigint; readonly name: string; readonly password: string };

/** A partner with a float that is an agent, let in from this machine unless it is told apart otherwise. */
export async function newAgent(
  platform: Platform,
  {
    protocol = 'osmp',
    float = 10_000_000_00n,
    settings = {},
    hasPassword = false,
  }: { protocol?: AgentProtocol; float?: bigint; settings?: Partial<AgentSettings>; hasPassword?: boolean } = {},
): Promise<TestAgent> {
  const partner = await newPartner(platform, { float });
  const { password } = await platform.agents.create({
    name: partner.name,
    protocol,
    settings: { networks: ['127.0.0.0/8'], ...settings },
    hasPassword,
    actor: 'test',
  });
  return { ...partner, password: password?.reveal() ?? '' };
}

export type ServeAgents = {
  readonly onError?: (error: unknown) => void;
  /** Whose word on addresses and certificates is taken. */
  readonly trustProxy?: string;
  readonly port?: number;
};

export function serveAgents(platform: Platform, options: ServeAgents = {}): Promise<TestServer> {
  const { trustProxy, port = 0 } = options;
  const door = agentRoutes({
    ...platform,
    isProxy: matcherOf(trustProxy === undefined ? [] : [trustProxy]),
    onError: (error) => options.onError?.(error),
  });
  return serveOnSocket(platform, port, { doors: [door], ...(trustProxy === undefined ? {} : { trustProxy }) });
}

export type Said = { readonly status: number; readonly type: string; readonly body: string };

const lines = new Agent({ keepAlive: true, maxSockets: 64 });

/** The bytes as they are given: `fetch` would tidy the address. */
export function say(url: string, path: string, options: RequestOptions & { body?: string } = {}): Promise<Said> {
  const { hostname, port } = new URL(url);
  const { body, ...rest } = options;
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, agent: lines, ...rest }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          type: answer.headers['content-type'] ?? '',
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      );
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
