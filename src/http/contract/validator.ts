import { parse as parseUrl } from 'node:url';
import type { Ajv } from 'ajv';
import { type RequestHandler, Router } from 'express';
import type {
  OpenApiRequest,
  OpenApiRequestMetadata,
} from 'express-openapi-validator/dist/framework/types.js';
import { RequestValidator, ResponseValidator } from 'express-openapi-validator/dist/middlewares/index.js';
import {
  httpMethods,
  SchemaPreprocessor,
} from 'express-openapi-validator/dist/middlewares/parsers/schema.preprocessor.js';
import {
  MethodNotAllowed,
  OpenApiValidator,
  type OpenApiValidatorOpts,
} from 'express-openapi-validator/dist/openapi.validator.js';
import { dereference } from '../../openapi/dereference.ts';
import type { OpenApiDocument } from '../../openapi/document.ts';
import { valuesIn } from '../middleware/body.ts';
import { stateOf } from '../request-state.ts';
import { boundedRegExp, boundFormats } from './bounded-checks.ts';
import { operationOf } from './operation.ts';
import { checkQuery, decimalInteger, withDecimalIntegers } from './parameters.ts';
import { withSelectedSchemas } from './union.ts';

/** The steps of a request for an operation of the contract, besides its validation. */
export interface Steps {
  /** Authentication, rate limit and body. */
  before: RequestHandler[];
  /** Sends the response to a valid request. */
  handle: RequestHandler;
}

/** The paths that the package has prepared for requests and for responses, and the middleware that validates. */
export interface Validation {
  paths: OpenApiDocument['paths'];
  responsePaths: OpenApiDocument['paths'] | undefined;
  request: RequestHandler;
  responses: RequestHandler[];
}

type Options = Omit<OpenApiValidatorOpts, 'apiSpec'>;

/** Maximum values of a body whose validation reports all errors. Larger bodies could have an error for each value. */
const MAX_VALUES_FOR_ALL_ERRORS = 500;

type ApiDoc = ConstructorParameters<typeof RequestValidator>[0];
type RequestOptions = ConstructorParameters<typeof RequestValidator>[1];

/** The package validates the responses of requests with this number. */
const SERIAL = 1;

/** Prepares the validation of requests and responses by a document. Services of one process can share the result. */
export async function prepareValidation(document: OpenApiDocument, options: Options): Promise<Validation> {
  triggerUrlParseWarning();
  return validationOf(await dereference(document), options);
}

/**
 * Routes and validates requests by the contract. Each path is an Express route; `steps.before` run before the validation by
 * express-openapi-validator. See docs/decisions/request-validation.md for the reasons.
 */
export function createValidator(
  { paths, responsePaths, request, responses }: Validation,
  { before, handle }: Steps,
): RequestHandler {
  const validate = [...before, checkQuery, request, ...responses, handle];
  const router = Router();
  for (const openApiRoute of Object.keys(paths).sort(byTemplates)) {
    const expressRoute = openApiRoute.replace(/\{(\w+)\}/g, ':$1');
    const operations = paths[openApiRoute] ?? {};
    const methods = Object.keys(operations).filter((key) => httpMethods.has(key));
    const allowed = methods.includes('get') ? [...methods, 'head'] : methods;
    const find: RequestHandler = (request, _response, next) => {
      // HEAD has the response of GET. Node.js omits the body.
      const method = request.method === 'HEAD' ? 'get' : request.method.toLowerCase();
      if (!methods.includes(method)) throw notAllowed(request.method, request.path, allowed);
      const found: OpenApiRequestMetadata & { _responseSchema: unknown } = {
        expressRoute,
        openApiRoute,
        pathParams: request.params as Record<string, string>,
        schema: operations[method] as never,
        serial: SERIAL,
        _responseSchema: responsePaths?.[openApiRoute]?.[method],
      };
      (request as OpenApiRequest).openapi = found;
      next();
    };
    router.all(expressRoute, find, ...validate);
  }
  return router;
}

function validationOf(document: OpenApiDocument, given: Options): Validation {
  const apiSpec = withoutSchemas(
    withSelectedSchemas(withDecimalIntegers(withoutRawBodies(document))),
  ) as never;
  // Normalizes the options. `make check` validates the document, not each start.
  const { ajvOpts, options } = new OpenApiValidator({ ...given, apiSpec });
  const { validateResponses } = options;
  const schemas = new SchemaPreprocessor(apiSpec, ajvOpts.preprocessor, validateResponses as never);
  const { apiDoc, apiDocRes } = schemas.preProcess();
  const responses = validateResponses
    ? [new ResponseValidator(withoutPaths(apiDocRes), ajvOpts.response, validateResponses, SERIAL).validate()]
    : [];
  const request = validateRequest(withoutPaths(apiDoc), {
    ...ajvOpts.request,
    keywords: [decimalInteger],
    code: { regExp: boundedRegExp },
  } as never);
  return {
    paths: apiDoc.paths as OpenApiDocument['paths'],
    responsePaths: apiDocRes?.paths as OpenApiDocument['paths'] | undefined,
    request,
    responses: responses as RequestHandler[],
  };
}

/**
 * Without the named schemas. All references are replaced by what they refer to, so that nothing reads them; the package would
 * add each of them to each of its validators.
 */
function withoutSchemas({ components, ...others }: OpenApiDocument): OpenApiDocument {
  return { ...others, components: { securitySchemes: components.securitySchemes } };
}

/** Without the paths. A validator gets the schema of its operation; the package would add all others to it, which takes longer. */
function withoutPaths<Document extends object>(document: Document): Document {
  return { ...document, paths: {} };
}

/** Without the bodies that only document what a handler reads from the bytes. */
function withoutRawBodies(document: OpenApiDocument): OpenApiDocument {
  const copy = structuredClone(document);
  for (const operations of Object.values(copy.paths))
    for (const operation of Object.values(operations) as Record<string, unknown>[])
      if (operation['x-raw-body']) delete operation.requestBody;
  return copy;
}

/**
 * The request validator of the package. Reports all errors of a small body and the first error of a large body, but no error
 * to an anonymous caller of an operation whose credentials are optional.
 */
function validateRequest(apiDoc: ApiDoc, options: RequestOptions): RequestHandler {
  const every = createRequestValidator(apiDoc, { ...options, allErrors: true });
  let first: RequestValidator | undefined;
  const validatorFor = (request: object) => {
    if (valuesIn(request) <= MAX_VALUES_FOR_ALL_ERRORS) return every;
    first ??= createRequestValidator(apiDoc, { ...options, allErrors: false });
    return first;
  };
  return (request, response, next) => {
    try {
      validatorFor(request).validate(request as never, response, next);
    } catch (error) {
      const { caller } = stateOf(request);
      const isRefused = caller?.type === 'anonymous' && operationOf(request)?.security?.length;
      throw isRefused ? caller.refusal : error;
    }
  };
}

function createRequestValidator(apiDoc: ApiDoc, options: RequestOptions): RequestValidator {
  const validator = new RequestValidator(apiDoc, options);
  const { ajv, ajvBody } = validator as unknown as { ajv: Ajv; ajvBody: Ajv };
  for (const each of [ajv, ajvBody]) boundFormats(each);
  return validator;
}

/** Concrete paths are matched before templated paths (OpenAPI 3, Paths Object). */
function byTemplates(one: string, other: string): number {
  return one.split('{').length - other.split('{').length;
}

/** The error for a method that a path does not have. */
export function notAllowed(method: string, path: string, allowed: string[]): MethodNotAllowed {
  return new MethodNotAllowed({
    path,
    message: `${method} method not allowed`,
    headers: { Allow: allowed.join(', ').toUpperCase() },
  });
}

/**
 * Triggers the deprecation warning of `url.parse` (DEP0169) without output. Until the warning was triggered once, each call
 * of `url.parse`, which the package uses, inspects the stack, which costs 5 % of the CPU time of a request.
 */
function triggerUrlParseWarning(): void {
  const { noDeprecation } = process;
  process.noDeprecation = true;
  parseUrl('/');
  process.noDeprecation = noDeprecation;
}
