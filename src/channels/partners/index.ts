import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { limits } from '../../base/limits.ts';
import { Refusal } from '../../base/refusal.ts';
import { type Admission, type AgentAtDoor, type Agents, admit } from '../../parties/index.ts';
import { readAsk } from './ask.ts';
import { type ExchangeDeps, exchange } from './exchange.ts';
import { kaspi } from './kaspi/index.ts';
import { osmp } from './osmp/index.ts';
import type { Protocol, Told } from './protocol.ts';

export type AgentDoorDeps = ExchangeDeps & {
  readonly agents: Pick<Agents, 'atDoor' | 'available'>;
  /** Whether a socket's other end is a proxy of ours, whose word on a client's certificate is taken. */
  readonly isProxy: (address: string) => boolean;
  readonly onAnswer?: (answer: { agent: string; command: string; result: number }) => void;
};

const protocols: readonly Protocol[] = [osmp, kaspi];

const NAME = /^[a-z0-9][a-z0-9-]{1,62}$/;
const MINUTE_MS = 60_000;

/**
 * Where payment networks bring what they have collected: one address an agent and protocol. The protocols sign nothing, so who calls is told by
 * address, password and certificate, before anything is read. Business is answered with status 200, a no as well as a yes. Nothing of a request is logged:
 * its query holds a number.
 */
export function agentRoutes(deps: AgentDoorDeps): (app: FastifyInstance) => void {
  return (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(
      '*',
      { parseAs: 'string', bodyLimit: limits.agentRequestBytesMax },
      (_request, body, done) => done(null, body),
    );
    const tooOften = app.createRateLimit({ max: limits.unauthenticatedPerMinuteMax, timeWindow: MINUTE_MS });
    for (const protocol of protocols)
      app.route<{ Params: { agent: string } }>({
        method: [...protocol.methods],
        url: `/${protocol.id}/:agent`,
        // A HEAD would pay without an answer.
        exposeHeadRoute: false,
        schema: { hide: true },
        async handler(request, reply) {
          const { agent: name } = request.params;
          const agent = NAME.test(name) ? await deps.agents.atDoor(name) : undefined;
          const admission = agent?.protocol === protocol.id ? admit(agent, callerOf(request, deps)) : 'foreign';
          if (!agent || admission !== 'admitted') {
            const state = await tooOften(request);
            return turnAway(reply, 'isExceeded' in state && state.isExceeded ? 'often' : admission);
          }
          const told = await exchange(deps, { agent, protocol, ask: askOf(request, protocol, agent) });
          deps.onAnswer?.(countOf(agent, told));
          const { type, body } = protocol.render(told, agent.settings);
          return reply.type(type).send(body);
        },
      });
  };
}

/** A form and what its address says are one request: what is in both is said twice. */
function askOf(request: FastifyRequest, { txnIdDigitsMax }: Protocol, { settings }: AgentAtDoor) {
  const { url = '' } = request.raw;
  const at = url.indexOf('?');
  const query = at < 0 ? '' : url.slice(at + 1);
  const text = typeof request.body === 'string' ? `${query}&${request.body}` : query;
  return readAsk(text, txnIdDigitsMax, settings);
}

function callerOf(request: FastifyRequest, { isProxy }: AgentDoorDeps) {
  return {
    address: request.ip,
    authorization: request.headers.authorization,
    proxyHeader(name: string): string | undefined {
      const value = request.headers[name];
      return typeof value === 'string' && isProxy(request.socket.remoteAddress ?? '') ? value : undefined;
    },
  };
}

/** Whether there is an agent of this name is nobody's business but its own. */
function turnAway(reply: FastifyReply, admission: Admission | 'often'): FastifyReply {
  if (admission === 'often') throw new Refusal('rate.limited', { retryAfterSeconds: MINUTE_MS / 1_000 });
  if (admission === 'unproven') return reply.code(401).header('www-authenticate', 'Basic realm="sapar"').send();
  return reply.code(403).send();
}

function countOf({ name }: AgentAtDoor, { command, result }: Told) {
  return { agent: name, command: command ?? 'none', result };
}
