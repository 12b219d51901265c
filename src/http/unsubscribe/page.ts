import { hash } from 'node:crypto';

const STYLE = `
body { margin: 0; color: #1d2b33; background: #fff; font-family: system-ui, sans-serif; line-height: 1.5; }
main { max-width: 40rem; margin: 4rem auto; padding: 0 1.5rem; }
button { padding: 0.7rem 1.5rem; border: 0; border-radius: 4px; color: #fff; background: #1f5673; font: inherit; cursor: pointer; }
`;

/** The pages have no script and load nothing. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="robots" content="noindex, nofollow">
    <title>${title}</title>
    <style>${STYLE}</style>
  </head>
  <body>
    <main>
      <h1>${title}</h1>
      ${content}
    </main>
  </body>
</html>
`;
}

/** The form goes to the URL of the page, also behind a proxy that changes the path. */
export const QUESTION = page(
  'Unsubscribe',
  `<p>Stop advertising from this sender to your email address?</p>
      <form method="post">
        <input type="hidden" name="List-Unsubscribe" value="One-Click">
        <button type="submit">Unsubscribe</button>
      </form>`,
);

export const UNSUBSCRIBED = page(
  'You are unsubscribed',
  '<p>This sender will send no more advertising to your email address.</p>',
);

export const UNKNOWN_LINK = page(
  'This link is not valid',
  '<p>Open the link of the email again, or write to the sender.</p>',
);

export const UNAVAILABLE = page(
  'Try again later',
  '<p>You are not unsubscribed yet, because the service is not available now. Try again in a minute.</p>',
);
