import type { OpenApiDocument } from '../../../src/openapi/document.ts';
import { strictContract } from '../../support/strict-contract.ts';

interface Operation {
  parameters: object[];
  requestBody: { content: Record<string, { schema: { anyOf: { $ref: string }[] } }> };
  responses: Record<string, { content: Record<string, object> }>;
}

/**
 * The contract with the webhooks of Telnyx only: events as JSON, with the time of the signature, which the security scheme
 * describes.
 */
export function contractWithTelnyx(): OpenApiDocument {
  const document = structuredClone(strictContract());
  const { post } = document.paths['/api/webhooks/{account}'] as unknown as { post: Operation };
  post.parameters.push({ name: 'telnyx-timestamp', in: 'header', schema: { type: 'string', maxLength: 12 } });
  const { schema } = post.requestBody.content['application/json'] as {
    schema: { anyOf: { $ref: string }[] };
  };
  schema.anyOf = schema.anyOf.filter(({ $ref }) => $ref.includes('/Telnyx'));
  delete post.requestBody.content['application/x-www-form-urlencoded'];
  for (const response of Object.values(post.responses)) delete response.content?.['text/xml'];
  return document;
}
