/** SMPP 3.4, 5.1.3: what this program says, or acts on. */
export const statuses = {
  ok: 0x00,
  invalidMessageLength: 0x01,
  invalidCommandLength: 0x02,
  invalidCommand: 0x03,
  invalidBindState: 0x04,
  alreadyBound: 0x05,
  systemError: 0x08,
  invalidSource: 0x0a,
  invalidDestination: 0x0b,
  bindFailed: 0x0d,
  invalidPassword: 0x0e,
  invalidSystemId: 0x0f,
  queueFull: 0x14,
  submitFailed: 0x45,
  throttled: 0x58,
  temporaryAppError: 0x64,
  permanentAppError: 0x65,
  rejectedByApp: 0x66,
  invalidTlvStream: 0xc0,
  deliveryFailure: 0xfe,
  unknownError: 0xff,
} as const;

const names = new Map<number, string>([
  [statuses.ok, 'OK'],
  [statuses.invalidMessageLength, 'RINVMSGLEN'],
  [statuses.invalidCommandLength, 'RINVCMDLEN'],
  [statuses.invalidCommand, 'RINVCMDID'],
  [statuses.invalidBindState, 'RINVBNDSTS'],
  [statuses.alreadyBound, 'RALYBND'],
  [statuses.systemError, 'RSYSERR'],
  [statuses.invalidSource, 'RINVSRCADR'],
  [statuses.invalidDestination, 'RINVDSTADR'],
  [statuses.bindFailed, 'RBINDFAIL'],
  [statuses.invalidPassword, 'RINVPASWD'],
  [statuses.invalidSystemId, 'RINVSYSID'],
  [statuses.queueFull, 'RMSGQFUL'],
  [statuses.submitFailed, 'RSUBMITFAIL'],
  [statuses.throttled, 'RTHROTTLED'],
  [statuses.temporaryAppError, 'RX_T_APPN'],
  [statuses.permanentAppError, 'RX_P_APPN'],
  [statuses.rejectedByApp, 'RX_R_APPN'],
  [statuses.invalidTlvStream, 'RINVOPTPARSTREAM'],
  [statuses.deliveryFailure, 'RDELIVERYFAILURE'],
  [statuses.unknownError, 'RUNKNOWNERR'],
]);

/** `RTHROTTLED`, or `0x0000040a` for what only its vendor knows. */
export function statusName(status: number): string {
  return names.get(status) ?? `0x${status.toString(16).padStart(8, '0')}`;
}

/** Refusals that may end by themselves: the same message may be taken a little later. */
const temporary = new Set<number>([
  statuses.systemError,
  statuses.queueFull,
  statuses.throttled,
  statuses.temporaryAppError,
]);

export function isTemporary(status: number): boolean {
  return temporary.has(status);
}
