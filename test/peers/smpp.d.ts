/** The npm package brings no types: as much of it as is called here. */
declare module 'smpp' {
  import type { EventEmitter } from 'node:events';
  import type { Server as NetServer, Socket } from 'node:net';

  export type PDU = {
    readonly command: string;
    readonly command_status: number;
    readonly sequence_number: number;
    readonly system_id: string;
    readonly password: string;
    readonly data_coding: number;
    readonly destination_addr: string;
    readonly short_message: { readonly message: Buffer | string };
    readonly message_payload?: { readonly message: Buffer | string };
    readonly ussd_service_op?: number;
    readonly its_session_info?: Buffer;
    response(fields?: Readonly<Record<string, unknown>>): PDU;
  };

  export type Session = EventEmitter & {
    readonly socket: Socket;
    send(pdu: PDU): boolean;
    deliver_sm(fields: Readonly<Record<string, unknown>>, onAnswer: (pdu: PDU) => void): boolean;
    destroy(): void;
  };

  export function createServer(
    options: { key?: string; cert?: string },
    onSession: (session: Session) => void,
  ): NetServer;
}
