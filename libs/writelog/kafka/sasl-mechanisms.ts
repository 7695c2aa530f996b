/** Of Kafka, as our settings spell them. Apart from Kafka's driver: a process on the embedded log knows its settings too. */
export const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'] as const;

export type SaslMechanism = (typeof SASL_MECHANISMS)[number];
