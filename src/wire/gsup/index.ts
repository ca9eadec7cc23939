/**
 * USSD as an Osmocom HLR speaks it: frames and their management (IPA), messages of subscribers (GSUP), the components of MAP inside them,
 * texts in seven and sixteen bits, and the control interface. Everything but the two clients is pure.
 */
export {
  type Component,
  decodeComponent,
  encodeComponent,
  type LengthForm,
  operations,
  ssErrors,
  type UssdString,
} from './component.ts';
export { CtrlClient } from './ctrl.ts';
export {
  ccm,
  encodeFrame,
  encodeIdentity,
  FrameReader,
  IPA_CCM,
  IPA_OSMO,
  OSMO_CTRL,
  OSMO_GSUP,
} from './ipa.ts';
export { IpaLink, type LinkState, type LinkTimers } from './link.ts';
export { decodeGsup, encodeGsup, type GsupMessage, INVALID_MANDATORY } from './message.ts';
export { decodeText, encodeText } from './text.ts';
export { describe } from './trace.ts';
