import type { Request } from 'express';
import type { OperationId } from '../../openapi/types.ts';

/** What the contract says of the operation that a request asks for. */
export interface Operation {
  operationId: OperationId;
  tags?: string[];
  security?: Record<string, string[]>[];
  requestBody?: object;
  parameters?: { name: string; in: string }[];
  responses: Record<string, object>;
}

/** The operation as the validator found it; undefined where the contract has none there. */
export function operationOf(request: Request): Operation | undefined {
  return (request as { openapi?: { schema: Operation } }).openapi?.schema;
}
