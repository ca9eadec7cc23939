import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { parseUuid } from '../../base/ids.ts';
import { Refusal } from '../../base/refusal.ts';
import {
  type Documents,
  documentsOf,
  type ReceiptData,
  receiptOf,
  receiptText,
  type Seller,
} from '../../documents/index.ts';
import { isLanguage, type Language } from '../../i18n/index.ts';
import { allow } from './auth.ts';
import { errorResponses } from './schemas.ts';
import type { ApiDeps } from './server.ts';

const Query = Type.Object({
  language: Type.Optional(Type.String({ description: "zh, en, ru or kk; else the order's own" })),
  document: Type.Optional(Type.String({ maxLength: 16, description: 'payment, or refund-1 and so on' })),
});

type Asked = { Params: { id: string }; Querystring: { language?: string; document?: string } };

export type Papers = { readonly documents: Documents; readonly seller: Seller };

/** What whoever checks a receipt in Kazakhstan reads, next to the payer's own language. */
const OFFICIAL: Language = 'ru';

/** An order's receipt and refund documents: as PDF, and as the same words for a page. */
export function receiptRoutes(app: FastifyInstance, deps: ApiDeps): void {
  const onRequest = allow(deps.authenticate, 'orders:write', deps.onAuthFailure);
  const params = Type.Object({ id: Type.String({ maxLength: 64 }) });
  app.get<Asked>(
    '/v1/orders/:id/receipt.pdf',
    {
      onRequest,
      schema: {
        operationId: 'getReceiptFile',
        summary: 'A receipt or refund document as PDF',
        tags: ['orders'],
        params,
        querystring: Query,
        response: errorResponses,
      },
    },
    async (request, reply) => {
      const data = await documentIn(deps, request);
      const file = await deps.papers.documents.renderReceipt(data);
      return reply
        .type('application/pdf')
        .header('content-disposition', `inline; filename="${data.reference}.pdf"`)
        .send(file);
    },
  );
  app.get<Asked>(
    '/v1/orders/:id/receipts',
    {
      onRequest,
      schema: {
        operationId: 'getReceipts',
        summary: "All documents of an order in the payer's words and in Russian",
        tags: ['orders'],
        params,
        querystring: Query,
        response: { 200: Type.Any(), ...errorResponses },
      },
    },
    async (request) => {
      const { file, issuing } = await fileOf(deps, request);
      const language = languageIn(request, file.view.language);
      return {
        documents: documentsOf(file).flatMap((name) => {
          const data = receiptOf(file, name, issuing);
          if (!data) return [];
          const official = language === OFFICIAL ? null : receiptText(data, OFFICIAL);
          return [{ document: name, reference: data.reference, text: receiptText(data, language), official }];
        }),
      };
    },
  );
}

async function documentIn(deps: ApiDeps, request: FastifyRequest<Asked>): Promise<ReceiptData> {
  const { file, issuing } = await fileOf(deps, request);
  const data = receiptOf(file, request.query.document ?? 'payment', issuing);
  if (!data) throw new Refusal('receipt.not_found');
  return { ...data, language: languageIn(request, file.view.language) };
}

async function fileOf({ orders, catalogue, papers }: ApiDeps, request: FastifyRequest<Asked>) {
  const id = parseUuid(request.params.id);
  if (!id) throw new Refusal('order.not_found');
  const file = await orders.file(id);
  const operator = catalogue.operator(catalogue.parseOperator(file.view.operator)).names;
  return { file, issuing: { seller: papers.seller, operator } };
}

function languageIn({ query }: FastifyRequest<Asked>, fallback: Language): Language {
  const { language } = query;
  return language !== undefined && isLanguage(language) ? language : fallback;
}
