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
import { boundedRegExp, boundFormats } from './bounded-checks.ts';
import { checkQuery, decimalInteger, withDecimalIntegers } from './parameters.ts';
import { withSelectedSchemas } from './union.ts';

/** The steps of a request for an operation of the contract, besides its validation. */
export interface Steps {
  /** Authentication, and reading the body. */
  before: RequestHandler[];
  /** Answers a valid request. */
  handle: RequestHandler;
}

type Options = Omit<OpenApiValidatorOpts, 'apiSpec'>;

/** A body with more values than any valid message has is validated to its first error only: it may hold an error in each. */
const ALL_ERRORS_UP_TO = 500;

type ApiDoc = ConstructorParameters<typeof RequestValidator>[0];
type RequestOptions = ConstructorParameters<typeof RequestValidator>[1];

/** Marks the requests whose answers the package's validator of responses is to look at. */
const SERIAL = 1;

/**
 * Routes and validates by the contract: each of its paths is a route of Express, with our own steps before the steps of
 * express-openapi-validator. The package as a whole compiles the pattern of one path after the other on every request,
 * until one fits.
 */
export async function createValidator(
  document: OpenApiDocument,
  steps: Steps,
  options: Options,
): Promise<RequestHandler> {
  warnOfUrlParse();
  const { paths, responsePaths, validate } = validatorsOf(await dereference(document), steps, options);
  const router = Router();
  for (const openApiRoute of Object.keys(paths).sort(byTemplates)) {
    const expressRoute = openApiRoute.replace(/\{(\w+)\}/g, ':$1');
    const operations = paths[openApiRoute] ?? {};
    const methods = Object.keys(operations).filter((key) => httpMethods.has(key));
    const allowed = methods.includes('get') ? [...methods, 'head'] : methods;
    const find: RequestHandler = (request, _response, next) => {
      // Node sends no body in response to HEAD; everything else of the response is as for GET.
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

/** The paths as the package made them ready for requests and for responses, and the steps that validate by them. */
function validatorsOf(document: OpenApiDocument, { before, handle }: Steps, given: Options) {
  const apiSpec = withSelectedSchemas(withDecimalIntegers(document)) as never;
  // It reads the options; whether the document is valid is seen to by `make check`, not on every start.
  const { ajvOpts, options } = new OpenApiValidator({ ...given, apiSpec });
  const { validateResponses } = options;
  const schemas = new SchemaPreprocessor(apiSpec, ajvOpts.preprocessor, validateResponses as never);
  const { apiDoc, apiDocRes } = schemas.preProcess();
  const responses = validateResponses
    ? [new ResponseValidator(apiDocRes, ajvOpts.response, validateResponses, SERIAL).validate()]
    : [];
  const request = validateRequest(apiDoc, {
    ...ajvOpts.request,
    keywords: [decimalInteger],
    code: { regExp: boundedRegExp },
  } as never);
  const validate = [...before, checkQuery, request, ...responses, handle];
  return {
    paths: apiDoc.paths as OpenApiDocument['paths'],
    responsePaths: apiDocRes?.paths as OpenApiDocument['paths'] | undefined,
    validate: validate as RequestHandler[],
  };
}

/** The package's validator of requests, which collects every error of a small body and the first one of a large body. */
function validateRequest(apiDoc: ApiDoc, options: RequestOptions): RequestHandler {
  const every = createRequestValidator(apiDoc, { ...options, allErrors: true });
  let first: RequestValidator | undefined;
  return (request, response, next) => {
    if (valuesIn(request) <= ALL_ERRORS_UP_TO) return every.validate(request as never, response, next);
    first ??= createRequestValidator(apiDoc, { ...options, allErrors: false });
    return first.validate(request as never, response, next);
  };
}

function createRequestValidator(apiDoc: ApiDoc, options: RequestOptions): RequestValidator {
  const validator = new RequestValidator(apiDoc, options);
  const { ajv, ajvBody } = validator as unknown as { ajv: Ajv; ajvBody: Ajv };
  for (const each of [ajv, ajvBody]) boundFormats(each);
  return validator;
}

/** What is concrete is matched before what is templated (OpenAPI 3, Paths Object). */
function byTemplates(one: string, other: string): number {
  return one.split('{').length - other.split('{').length;
}

function notAllowed(method: string, path: string, allowed: string[]): MethodNotAllowed {
  return new MethodNotAllowed({
    path,
    message: `${method} method not allowed`,
    headers: { Allow: allowed.join(', ').toUpperCase() },
  });
}

/**
 * The validator uses `url.parse`, which looks through the stack on every call until it has warned of itself once
 * (DEP0169): it is made to, unheard. That takes a twentieth off a request.
 */
function warnOfUrlParse(): void {
  const { noDeprecation } = process;
  process.noDeprecation = true;
  parseUrl('/');
  process.noDeprecation = noDeprecation;
}
