/** The parts of a database URL for error texts, without the password. */
export interface Target {
  /** The variable that the operator has to change. */
  variable: string;
  host: string;
  port: number;
  user: string;
  database: string;
}

interface Failure {
  code?: string;
  message?: string;
  path?: string;
}

type Explanation = (target: Target, failure: Failure) => string;

/** Explanations by SQLSTATE or error code of Node.js. */
const BY_CODE: [RegExp, Explanation][] = [
  [/^28P01$/, ({ user }) => `the password is wrong for the role "${user}", or there is no such role`],
  [/^28/, (_, { message }) => `the server refuses the login: ${message}. Check the role, and pg_hba.conf`],
  [
    /^3D000$/,
    ({ database, user }) =>
      `the database "${database}" does not exist. Create it: createdb --owner="${user}" "${database}"`,
  ],
  [
    /^42501$/,
    ({ user, database }, { message }) =>
      `${message}. The role must be able to create tables and schemas: alter database "${database}" owner to "${user}"`,
  ],
  [
    /^OBSOLETE_TABLES$/,
    ({ database }, { message }) =>
      `the tables in "${database}" are of a development version and cannot be upgraded (${message}). Use an empty database or directory`,
  ],
  [
    /^FOREIGN_FUNCTIONS$/,
    ({ database }, { message }) =>
      `the stored functions ${message} in "${database}" belong to tables in another schema. Use a separate database for each set of tables`,
  ],
  [/^53100$/, (_, { message }) => `the disk of the server is full: ${message}`],
  [
    /^53300$/,
    (_, { message }) =>
      `the server has no free connection: ${message}. Raise max_connections, or lower DATABASE_POOL_SIZE`,
  ],
  [
    /^25006$/,
    () =>
      'the database is read-only: it is a standby, or default_transaction_read_only is on. Name the primary',
  ],
  [/^57P0/, ({ host, port }, { message }) => `the server at ${host}:${port} is not ready: ${message}`],
  [
    /SELF_SIGNED|UNABLE_TO_(VERIFY|GET)/,
    () =>
      "the server's certificate is not signed by a known authority. Name its certificate in the URL: sslrootcert=FILE",
  ],
  [/^CERT_HAS_EXPIRED$/, () => "the server's certificate has expired"],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    ({ host }) =>
      `the server's certificate is not for the host name ${host}. Use a host name of the certificate`,
  ],
  [/^ENOENT$|^EACCES$/, (_, { path }) => `the file ${path} of an ssl parameter cannot be read`],
  [
    /^ERR_(SSL|OSSL)/,
    (_, { message }) => `TLS fails: ${message}. Check sslrootcert, sslcert and sslkey, which are PEM files`,
  ],
  [
    /^(ENOTFOUND|EAI_AGAIN)$/,
    ({ host }) => `the host name ${host} cannot be resolved. Check the URL and the DNS of this machine`,
  ],
  [
    /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/,
    ({ host, port }, { code }) =>
      `the database does not respond at ${host}:${port} (${code}). Check host and port, and that the server runs`,
  ],
];

/** Explanations by message, for errors of the driver without a code and for errors of connection poolers. */
const BY_MESSAGE: [RegExp, Explanation][] = [
  [
    /password must be a/,
    ({ user }) => `the server requires a password for the role "${user}", but the URL has no password`,
  ],
  [
    /does not support SSL connections/,
    ({ host, port }) =>
      `the server at ${host}:${port} has no TLS, but sslmode requires TLS. Enable TLS on the server, or use sslmode=disable`,
  ],
  [
    /timeout expired|Connection terminated|error establishing an SSL connection|ECONNRESET|^received invalid/,
    ({ host, port }) =>
      `the server at ${host}:${port} does not respond like a PostgreSQL server. Check host and port`,
  ],
  [
    /connection error|not queryable|EPIPE|(Unable to acquire|Timeout acquiring) a connection|exceeded when trying to connect/,
    ({ host, port }) =>
      `the connection to the database at ${host}:${port} was lost. Check that the server runs, and start again`,
  ],
  [
    /Query read timeout/,
    ({ host, port }) =>
      `the database at ${host}:${port} does not respond to a query in time. A pooler may have no free session`,
  ],
  [
    /startup parameter|pgbouncer|no such (database|user)/i,
    ({ host, port }, { message }) => `the connection pooler at ${host}:${port} refuses: ${message}`,
  ],
];

const SQLSTATE = /^[0-9A-Z]{5}$/;

/**
 * Explains an error of the database in one line, with the variable to change and the remedy, without the password.
 * Returns null if the error does not come from the database.
 */
export function explainDatabaseError(error: unknown, target: Target): string | null {
  const failure = failureOf(error);
  const { code = '', message = '' } = failure;
  const [, explain] =
    BY_MESSAGE.find(([pattern]) => pattern.test(message)) ??
    BY_CODE.find(([pattern]) => pattern.test(code)) ??
    [];
  if (explain) return `${target.variable}: ${explain(target, failure)}`;
  return SQLSTATE.test(code)
    ? `${target.variable}: the database refuses: ${message} (SQLSTATE ${code})`
    : null;
}

/** The first line of the driver's message. Knex adds the statement and ` - ` before this message. */
function failureOf(error: unknown): Failure {
  const { code, message = '', path } = error as Failure;
  const [line = ''] = message
    .slice(message.lastIndexOf(' - ') + 1)
    .replace(/^- /, '')
    .split('\n');
  return { code, message: line, path };
}
