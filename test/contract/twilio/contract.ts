import type { OpenApiDocument } from '../../../src/openapi/document.ts';
import { strictContract } from '../../support/strict-contract.ts';

interface Operation {
  parameters: object[];
  requestBody: { content: Record<string, object> };
  responses: Record<string, { content: Record<string, object> }>;
}

/**
 * The contract with the webhooks of Twilio only: forms that are answered with XML. The query parameter is a part of the
 * callback URL, which the service itself chooses.
 */
export function contractWithTwilio(): OpenApiDocument {
  const document = structuredClone(strictContract());
  const { post } = document.paths['/api/webhooks/{account}'] as unknown as { post: Operation };
  post.parameters.push({ name: 'echo', in: 'query', schema: { type: 'string', maxLength: 36 } });
  delete post.requestBody.content['application/json'];
  for (const response of Object.values(post.responses)) delete response.content?.['application/json'];
  return document;
}
