/**
 * Parties: subscribers (numbers with balances), partners (API clients with a prefunded float) and agents (partners that speak a check/pay
 * protocol). The only place that knows a number and who holds it; everybody else gets the opaque id.
 */
export {
  type AccountForm,
  type Admission,
  type Agent,
  type AgentAtDoor,
  type AgentProtocol,
  type AgentSettings,
  accountForms,
  admit,
  agentProtocols,
  answerFormats,
  type DisplayField,
  echoTags,
  fieldSubjects,
  settingsFor,
} from './agent.ts';
export { type Agents, createAgents, settingTexts } from './agents.ts';
export {
  type Client,
  createPartners,
  defaultScopes,
  type Partner,
  type Scope,
  scopes,
} from './partners.ts';
export type { Holder, Subscriber } from './subscriber.ts';
export {
  areNumbersOf,
  type Bucket,
  createSubscribers,
  type Movement,
  type NumberRef,
  type Revealed,
  type Subscribers,
} from './subscribers.ts';
