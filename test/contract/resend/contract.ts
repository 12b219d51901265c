import type { OpenApiDocument } from '../../../src/openapi/document.ts';
import { strictContract } from '../../support/strict-contract.ts';

interface Operation {
  parameters: object[];
  requestBody: { content: Record<string, { schema: { anyOf: { $ref: string }[] } }> };
  responses: Record<string, { content: Record<string, object> }>;
}

/** The contract with the webhooks of Resend only, with the headers of Svix that the security scheme describes. */
export function contractWithResend(): OpenApiDocument {
  const document = structuredClone(strictContract());
  const { post } = document.paths['/api/webhooks/{account}'] as unknown as { post: Operation };
  for (const name of ['svix-id', 'svix-timestamp'])
    post.parameters.push({ name, in: 'header', schema: { type: 'string', maxLength: 64 } });
  const { content } = post.requestBody;
  const { schema } = content['application/json'] as { schema: { anyOf: { $ref: string }[] } };
  schema.anyOf = schema.anyOf.filter(({ $ref }) => $ref.includes('/Resend'));
  for (const type of ['application/x-www-form-urlencoded', 'text/plain']) delete content[type];
  for (const response of Object.values(post.responses)) delete response.content?.['text/xml'];
  return document;
}
