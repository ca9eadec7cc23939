import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { formatAmount } from '../../base/money.ts';
import type { Operator } from '../../catalogue/index.ts';
import { errorResponses } from './schemas.ts';
import type { ApiDeps } from './server.ts';

const Names = Type.Object({ en: Type.String(), zh: Type.String(), ru: Type.String(), kk: Type.String() });
const evidence = { source: Type.String(), verifiedAt: Type.String(), confidence: Type.String() };

const OperatorAnswer = Type.Object(
  {
    id: Type.String(),
    names: Names,
    brands: Type.Array(Type.Object({ id: Type.String(), names: Names })),
    prefixes: Type.Array(Type.String({ description: 'A hint only: numbers are portable' })),
    dialCodes: Type.Array(Type.Object({ purpose: Type.String(), code: Type.String(), ...evidence })),
    hotline: Type.Union([Type.Object({ number: Type.String(), ...evidence }), Type.Null()]),
    amounts: Type.Object({
      currency: Type.String(),
      min: Type.String(),
      max: Type.String(),
      presets: Type.Array(Type.String()),
    }),
  },
  { $id: 'Operator' },
);

/** Who serves which numbers, what to dial, what can be topped up. Public: the same facts are printed on cards. */
export function operatorRoutes(app: FastifyInstance, deps: ApiDeps): void {
  app.addSchema(OperatorAnswer);
  const answerOf = operatorAnswer(deps);
  app.get(
    '/v1/operators',
    {
      config: deps.publicLimit,
      schema: {
        operationId: 'listOperators',
        summary: 'Operators, brands, prefixes, dial codes, amounts',
        tags: ['catalogue'],
        security: [],
        response: { 200: Type.Object({ operators: Type.Array(Type.Ref('Operator')) }) },
      },
    },
    async () => ({ operators: deps.catalogue.operators().map(answerOf) }),
  );
  app.get<{ Params: { id: string } }>(
    '/v1/operators/:id',
    {
      config: deps.publicLimit,
      schema: {
        operationId: 'getOperator',
        summary: 'One operator',
        tags: ['catalogue'],
        security: [],
        params: Type.Object({ id: Type.String({ maxLength: 32 }) }),
        response: { 200: Type.Ref('Operator'), 404: errorResponses[404] },
      },
    },
    async (request) => answerOf(deps.catalogue.operator(deps.catalogue.parseOperator(request.params.id))),
  );
}

function operatorAnswer({ catalogue }: ApiDeps) {
  return (operator: Operator) => {
    const amounts = catalogue.denominations(operator.id);
    const hotline = catalogue.hotline(operator.id);
    return {
      id: operator.id,
      names: operator.names,
      brands: operator.brands.map((brand) => ({ id: brand.id, names: brand.names })),
      prefixes: operator.prefixes.map((prefix) => prefix.prefix),
      dialCodes: catalogue.dialCodes(operator.id).map(({ purpose, code, source, verifiedAt, confidence }) => ({
        purpose,
        code,
        source,
        verifiedAt,
        confidence,
      })),
      hotline: hotline
        ? {
            number: hotline.number,
            source: hotline.source,
            verifiedAt: hotline.verifiedAt,
            confidence: hotline.confidence,
          }
        : null,
      amounts: {
        currency: amounts.unit,
        min: formatAmount(amounts.minMinor, 'KZT'),
        max: formatAmount(amounts.maxMinor, 'KZT'),
        presets: amounts.presetsMinor.map((preset) => formatAmount(preset, 'KZT')),
      },
    };
  };
}
