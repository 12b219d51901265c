import type { RequestHandler } from 'express';
import express from 'express';

/** The parameters of a form; each value is text. */
export type Parameters = Record<string, string | string[]>;

/** The parameters that are lists, also with one value. */
const LISTS = new Set(['MediaUrl', 'PersistentAction']);

/** Middleware that reads a form body. Without a form, the body is undefined. */
export const parseForm: RequestHandler[] = [
  express.text({ type: 'application/x-www-form-urlencoded', limit: '1mb' }),
  (request, _response, next) => {
    if (typeof request.body === 'string') request.body = parametersOf(new URLSearchParams(request.body));
    next();
  },
];

function parametersOf(form: URLSearchParams): Parameters {
  return Object.fromEntries(
    [...new Set(form.keys())].map((name) => [
      name,
      LISTS.has(name) ? form.getAll(name) : (form.getAll(name).at(-1) as string),
    ]),
  );
}
