import type { Request } from 'express';
import type { OperationId } from '../../openapi/types.ts';

/** An operation of the contract. */
export interface Operation {
  operationId: OperationId;
  tags?: string[];
  security?: Record<string, string[]>[];
  requestBody?: object;
  parameters?: { name: string; in: string; schema?: { type?: unknown }; allowEmptyValue?: boolean }[];
  responses: Record<string, object>;
}

/** The path of a request's operation as the contract has it, such as `/api/messages/{id}`; undefined before routing. */
export function routeOf(request: Request): string | undefined {
  return (request as { openapi?: { openApiRoute: string } }).openapi?.openApiRoute;
}

/** The operation of a request; undefined before routing. */
export function operationOf(request: Request): Operation | undefined {
  return (request as { openapi?: { schema: Operation } }).openapi?.schema;
}
