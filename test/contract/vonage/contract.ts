import type { OpenApiDocument } from '../../../src/openapi/document.ts';
import { strictContract } from '../../support/strict-contract.ts';

interface Operation {
  requestBody: { content: Record<string, { schema: { anyOf: { $ref: string }[] } }> };
  responses: Record<string, { content?: Record<string, object> }>;
}

/** The contract with the webhooks of Vonage only: JSON that is answered with JSON. */
export function contractWithVonage(): OpenApiDocument {
  const document = structuredClone(strictContract());
  const { post } = document.paths['/api/webhooks/{account}'] as unknown as { post: Operation };
  const { content } = post.requestBody;
  for (const type of Object.keys(content)) if (type !== 'application/json') delete content[type];
  const json = content['application/json'] as (typeof content)[string];
  json.schema.anyOf = json.schema.anyOf.filter(({ $ref }) => /\/Vonage/.test($ref));
  for (const response of Object.values(post.responses)) delete response.content?.['text/xml'];
  return document;
}
