import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { parseMsisdn } from '../../base/msisdn.ts';
import type { Redeem } from '../../topups/index.ts';
import { parsePin } from '../../vouchers/index.ts';
import { allow, clientOf, SITE } from './auth.ts';
import { errorResponses } from './schemas.ts';
import type { ApiDeps } from './server.ts';

const RedemptionRequest = Type.Object(
  {
    msisdn: Type.String({ minLength: 1, maxLength: 64, description: 'The number to credit' }),
    pin: Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'The code of the card; spaces and hyphens are ignored',
    }),
  },
  { $id: 'RedemptionRequest', additionalProperties: false },
);

const RedemptionAnswer = Type.Object(
  {
    status: Type.Union([Type.Literal('credited'), Type.Literal('already_credited')]),
    id: Type.String({ format: 'uuid' }),
    reference: Type.String(),
    serial: Type.String({ description: 'The card, by its public number; the PIN is never repeated' }),
    values: Type.Array(Type.Ref('Bucket')),
    balance: Type.String(),
    currency: Type.String(),
    redeemedAt: Type.String({ format: 'date-time' }),
  },
  { $id: 'Redemption' },
);

/** The site asks for its visitors, who are told apart by their addresses; a partner answers for all it asks. */
function whoAsks({ addressOf }: ApiDeps, request: FastifyRequest): Pick<Redeem, 'apiKey' | 'address'> {
  const { key } = clientOf(request);
  return key === SITE ? { apiKey: undefined, address: addressOf(request) } : { apiKey: key };
}

/** Redeeming a card for a number. The pair is its own key: repeating it never moves money twice. */
export function voucherRoutes(app: FastifyInstance, deps: ApiDeps): void {
  for (const schema of [RedemptionRequest, RedemptionAnswer]) app.addSchema(schema);
  app.post<{ Body: Static<typeof RedemptionRequest> }>(
    '/v1/vouchers/redemptions',
    {
      onRequest: allow(deps.authenticate, 'vouchers:redeem', deps.onAuthFailure),
      schema: {
        operationId: 'redeemVoucher',
        summary: 'Redeem a card for a number',
        description:
          '201 when this call credited the number, 200 `already_credited` when the same card had credited the same number before. One refusal, `voucher.refused`, for every card that cannot be used. Wrong tries are limited by number and by API key.',
        tags: ['vouchers'],
        body: Type.Ref('RedemptionRequest'),
        response: { 200: Type.Ref('Redemption'), 201: Type.Ref('Redemption'), ...errorResponses },
      },
    },
    async (request, reply) => {
      const target = parseMsisdn(request.body.msisdn);
      const pin = parsePin(request.body.pin);
      const redemption = await deps.topups.redeem({
        pin,
        target,
        caller: target,
        channel: 'api',
        gateway: undefined,
        operator: deps.catalogue.operatorOf(target),
        ...whoAsks(deps, request),
      });
      reply.code(redemption.status === 'credited' ? 201 : 200);
      return redemption;
    },
  );
}
