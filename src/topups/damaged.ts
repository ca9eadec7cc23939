import type { Approvals, Vote } from '../audit/index.ts';
import { type Msisdn, maskMsisdn } from '../base/msisdn.ts';
import { Refusal } from '../base/refusal.ts';
import type { Subscribers } from '../parties/index.ts';
import { type Batches, type Done, REDEEM_SERIAL } from '../vouchers/index.ts';
import type { Redemption } from './redeem.ts';
import type { Topups } from './topups.ts';

export type DamagedCards = ReturnType<typeof createDamagedCards>;

/** A vote for a damaged card; with `done` the card is credited. */
export type SerialVote =
  | Extract<Vote<Done>, { outcome: 'waiting' | 'scheduled' }>
  | { readonly outcome: 'done'; readonly redemption: Redemption };

/** Cards whose PIN cannot be read, credited by serial once two others have agreed. */
export function createDamagedCards(deps: {
  batches: Batches;
  approvals: Approvals<Done>;
  subscribers: Subscribers;
  topups: Topups;
}) {
  const { batches, approvals, subscribers, topups } = deps;
  const indexOf = (msisdn: Msisdn): string => subscribers.refer(msisdn).index;
  return {
    /** Asks for it. The request keeps the number's mask and blind index, so each checker is told the number by the maker. */
    request: (asked: {
      serial: bigint;
      msisdn: Msisdn;
      reason: string;
      maker: string;
    }): Promise<{ approval: bigint }> => {
      const { serial, msisdn, reason, maker } = asked;
      return batches.requestSerial({
        serial,
        numberIndex: indexOf(msisdn),
        numberMask: maskMsisdn(msisdn),
        reason,
        maker,
      });
    },
    /**
     * One checker's yes for exactly this number; the second one credits it. The card is released and credited in two
     * transactions: cut short between them, the same call again credits it, and further calls credit nothing.
     */
    async approve(vote: { id: bigint; checker: string; msisdn: Msisdn }): Promise<SerialVote> {
      const { id, checker, msisdn } = vote;
      const { action, request, state } = await approvals.find(id);
      if (action !== REDEEM_SERIAL || request.numberIndex !== indexOf(msisdn)) throw new Refusal('approval.mismatch');
      if (state !== 'used') {
        const cast = await approvals.vote({ id, checker, given: { numberIndex: indexOf(msisdn) } });
        if (cast.outcome !== 'done') return cast;
      }
      const serial = BigInt(String(request.serial));
      return {
        outcome: 'done',
        redemption: await topups.redeemSerial({ serial, target: msisdn, operator: undefined }),
      };
    },
  };
}
