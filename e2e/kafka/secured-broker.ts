import type { TestAuthority } from '@xscaler/testkit';
import type { ScramUser } from './kafka-broker.ts';
import { KafkaCluster } from './kafka-cluster.ts';

export interface SecuredBrokerOptions {
  readonly authority: TestAuthority;
  /** What the broker's certificate is for; the loopback's names by default. */
  readonly altNames?: readonly string[];
  /** None: a client shows itself by its certificate, which the broker asks for. */
  readonly mechanisms: readonly string[];
  readonly scramUsers?: readonly ScramUser[];
  /** Users that may come in by PLAIN, with their passwords. */
  readonly plainUsers?: Readonly<Record<string, string>>;
  readonly properties?: Readonly<Record<string, string>>;
}

const LOGIN = 'org.apache.kafka.common.security';
const LOOPBACK = ['DNS:localhost', 'IP:127.0.0.1'];

/** A broker whose clients must come by TLS, and by SASL or with a certificate. Its own traffic stays in plain text on other ports. */
export function startSecuredBroker(options: SecuredBrokerOptions): Promise<KafkaCluster> {
  const { authority, altNames = LOOPBACK, mechanisms, scramUsers = [], plainUsers = {} } = options;
  const { bothFile } = authority.issue({ commonName: 'broker', altNames });
  const client = (name: string) => `listener.name.client.${name}`;
  const users = Object.entries(plainUsers).map(([name, password]) => ` user_${name}="${password}"`);
  return KafkaCluster.start({
    clientProtocol: mechanisms.length > 0 ? 'SASL_SSL' : 'SSL',
    scramUsers,
    properties: {
      [client('ssl.keystore.type')]: 'PEM',
      [client('ssl.keystore.location')]: bothFile,
      [client('ssl.truststore.type')]: 'PEM',
      [client('ssl.truststore.location')]: authority.caFile,
      [client('ssl.client.auth')]: mechanisms.length > 0 ? 'none' : 'required',
      [client('sasl.enabled.mechanisms')]: mechanisms.join(','),
      [client('scram-sha-256.sasl.jaas.config')]: `${LOGIN}.scram.ScramLoginModule required;`,
      [client('scram-sha-512.sasl.jaas.config')]: `${LOGIN}.scram.ScramLoginModule required;`,
      [client('plain.sasl.jaas.config')]: `${LOGIN}.plain.PlainLoginModule required${users.join('')};`,
      // The broker's own validator of unsecured tokens, which Kafka has for tests.
      [client('oauthbearer.sasl.jaas.config')]:
        `${LOGIN}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
      ...options.properties,
    },
  });
}
