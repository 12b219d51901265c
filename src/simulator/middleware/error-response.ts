import type { Response } from 'express';

/** The error body of the control API and of the standard dialect. */
export function answerError(response: Response, status: number, code: string, message: string): void {
  response.status(status).json({ error: { code, message } });
}
