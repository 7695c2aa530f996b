export { ClientTls, type TlsFiles, type TlsSettingNames } from './client-tls.ts';
