import { EnvError, makeValidator } from 'envalid';
import type { KindConfig } from '../../config/accounts.ts';
import { isLoopbackUrl } from '../../config/safety.ts';
import * as values from '../../config/values.ts';

export interface SesSettings {
  url: string;
  /** Such as `eu-west-1`. */
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** Of temporary credentials; null for a key of a user. */
  sessionToken: string | null;
  /** The configuration set that every message names, which publishes the events; null for the default of the identity. */
  configurationSet: string | null;
  /** The topics whose notifications are accepted; without a topic, every webhook is refused. */
  topicArns: string[];
  /**
   * Null for Amazon SNS. With the simulator: its origin, from which certificates and confirmations are fetched in place of
   * `sns.<region>.amazonaws.com`.
   */
  simulatorOrigin: string | null;
}

const MAX_TOPICS = 10;

const textOf = (pattern: RegExp, expected: string) =>
  makeValidator((input) => {
    if (!pattern.test(input)) throw new EnvError(`is not ${expected}`);
    return input;
  });
const region = textOf(/^[a-z]{2}(?:-[a-z]+)+-\d{1,2}$/, 'an AWS region such as eu-west-1');
const accessKeyId = textOf(/^[A-Z0-9]{16,128}$/, 'an access key id of AWS');
/** The errors do not repeat the secrets. */
const secretAccessKey = textOf(/^[A-Za-z0-9/+=]{16,128}$/, 'a secret access key of AWS');
const sessionToken = textOf(/^[\x21-\x7e]{16,8192}$/, 'a session token of AWS');
const configurationSet = textOf(/^[\w-]{1,64}$/, 'the name of a configuration set');
const topicArns = makeValidator((input) => {
  const arns = values.list()._parse(input);
  const isArn = (arn: string) => /^arn:aws[a-z-]*:sns:[a-z0-9-]{1,32}:\d{12}:[\w-]{1,256}$/.test(arn);
  if (arns.length > MAX_TOPICS || !arns.every(isArn))
    throw new EnvError('is not a list of topics such as arn:aws:sns:eu-west-1:123456789012:ses-events');
  return arns;
});

const specs = {
  REGION: region(),
  ACCESS_KEY_ID: accessKeyId(),
  SECRET_ACCESS_KEY: secretAccessKey(),
  SESSION_TOKEN: sessionToken({ default: undefined }),
  CONFIGURATION_SET: configurationSet({ default: undefined }),
  TOPIC_ARNS: topicArns({ default: undefined }),
  URL: values.webUrl({ default: undefined }),
};

/** The topic and the credentials of the account at the simulator. */
export const SIMULATED_TOPIC = 'arn:aws:sns:us-east-1:123456789012:simulator';
export const SIMULATED_KEY_ID = 'AKIASIMULATOR0000000';

export const sesConfig: KindConfig<typeof specs, SesSettings> = {
  name: 'ses',
  channels: ['email'],
  specs,
  requiredInProduction: {
    TOPIC_ARNS: 'every webhook is refused, so that bounces, complaints and other receipts never arrive',
  },
  signsUrls: false,
  toSettings: (env) => ({
    settings: {
      url: env.URL ?? `https://email.${env.REGION}.${suffixOf(`${env.REGION}`)}`,
      region: env.REGION,
      accessKeyId: env.ACCESS_KEY_ID,
      secretAccessKey: env.SECRET_ACCESS_KEY,
      sessionToken: env.SESSION_TOKEN ?? null,
      configurationSet: env.CONFIGURATION_SET ?? null,
      topicArns: env.TOPIC_ARNS ?? [],
      simulatorOrigin: simulatorOriginOf(env.URL),
    },
  }),
  simulated: ({ url, key }) => ({
    ...{ url: `${url}/ses`, region: 'us-east-1', accessKeyId: SIMULATED_KEY_ID, secretAccessKey: key },
    ...{ sessionToken: null, configurationSet: null, topicArns: [SIMULATED_TOPIC] },
    simulatorOrigin: new URL(url).origin,
  }),
};

/** The regions in China have a domain of their own. */
function suffixOf(name: string): string {
  return name.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
}

/** A URL of this machine can be the simulator, which signs as Amazon SNS does. For any other URL, only Amazon SNS is trusted. */
function simulatorOriginOf(url: string | undefined): string | null {
  return url !== undefined && isLoopbackUrl(url) ? new URL(url).origin : null;
}
