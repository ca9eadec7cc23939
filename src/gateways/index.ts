/**
 * Links to operators' networks as staff see them: what each process tells of its own every few seconds, and what staff want of them. How
 * a protocol is spoken is the business of `wire` and `channels`.
 */
export {
  createGatewayBoard,
  createGatewayReporter,
  type GatewayBoard,
  type GatewayReport,
  type GatewayReporter,
  type Wish,
} from './board.ts';
export {
  type Counted,
  type Gateway,
  type GatewayHooks,
  type GatewayState,
  type GatewayStatus,
  isUp,
} from './gateway.ts';
export { Traffic } from './traffic.ts';
