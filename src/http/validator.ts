import { parse as parseUrl } from 'node:url';
import { type RequestHandler, Router } from 'express';
import {
  type RouteMetadata,
  type Spec,
  sortRoutes,
} from 'express-openapi-validator/dist/framework/openapi.spec.loader.js';
import {
  OpenApiValidator,
  type OpenApiValidatorOpts,
} from 'express-openapi-validator/dist/openapi.validator.js';
import { NotFoundError } from '../errors.ts';
import { dereference } from '../openapi/dereference.ts';
import type { OpenApiDocument } from '../openapi/document.ts';

type Options = Omit<OpenApiValidatorOpts, 'apiSpec'>;

/** What is done with a request that the contract has an operation for, around the look at its credentials. */
export interface Steps {
  beforeSecurity: RequestHandler[];
  afterSecurity: RequestHandler[];
}

/**
 * Routes and validates by the contract, with a validator for each resource (`/api/messages`, `/api/webhooks`, …):
 * express-openapi-validator compiles the pattern of one path after the other until one fits, on every request, so
 * each validator is given the few paths among which it has to choose.
 *
 * @param eager makes them all at once, half a second of work, rather than each at its first request.
 */
export function createValidator(
  document: OpenApiDocument,
  steps: Steps,
  { eager, ...options }: Options & { eager: boolean },
): RequestHandler {
  warnOfUrlParse();
  const resources = Map.groupBy(Object.entries(document.paths), ([path]) => resourceOf(path));
  const validators = new Map(
    [...resources].map(([resource, paths]) => {
      let validator: Router | undefined;
      const get = (): Router => {
        validator ??= Router().use(
          withSteps(validatorOf({ ...document, paths: Object.fromEntries(paths) }, options), steps),
        );
        return validator;
      };
      if (eager) get();
      return [resource, get];
    }),
  );
  return (request, response, next) => {
    const validator = validators.get(resourceOf(request.path));
    if (validator) validator()(request, response, next);
    else next(new NotFoundError(`route ${request.path}`));
  };
}

/**
 * As the package's own `middleware`, but for its loader: that one compiles the schema of OpenAPI itself each time, and
 * whether the document is valid is seen to by `make check`, not on every start.
 */
function validatorOf(document: OpenApiDocument, options: Options): RequestHandler[] {
  const apiSpec = dereference(document) as never;
  const spec: Spec = { apiDoc: apiSpec, basePaths: [''], routes: routesOf(document), serial: 1 };
  return new OpenApiValidator({ ...options, apiSpec }).installMiddleware(
    Promise.resolve(spec),
  ) as RequestHandler[];
}

function routesOf({ paths }: OpenApiDocument): RouteMetadata[] {
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      basePath: '',
      expressRoute: path.replace(/\{(\w+)\}/g, ':$1'),
      openApiRoute: path,
      method: method.toUpperCase(),
      pathParams: [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name),
    })),
  );
  return routes.sort(sortRoutes);
}

/** The validator is a list of middlewares of which one asks for the credentials; there is no option to add to it. */
function withSteps(validator: RequestHandler[], { beforeSecurity, afterSecurity }: Steps): RequestHandler[] {
  const index = validator.findIndex(({ name }) => name === 'securityMiddleware');
  if (index < 0) throw new Error('express-openapi-validator no longer has a securityMiddleware');
  return validator.toSpliced(index + 1, 0, ...afterSecurity).toSpliced(index, 0, ...beforeSecurity);
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

/** The first steps of a path under `/api`; all others are one resource. Paths do not depend on case. */
function resourceOf(path: string): string {
  const [, first, second, third] = path.toLowerCase().split('/', 4);
  if (first !== 'api') return '';
  // Each channel's webhooks by themselves: they are what comes in most.
  return second === 'webhooks' ? `${second}/${third}` : `${second}`;
}
